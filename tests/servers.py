"""A pytest plugin: PostgreSQL and Redis for the session, when the environment names none.

It comes before pytest-django loads the settings. Each session has servers of its own, in a temporary data folder,
so that several may run at once.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tableflow.embedded import servers

_stack = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """Start the servers. A wrapper, so that it comes before every other plugin's hook."""
    home = Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="tableflow-test-"))).resolve()
    os.environ["TABLEFLOW_HOME"] = str(home)
    os.environ.setdefault("SECRET_KEY", "only for tests")
    os.environ.setdefault("ENCRYPTION_KEY", "only for tests")
    _stack.enter_context(servers.running(home, durable=False))
    return (yield)


def pytest_unconfigure() -> None:
    """Stop what speaks to the servers by itself, and the servers."""
    from tableflow.live import flusher

    flusher.end()
    _stack.close()
