"""The project's settings, and the functions that only tests and benchmarks call."""

from __future__ import annotations

from tableflow.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.stage"]  # noqa: F405
