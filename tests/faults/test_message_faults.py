"""Messages that are lost, doubled or late, and connections that break under a run: one worker lives through it all.

The broker of these tests gives a message back to the queue when it was not acknowledged within two seconds.
"""

from __future__ import annotations

import json
import re

import pytest
from django.db import transaction

from cells.models import Execution
from dispatch import lifecycle
from dispatch.begin import begin
from dispatch.models import Lane
from tableflow.celery import app
from tests import scenes
from tests.faults import backends
from tests.faults.laws import gated
from tests.stage import pace

VISIBILITY = 2
DRAW_RECEIVED = re.compile(r"Task dispatch\.tasks\.draw\[(\S+)\] received")


@pytest.fixture(scope="module", autouse=True)
def worker(company):
    company.beat()
    (only,) = company.workers(1, **pace.environment(visibility=VISIBILITY))
    return only


def queued(broker, task: str = "") -> int:
    """The messages that wait in Redis for a worker; only those of this task where one is named."""
    waiting = [message for queue in app.conf.task_queues for message in broker.lrange(queue.name, 0, -1)]
    return len([message for message in waiting if task in json.loads(message)["headers"]["task"]])


def test_a_run_outlives_an_emptied_redis(broker, gate, watch):
    table = scenes.table(300)
    gated(table, gate.folder, concurrency=4)
    dispatch = begin(table.pk)
    gate.until_arrived(4)
    broker.flushdb()
    watch.struck()
    gate.open()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 300


def test_a_run_outlives_the_loss_of_messages_that_nobody_had_read(worker, broker, gate, watch):
    table = scenes.table(40)
    gated(table, gate.folder, concurrency=4)
    gate.open()
    worker.freeze()
    app.send_task("dispatch.tasks.sweep")  # the one that goes to the worker's outstanding question
    dispatch = begin(table.pk)
    assert queued(broker, "dispatch.tasks.advance") == Lane.objects.filter(dispatch=dispatch).count()
    broker.flushdb()
    watch.struck()
    worker.thaw()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 40


def test_cells_that_wait_go_on_after_redis_was_emptied(broker, gate, watch):
    table = scenes.table(30)
    gated(table, gate.folder, before=[{"id": "pause", "type": "wait", "config": {"seconds": 4}}])
    gate.open()
    dispatch = begin(table.pk)
    paused = Execution.objects.filter(dispatch_id=dispatch.pk, status="paused")
    scenes.until(paused.exists, "cells wait")
    broker.flushdb()
    watch.struck()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 30
    assert len(gate.arrived()) == 30


def test_a_message_that_is_delivered_twice_does_its_work_once(worker, broker, gate, watch):
    table = scenes.table(40)
    gated(table, gate.folder, concurrency=4)
    worker.freeze()
    dispatch = begin(table.pk)
    for queue in app.conf.task_queues:
        for message in broker.lrange(queue.name, 0, -1):
            broker.rpush(queue.name, message)
    worker.thaw()
    gate.until_arrived(4)
    watch.struck()
    for lane in Lane.objects.filter(dispatch=dispatch):
        for task in ("draw", "draw", "advance"):
            app.send_task(f"dispatch.tasks.{task}", args=(lane.pk, lane.fence))
    scenes.until(lambda: queued(broker) == 0, "the worker has read them all")
    gate.open()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 40


def test_a_draw_that_outlasts_the_brokers_patience_is_delivered_again_and_does_its_work_once(worker, gate, watch):
    read_before = len(worker.log)
    table = scenes.table(40)
    gated(table, gate.folder, concurrency=4)
    dispatch = begin(table.pk)
    gate.until_arrived(4)

    def delivered() -> list[str]:
        return DRAW_RECEIVED.findall(worker.log[read_before:])

    scenes.until(lambda: len(delivered()) > len(set(delivered())), "a draw that still runs is delivered again")
    watch.struck()
    gate.open()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 40
    assert len(gate.arrived()) == 40


def test_a_run_outlives_the_end_of_every_connection_to_postgresql(worker, gate, watch):
    table = scenes.table(200)
    gated(table, gate.folder, concurrency=8)
    dispatch = begin(table.pk)
    gate.until_arrived(8)
    with transaction.atomic():
        # The worker is in the middle of transactions when their connections end: it waits for this lock.
        lifecycle.serialise(table.pk)
        gate.open()
        scenes.until(backends.waiting_at_a_lock, "a draw waits for the table, its results in its hand")
        assert backends.terminate_all() > 0
    watch.struck()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 200
    assert worker.alive
