"""Who runs the servers of a data folder: one owner at a time, and those who use them meanwhile.

Both are locks of the kernel on files in the data folder: they end with their process, however it ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tableflow.embedded import folders


class Owned(Exception):
    """Another process owns the servers of this data folder; the message says which."""


@contextmanager
def owner(home: Path, purpose: str) -> Iterator[None]:
    """Own the servers. `purpose` is what others are told. Raises Owned when somebody else does."""
    with _path(home, "owner").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Owned(file.read().strip()) from None
        file.truncate(0)
        file.write(purpose)
        file.flush()
        yield


@contextmanager
def user(home: Path) -> Iterator[None]:
    """Use the servers: a command that owns them does not stop them meanwhile."""
    with _path(home, "users").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def wait_for_users(home: Path) -> None:
    """Wait until nobody uses the servers."""
    with _path(home, "users").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def _path(home: Path, name: str) -> Path:
    return folders.private(home / "run") / f"{name}.lock"
