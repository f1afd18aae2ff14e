"""The other connections to the test database, as PostgreSQL sees them."""

from __future__ import annotations

from django.db import connection

_OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def waiting_at_a_lock() -> list[int]:
    """Those that wait for a lock."""
    return _pids(f"SELECT pid {_OTHERS} AND wait_event_type = 'Lock'")


def here(pids: list[int]) -> list[int]:
    """Those of these that are still there."""
    return [pid for pid in _pids(f"SELECT pid {_OTHERS}") if pid in pids]


def terminate_all() -> int:
    """End every other connection, whatever it is doing; gives how many."""
    return len(_pids(f"SELECT pid FROM (SELECT pid, pg_terminate_backend(pid) AS ended {_OTHERS}) AS o WHERE ended"))


def _pids(query: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return [pid for (pid,) in cursor.fetchall()]
