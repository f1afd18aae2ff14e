"""What beat has done to the event log."""

from __future__ import annotations

from celery import shared_task

from tableflow.live import log
from tableflow.ticks import Tick


@shared_task(name="tableflow.live.tasks.prune", base=Tick)
def prune() -> None:
    """Forget events that nobody comes back for."""
    log.prune()
