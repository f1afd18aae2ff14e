"""A second connection, and a way to see that it waits for a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from dispatch import bell
from tests import scenes


class Beside:
    """Runs calls in threads, each with a connection of its own."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def start(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Begin the call; its result is the future's."""

        def run() -> Any:
            try:
                return call(*args, **kwargs)
            finally:
                connection.close()

        return self._pool.submit(run)

    def start_blocked(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Begin the call, and come back when it waits for a lock that the test's own transaction holds."""
        future = self.start(call, *args, **kwargs)
        scenes.until(lambda: future.done() or self._waiting(), "the other connection waits for a lock", 20)
        assert not future.done(), f"it did not wait: {future.result()}"
        return future

    def do(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Make the call to its end: it must not wait for the test's own transaction."""
        return self.start(call, *args, **kwargs).result(20)

    def _waiting(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return bool(cursor.fetchone()[0])


@pytest.fixture
def beside(transactional_db: None) -> Iterator[Beside]:
    """Calls on other connections; all have ended when the test has."""
    with ThreadPoolExecutor(4) as pool:
        yield Beside(pool)


@pytest.fixture(autouse=True)
def _silent_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker listens here: what messages would do, the tests do."""
    monkeypatch.setattr(bell, "_send", lambda *_: None)
