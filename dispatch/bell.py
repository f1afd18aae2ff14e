"""The doorbell: Celery messages that say where to look in PostgreSQL. Losing one costs time: the sweep rings again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from celery import chord, current_app
from kombu.exceptions import OperationalError

from dispatch.lanes import EXPRESS, Link
from dispatch.models import Dispatch, Lane

logger = logging.getLogger(__name__)


def ring(link: Link) -> None:
    """Send a lane's next link: its cell tasks as a chord, whose body advances the lane."""
    draw = current_app.signature("dispatch.tasks.draw", args=(link.lane_id, link.fence), immutable=True)
    advance = current_app.signature("dispatch.tasks.advance", args=(link.lane_id, link.fence), immutable=True)
    draw.set(queue=link.queue)
    if link.queue == EXPRESS:
        advance.set(queue=EXPRESS)
    _send([lambda: chord([draw.clone() for _ in range(link.tasks)])(advance)], f"lane {link.lane_id}")


def announce(dispatch: Dispatch, lanes: Iterable[Lane]) -> None:
    """Tell the workers of a new dispatch: a message a lane, and one to count what it asks for."""
    _send([*_advances(dispatch, lanes), partial(_task, "count_total", dispatch.pk)], f"dispatch {dispatch.pk}")


def call(dispatch: Dispatch, lanes: Iterable[Lane]) -> None:
    """Tell the workers that a dispatch goes on: a message a lane."""
    _send(_advances(dispatch, lanes), f"dispatch {dispatch.pk}")


def _advances(dispatch: Dispatch, lanes: Iterable[Lane]) -> list[Callable[[], Any]]:
    queue = EXPRESS if dispatch.is_express else None
    return [partial(_task, "advance", lane.pk, lane.fence, queue=queue) for lane in lanes]


def ask_for_total(dispatch: Dispatch) -> None:
    """Ask again for the count of what a dispatch asks for."""
    _send([partial(_task, "count_total", dispatch.pk)], f"the count of dispatch {dispatch.pk}")


def _task(name: str, *args: Any, queue: str | None = None) -> None:
    current_app.send_task(f"dispatch.tasks.{name}", args=args, queue=queue)


def _send(messages: Sequence[Callable[[], Any]], what: str) -> None:
    """Send the messages in turn, up to the first that fails: while Redis is away each would cost its time-out."""
    try:
        for message in messages:
            message()
    except OperationalError as error:
        logger.warning("The bell for %s did not ring (%s); the sweep will ring it", what, error)
