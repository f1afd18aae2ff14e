"""Entering and leaving the workers' list with the Celery worker's own life."""

from __future__ import annotations

from typing import Any

from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.db import connection

from cells import workers


@worker_ready.connect
def _enter(sender: Any, **_: Any) -> None:
    consumer = sender
    queues = [queue.name for queue in consumer.task_consumer.queues]
    workers.register(consumer.hostname, queues, consumer.pool.limit or 1)
    connection.close()


@worker_shutting_down.connect
def _drain(**_: Any) -> None:
    workers.drain()


@worker_shutdown.connect
def _leave(**_: Any) -> None:
    workers.leave()
    connection.close()
