"""Entering and leaving the workers' list with the Celery worker's own life."""

from __future__ import annotations

import os
import signal
from typing import Any

from celery import current_app
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.db import connection

from cells import workers
from tableflow import pulse


@worker_ready.connect
def _enter(sender: Any, **_: Any) -> None:
    consumer = sender
    queues = [queue.name for queue in consumer.task_consumer.queues]
    workers.register(consumer.hostname, queues, consumer.pool.limit or 1, end=_end)
    connection.close()


def _end() -> None:
    """End this process as SIGTERM from outside would: Celery's handler runs in the main thread."""
    os.kill(os.getpid(), signal.SIGTERM)


@worker_shutting_down.connect
def _drain(**_: Any) -> None:
    workers.drain()


@worker_shutdown.connect
def _leave(**_: Any) -> None:
    workers.leave()
    if not workers.serve(current_app.conf.task_default_queue):
        pulse.forget()
    connection.close()
