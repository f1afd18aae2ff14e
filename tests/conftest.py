"""Fixtures that give a test the real parts of the system."""

from __future__ import annotations

import functools
import http.client
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import hypothesis
import pytest
import redis
from django.conf import settings

from tableflow.supervisor.parts import WEB_GRACE_SECONDS
from tests import parts

# How fast a machine is says nothing of the code: no example fails for being slow, nor for being slowly made.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")

CELERY = ("-W", "error::DeprecationWarning:tableflow", "-m", "celery", "-A", "tableflow.celery:app")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running in the main thread from its first test on."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def _no_static_files() -> None:
    """Clients of tests have no static files: each would look at all of them first, and take longer for that than most
    tests take. Web processes serve them as in use.
    """
    settings.SERVESTATIC_USE_FINDERS = False
    settings.SERVESTATIC_USE_STATIC_ROOT = False


class StartWorkers(Protocol):
    """Starts `n` worker processes with `concurrency` slots each, and waits until every one takes work."""

    def __call__(self, n: int = 1, concurrency: int = 8, **env: str) -> list[parts.Part]: ...


@pytest.fixture
def empty_redis() -> Iterator[redis.Redis]:
    """The session's Redis, emptied before and after the test."""
    with closing(redis.Redis.from_url(settings.REDIS_URL)) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def start_part(transactional_db: None, empty_redis: redis.Redis, tmp_path: Path) -> Iterator[Callable[..., parts.Part]]:
    """Starts a part on the test database (tests/parts.py); all are stopped at the test's end."""
    started: list[parts.Part] = []

    def start(name: str, *arguments: str, fds: tuple[int, ...] = (), **env: str) -> parts.Part:
        log = tmp_path / f"{name}-{len(started)}.log"
        started.append(parts.start(name, arguments, log, env=parts.environment(**env), fds=fds))
        return started[-1]

    yield start
    for part in started:
        part.terminate()
    for part in started:
        part.stop()


@pytest.fixture
def workers(start_part: Callable[..., parts.Part]) -> StartWorkers:
    """`workers(n=1, concurrency=8, **env)` starts real Celery workers and gives their handles."""
    from tableflow.celery import app

    names = iter(range(1000))

    def start(n: int = 1, concurrency: int = 8, **env: str) -> list[parts.Part]:
        handles = {
            name: start_part(name.partition("@")[0], *CELERY, *worker_arguments(name, concurrency), **env)
            for name in [f"test-{next(names)}@localhost" for _ in range(n)]
        }
        for name, part in handles.items():
            parts.wait_ready(part, lambda name=name: bool(app.control.ping([name], timeout=0.3)))  # type: ignore[misc]
        return list(handles.values())

    return start


def worker_arguments(name: str, concurrency: int) -> list[str]:
    """Celery's arguments for a worker, as `make up` gives them."""
    return ["worker", "-P", "threads", f"-c{concurrency}", "-n", name, "--without-gossip", "--without-mingle", "-linfo"]


@pytest.fixture
def worker(workers: StartWorkers) -> parts.Part:
    """One real worker with eight slots."""
    return workers()[0]


@pytest.fixture
def beat(start_part: Callable[..., parts.Part], tmp_path: Path) -> parts.Part:
    """A real beat process."""
    part = start_part("beat", *CELERY, "beat", "-s", str(tmp_path / "schedule"), "-linfo")
    parts.wait_ready(part, lambda: "Sent the first tick" in part.log)
    return part


@dataclass(frozen=True)
class Web:
    """A web process and its address."""

    url: str
    part: parts.Part


def serve(start: Callable[..., parts.Part], **env: str) -> Web:
    """A real web process on a free port of the loopback interface, started by `start` and ready to answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        at = ["--fd", str(listener.fileno())]
        alone = ["--workers", "1", "--timeout-graceful-shutdown", str(WEB_GRACE_SECONDS)]
        arguments = ["-m", "uvicorn", "tableflow.asgi:application", *at, "--no-access-log", *alone]
        part = start("web", *arguments, fds=(listener.fileno(),), PORT=str(port), **env)
        parts.wait_ready(part, lambda: _answers(port))
    return Web(f"http://127.0.0.1:{port}", part)


@pytest.fixture
def start_web(start_part: Callable[..., parts.Part]) -> Callable[..., Web]:
    """`start_web(**env)` starts a real web process on a free port of the loopback interface."""
    return functools.partial(serve, start_part)


@pytest.fixture
def live_web(start_web: Callable[..., Web]) -> Web:
    """A real web process on a free port: `.url` and `.part`."""
    return start_web()


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as client:
        try:
            client.request("GET", "/healthz")
            return client.getresponse().status == http.HTTPStatus.OK
        except TimeoutError:
            return False


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, quiet and without its sandbox, which root cannot use."""
    # Playwright's loop runs in the thread that also asks the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail("The browser tests need Chromium: apt-get install chromium", pytrace=False)
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    return {**browser_type_launch_args, "executable_path": found, "args": quiet}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A common laptop's window."""
    return {**browser_context_args, "viewport": {"width": 1440, "height": 900}}
