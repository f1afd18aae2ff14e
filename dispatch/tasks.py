"""The messages' other end: shells that call the verbs. Nothing is retried by Celery; attempts are in PostgreSQL."""

from __future__ import annotations

import logging

from celery import shared_task

from cells.cascade import Cascade
from cells.draw import Draw
from cells.work import GroupRun
from dispatch import audit as auditing
from dispatch import bell, lanes, retention, scope, waiting
from dispatch import gather as gathering
from dispatch import purge as purging
from dispatch import resume as resuming
from dispatch import sweep as healer
from dispatch.source import LaneSource
from tableflow import pulse
from tableflow.tables.imports import lifecycle as imports
from tableflow.ticks import Tick

logger = logging.getLogger(__name__)

DRAW_SECONDS = 600.0


@shared_task(name="dispatch.tasks.draw")
def draw(lane_id: int, fence: int) -> None:
    """Draw cells for one link of a lane. It never raises: a header task that did would lose the chord's body."""
    try:
        lane = lanes.enter(lane_id, fence)
        if lane is None:
            return
        groups = [GroupRun.of(pinned) for pinned in lane.dispatch.plan]
        cascade = Cascade(groups, scope.request(lane.dispatch))
        Draw(LaneSource(lane), cascade, slots=lane.slots, seconds=DRAW_SECONDS).run()
        lanes.leave(lane_id, fence)
    except Exception:  # the task's edge: the heartbeat hands back what it held; the lane goes on when its lease is over
        logger.exception("A draw of lane %s failed", lane_id)


@shared_task(name="dispatch.tasks.advance")
def advance(lane_id: int, fence: int) -> None:
    """Make a lane's next link and ring for it."""
    link = lanes.advance(lane_id, fence)
    if link is not None:
        bell.ring(link)


@shared_task(name="dispatch.tasks.count_total")
def count_total(dispatch_id: int) -> None:
    """Count what a dispatch asks for."""
    waiting.count_total(dispatch_id)


@shared_task(name="dispatch.tasks.sweep", base=Tick)
def sweep() -> None:
    """Heal what was lost, and show that beat ticks."""
    pulse.beat_seen()
    healer.sweep()
    imports.ring_overdue()


@shared_task(name="dispatch.tasks.resume", base=Tick)
def resume() -> None:
    """Let the paused cells go on that are due."""
    resuming.resume_due()


@shared_task(name="dispatch.tasks.gather", base=Tick)
def gather() -> None:
    """Begin the automatic runs of what was written since the last tick."""
    gathering.gather_all()


@shared_task(name="dispatch.tasks.audit", base=Tick)
def audit() -> None:
    """Look for what should not be, set it right, and forget what has ended long ago."""
    auditing.audit()
    retention.forget_ended()


@shared_task(name="dispatch.tasks.purge", base=Tick)
def purge() -> None:
    """Remove what deleting left behind."""
    purging.purge()
