"""What the browser tests share: a page of somebody who has logged in, and a watch over the console."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator

import httpx2
import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from playwright.sync_api import ConsoleMessage, Page, expect

from tests import parts, scenes
from tests.conftest import Web

PATIENCE_MS = 15_000
# The browser itself logs every answer of 400 and above: those are the refusals that the page shows to people.
REFUSAL = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@pytest.fixture(scope="session")
def base_url() -> None:
    """Each test has a server of its own, so there is no one address. (The plugin's own fixture raises a warning.)"""


@pytest.fixture(autouse=True)
def console(transactional_db: None, page: Page) -> Iterator[list[str]]:
    """No page may log an error or a warning, nor throw. It is left before the database is emptied under it."""
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not REFUSAL.match(message.text):
            complaints.append(f"{message.type}: {message.text} {message.location}")

    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(f"thrown: {error}"))
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield complaints
    seen = list(complaints)
    # The page lets go of its streams itself: a browser that is closed over an open one sometimes never ends.
    for each in page.context.pages:
        each.goto("about:blank")
    scenes.until(_is_at_rest, "the web process has done what the page asked last")
    assert seen == []


def _is_at_rest() -> bool:
    """Whether nobody is at work in the database: who empties it then meets no lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state <> 'idle' LIMIT 1"
        )
        return cursor.fetchone() is None


@pytest.fixture(scope="session")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """One web process for all of these tests: it keeps nothing between requests but its connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        arguments = ["-m", "uvicorn", "tableflow.asgi:application", "--fd", str(listener.fileno()), "--no-access-log"]
        log = tmp_path_factory.mktemp("web") / "web.log"
        environment = parts.environment(PORT=url.rpartition(":")[2])
        part = parts.start("web", arguments, log, env=environment, fds=(listener.fileno(),))
        parts.wait_ready(part, lambda: httpx2.get(f"{url}/healthz", timeout=parts.READY_SECONDS).is_success)
    yield Web(url, part)
    part.stop()


@pytest.fixture
def live_web(transactional_db: None, empty_redis: redis.Redis, web: Web) -> Web:
    """That web process, on an empty database."""
    return web


@pytest.fixture
def user(transactional_db: None) -> User:
    """Somebody with a password, who may also use the admin."""
    return User.objects.create_superuser("ada", password="analytical engine")


@pytest.fixture
def visit(page: Page, live_web: Web, user: User) -> Callable[[str], Page]:
    """`visit(path)` opens a page of the running server as `user`."""
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_web.url}])

    def go(path: str) -> Page:
        page.goto(live_web.url + path)
        return page

    return go
