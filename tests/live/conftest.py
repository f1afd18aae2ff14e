"""What the tests of streams share in a module: its processes, and a web process that looks after its streams often.

Such a module puts `lasting_database` in place of `db`, which would roll back what a test does: here other processes
are to see it. So each test has people and tables of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from knox.models import get_token_model

from tableflow.live import log
from tableflow.tables.models import Table
from tests.conftest import Web
from tests.factories import TableFactory, UserFactory
from tests.faults.company import Company, engaged
from tests.live.streams import Listener, Stream, listening
from tests.stage import pace

EVENTS = "/api/v1/stream/events"
PACE = pace.environment(lease=3.0, renew=1.0, sweep=1.0, heartbeat=0.5, look=0.5)


@dataclass(frozen=True)
class Person:
    """Somebody with a token: what they ask of a web process, and the streams that they have there."""

    user: User
    headers: dict[str, str]
    listener: Listener
    web: Web

    def ask(self, method: str, path: str, **what: Any) -> httpx2.Response:
        """The answer to a call of the API."""
        return httpx2.request(method, f"{self.web.url}/api/v1{path}", headers=self.headers, timeout=30, **what)

    def events(self, query: str = "", **options: Any) -> Stream:
        """A stream of events; `query` is what stands behind the question mark. It has begun."""
        return self.listener.open(f"{EVENTS}?{query}", **options)

    def hints(self, table: Table, query: str = "", **options: Any) -> Stream:
        """A stream of a table's hints."""
        return self.listener.open(f"/api/v1/tables/{table.pk}/events/?{query}", **options)


@pytest.fixture(scope="module")
def lasting_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database for the whole module, emptied at its end."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(scope="module")
def lasting_redis() -> Iterator[redis.Redis]:
    """The session's Redis, emptied before the module and after it."""
    with closing(redis.Redis.from_url(settings.REDIS_URL)) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(scope="module")
def company(
    lasting_database: None, lasting_redis: redis.Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """The module's processes; nobody is in it yet."""
    with engaged(tmp_path_factory.mktemp("company"), PACE) as company:
        yield company


@pytest.fixture(scope="session")
def shared_web(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    """One web process for all tests that do it no harm: it keeps nothing between them but its place in the log."""
    with ExitStack() as stack:
        with django_db_blocker.unblock():
            company = stack.enter_context(engaged(tmp_path_factory.mktemp("company"), PACE))
            web = company.web(STREAMS_PER_USER="60")
        yield web


@pytest.fixture(scope="module")
def web(shared_web: Web, lasting_database: None, lasting_redis: redis.Redis) -> Web:
    """The module's web process. It has noticed that the log began anew."""
    with listening(shared_web.url, bearer(UserFactory.create())) as listener:
        listener.open(EVENTS).first("heartbeat", lambda data: data["cursor"] >= log.position().origin)
    return shared_web


@pytest.fixture
def someone(db: None, web: Web) -> Iterator[Callable[..., Person]]:
    """`someone()` is a new person with a token; `someone(at=other)` asks another web process than the module's."""
    with ExitStack() as stack:

        def come(at: Web = web) -> Person:
            user = UserFactory.create()
            headers = bearer(user)
            return Person(user, headers, stack.enter_context(listening(at.url, headers)), at)

        yield come


@pytest.fixture
def ada(someone: Callable[..., Person]) -> Person:
    """Somebody with a token."""
    return someone()


@pytest.fixture
def table(ada: Person) -> Table:
    """A table of Ada's."""
    return TableFactory.create(owner=ada.user, columns={"name": "text", "n": "number"})


def bearer(user: User) -> dict[str, str]:
    """The header of a program with a new token of this user."""
    _, token = get_token_model().objects.create(user=user)
    return {"Authorization": f"Bearer {token}"}
