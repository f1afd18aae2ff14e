"""The other connections to the test database, as PostgreSQL sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def waiting_at_a_lock() -> list[int]:
    """Those that wait for a lock."""
    return _pids(f"SELECT pid {_OTHERS} AND wait_event_type = 'Lock'")


def here(pids: list[int]) -> list[int]:
    """Those of these that are still there."""
    return [pid for pid in _pids(f"SELECT pid {_OTHERS}") if pid in pids]


def query(pid: int) -> str:
    """The statement that this one runs, or ran last."""
    with _looking() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid])
        (text,) = cursor.fetchone()
    return str(text)


def terminate_all() -> int:
    """End every other connection, whatever it is doing; gives how many."""
    return len(_pids(f"SELECT pid FROM (SELECT pid, pg_terminate_backend(pid) AS ended {_OTHERS}) AS o WHERE ended"))


def _pids(query: str) -> list[int]:
    with _looking() as cursor:
        cursor.execute(query)
        return [pid for (pid,) in cursor.fetchall()]


@contextmanager
def _looking() -> Iterator[Any]:
    """A cursor that sees the connections as they are now: a transaction keeps what it saw of them first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        yield cursor
