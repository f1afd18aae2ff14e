"""The project's settings, and the functions that only tests and benchmarks call."""

from __future__ import annotations

import os

from tableflow.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.stage"]  # noqa: F405
# Whoever works on the pages changes their scripts while tests run. In continuous integration they are served as in use.
SERVESTATIC_AUTOREFRESH = "CI" not in os.environ
