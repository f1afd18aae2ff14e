"""The Celery application: a doorbell. What is to be done stands in PostgreSQL (see docs/architecture.md)."""

from __future__ import annotations

import atexit
import gc
import logging
import os

from celery import Celery
from celery.beat import Service
from celery.signals import beat_init
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tableflow.settings")
# Django's checks need all pages and the whole API: they would make up a third of a worker's start. `prepare` does them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

from django.conf import settings

from tableflow import broker, ticks

logger = logging.getLogger(__name__)
# A process that ends would look through all that it has imported once more, which takes seconds on a busy machine.
atexit.register(gc.freeze)
broker.install()
app = Celery("tableflow", broker=settings.REDIS_URL, backend=settings.REDIS_URL)
app.conf.update(
    # Cell tasks have a queue of their own: they hold their threads long, and what heals must never wait behind them.
    # The runs of a few rows have one too, for all their messages: they wait neither behind big runs nor behind imports.
    task_default_queue="tableflow",
    task_queues=(Queue("tableflow"), Queue("draws"), Queue("express")),
    task_routes={"dispatch.tasks.draw": {"queue": "draws"}},
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    # A message is acknowledged when its task has ended: one that a dead worker held comes back.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    # Publishing gives up soon: a request must answer while Redis is away, and the sweep rings again.
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2},
    broker_transport_options={
        "visibility_timeout": 900,
        "unacked_restore_interval": 10,
        "socket_connect_timeout": 2,
        "socket_timeout": 10,
        "socket_keepalive": True,
        "health_check_interval": 25,
    },
    result_chord_expires=86_400,
    # The sweep heals; two beats do no harm.
    beat_scheduler="tableflow.ticks:Scheduler",
    beat_schedule={
        "sweep": {"task": "dispatch.tasks.sweep", "schedule": ticks.every(5)},
        "resume": {"task": "dispatch.tasks.resume", "schedule": ticks.every(1)},
        "gather": {"task": "dispatch.tasks.gather", "schedule": ticks.every(1)},
        "purge": {"task": "dispatch.tasks.purge", "schedule": ticks.every(30)},
        "audit": {"task": "dispatch.tasks.audit", "schedule": ticks.every(3600)},
        "prune_events": {"task": "tableflow.live.tasks.prune", "schedule": ticks.every(3600)},
        "purge_idempotency_keys": {
            "task": "tableflow.api.tasks.purge_idempotency_keys",
            "schedule": ticks.every(3600),
        },
    },
    result_backend_always_retry=True,
    result_backend_max_retries=3,
    result_backend_transport_options={"socket_connect_timeout": 2},
)
app.autodiscover_tasks(["tableflow.tables", "cells", "dispatch", "tableflow.api", "tableflow.live"])


@beat_init.connect
def _begin_beat(sender: Service, **_: object) -> None:
    """Beat's first tick would come after a whole period: a start is to be ready sooner. And it ends between ticks."""
    if isinstance(sender.scheduler, ticks.Scheduler):
        sender.scheduler.end_when_told()
    app.send_task("dispatch.tasks.sweep")
    logger.info("Sent the first tick")
