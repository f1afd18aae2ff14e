"""The workers' rows: what a heartbeat writes and reads, and what a start forgets."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command

from cells import workers
from cells.models import Worker
from tableflow.embedded import processes
from tests import hands, scenes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ended() -> threading.Event:
    """Set when the worker of the test has been made to end."""
    return threading.Event()


@pytest.fixture
def registration(transactional_db: None, ended: threading.Event) -> Iterator[workers.Registration]:
    """The process of the test, entered among the workers."""
    yield workers.register("here@localhost", ["draws"], 4, end=ended.set)
    workers.leave()
    assert not Worker.objects.exists()


def mine(registration: workers.Registration) -> Worker:
    return Worker.objects.get(pk=registration.identity.id)


def test_a_heartbeat_tells_what_runs_here_by_table(registration):
    workers.hold(1, workers.Holding(7, {1, 2, 3}, 2))
    workers.hold(2, workers.Holding(7, {4}, 1))
    workers.hold(3, workers.Holding(8, {5}, 1))
    scenes.until(lambda: mine(registration).busy == {"7": 3, "8": 1}, "the heartbeat has told")
    for draw in (1, 2, 3):
        workers.hold(draw, None)
    scenes.until(lambda: mine(registration).busy == {}, "the heartbeat has told that nothing runs")


def test_a_worker_reads_in_its_row_that_it_is_to_end(registration, ended):
    workers.ask_to_end(mine(registration))
    assert ended.wait(30)
    assert registration.draining.is_set()
    asked = mine(registration).heartbeat_at
    scenes.until(lambda: mine(registration).heartbeat_at > asked, "it holds its lease while it drains")
    assert mine(registration).status == "draining"


def test_a_worker_that_drains_by_itself_says_so(registration, ended):
    workers.drain()
    scenes.until(lambda: mine(registration).status == "draining", "its row says so")
    assert not ended.is_set()


def test_a_worker_serves_a_queue_while_it_is_active_and_heard_of(transactional_db):
    one = hands.worker()
    assert workers.serve("tableflow")
    assert not workers.serve("another")
    Worker.objects.update(status=Worker.Status.DRAINING)
    assert not workers.serve("tableflow")
    Worker.objects.update(status=Worker.Status.ACTIVE)
    hands.lapse(one)
    assert not workers.serve("tableflow")


def test_a_start_forgets_the_workers_that_were_killed_with_the_last_one(transactional_db, monkeypatch, settings):
    settings.DEMO = False
    monkeypatch.delenv("DATABASE_URL", raising=False)
    command = [*processes.leash("KILL"), sys.executable, "-c", "import signal; signal.pause()", "celery"]
    with subprocess.Popen(command) as runs:
        rows = {"runs": runs.pid, "another has its id": os.getpid(), "elsewhere": os.getpid()}
        for name, pid in rows.items():
            Worker.objects.filter(pk=hands.worker(name).pk).update(pid=pid, host=socket.gethostname())
        Worker.objects.filter(name="elsewhere").update(host="elsewhere")
        try:
            said = StringIO()
            call_command("prepare", stdout=said)
        finally:
            runs.kill()
    assert "password" in json.loads(said.getvalue())
    assert set(Worker.objects.values_list("name", flat=True)) == {"runs", "elsewhere"}
