"""One real worker for all tests of a module: its start takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from cells.models import Worker
from dispatch.sweep import sweep
from tableflow.celery import app
from tests import parts, scenes
from tests.conftest import CELERY, worker_arguments


@pytest.fixture(scope="module")
def crew(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[parts.Part]:
    """The module's worker. Cells may call servers on this machine."""
    name = "shared@localhost"
    log = tmp_path_factory.mktemp("crew") / "worker.log"
    with django_db_blocker.unblock():
        env = parts.environment(HTTP_ALLOW_PRIVATE_NETWORKS="1")
        part = parts.start("shared", [*CELERY, *worker_arguments(name, 8)], log, env=env)
        parts.wait_ready(part, lambda: bool(app.control.ping([name], timeout=0.3)))
    yield part
    part.stop()


@pytest.fixture
def shared_worker(crew: parts.Part, empty_redis: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> parts.Part:
    """The module's worker, on an empty database: it enters its name anew when it finds it gone. No beat runs beside it:
    who waits for long sweeps in its place.
    """
    monkeypatch.setattr(scenes, "heal", sweep)
    scenes.until(lambda: Worker.objects.filter(status="active").exists(), "the worker has entered its name")
    return crew
