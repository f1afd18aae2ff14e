"""Redis dies under a run, and comes back empty: at once, or after ten seconds. It is only the doorbell."""

from __future__ import annotations

import signal
import time

import pytest
from celery import Celery

from dispatch import bell
from dispatch.begin import begin
from tableflow.celery import app
from tableflow.embedded.redis import Redis
from tests import scenes
from tests.faults import servers
from tests.faults.laws import gated

OUTAGE_SECONDS = 10.0


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory):
    """A Redis that keeps nothing on disk, with which the tests' own bell rings too."""
    home = tmp_path_factory.mktemp("redis")
    with servers.running(Redis(home, durable=False), home / "log") as server, pytest.MonkeyPatch.context() as patch:
        ringer = Celery("ringer", broker=server.url, set_as_current=False)
        ringer.conf.update({name: app.conf[name] for name in ("task_queues", "task_routes", "task_default_queue")})
        patch.setattr(bell, "current_app", ringer)
        yield server
        ringer.close()


@pytest.fixture(scope="module", autouse=True)
def worker(own_redis, company):
    company.beat(REDIS_URL=own_redis.url)
    (only,) = company.workers(1, REDIS_URL=own_redis.url)
    return only


def test_a_run_outlives_a_redis_that_is_killed_and_comes_back_empty(own_redis, gate, watch):
    table = scenes.table(300)
    gated(table, gate.folder, concurrency=4)
    dispatch = begin(table.pk)
    gate.until_arrived(4)
    own_redis.end(signal.SIGKILL)
    watch.struck()
    own_redis.start()
    gate.open()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 300


def test_a_run_goes_on_while_redis_is_gone_and_ends_after_it_has_come_back(own_redis, worker, gate, watch):
    table = scenes.table(300)
    gated(table, gate.folder, concurrency=4)
    dispatch = begin(table.pk)
    gate.until_arrived(4)
    own_redis.end(signal.SIGKILL)
    watch.struck()
    back_at = time.monotonic() + OUTAGE_SECONDS
    gate.open()
    scenes.until(lambda: len(gate.tokens()) == 300, "the draws that run have run all cells without Redis")
    scenes.until(lambda: time.monotonic() > back_at, "the outage is over")
    own_redis.start()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 300
    assert worker.alive
