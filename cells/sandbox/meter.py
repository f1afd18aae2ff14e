"""What one rendering may spend, and what a value weighs."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, ValuesView
from collections.abc import Set as AbstractSet
from typing import Any

from jinja2 import Undefined

from cells.values import DEPTH_LIMIT, INTEGER_BITS, SIZE_LIMIT, Unfit, readable_size

STEPS_LIMIT = 100_000
CPU_SECONDS_LIMIT = 1.0
MADE_LIMIT = 64 * SIZE_LIMIT
READ_LIMIT = 16 * SIZE_LIMIT
"""What a filter may be given and may give: an answer of the http step fits, with room."""
SCALARS = (str, int, float, bool, type(None))


class _Meter(threading.local):
    """What the rendering on this thread may still spend."""

    steps = STEPS_LIMIT
    room = MADE_LIMIT
    started: float | None = None


_meter = _Meter()


def begin_rendering() -> None:
    """Give the rendering that starts now, on this thread, its whole budget."""
    _meter.steps = STEPS_LIMIT
    _meter.room = MADE_LIMIT
    _meter.started = None


def tick() -> None:
    """Spend one step; Unfit when the steps or the time are used up."""
    _meter.steps -= 1
    now = time.thread_time()
    if _meter.started is None:
        _meter.started = now
    if _meter.steps < 0 or now - _meter.started > CPU_SECONDS_LIMIT:
        raise Unfit("The template takes too long: its loops are too big.")


def made(value: Any, limit: int = SIZE_LIMIT) -> Any:
    """The value that an operation gave, its weight spent; Unfit when it is too heavy, or all that was made is."""
    if isinstance(value, str):
        require(len(value))
        _meter.room -= len(value)
    elif isinstance(value, dict | list | tuple):
        _meter.room -= weigh(value, limit)
    if _meter.room < 0:
        raise Unfit("The template makes too many big values.")
    return value


def argument(value: Any) -> Any:
    """The argument of a filter or function, weighed; what is lazy (what `map` gives, say) is worked out."""
    if isinstance(value, (*SCALARS, Undefined)):
        return value
    if isinstance(value, Iterator):
        return made(list(itertools.islice(value, STEPS_LIMIT)), READ_LIMIT)
    weigh(value, READ_LIMIT)
    return value


def weigh(value: Any, limit: int = SIZE_LIMIT) -> int:
    """What the value weighs as text, roughly. Unfit above the limit, or when it is not a plain value."""
    total, pending = 0, [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if isinstance(item, str):
            total += len(item) + 1
        elif isinstance(item, SCALARS):
            total += 4
        else:
            total += 4
            pending += [(part, depth + 1) for part in _parts(item, limit)]
        if total > limit or depth > DEPTH_LIMIT:
            raise Unfit(f"The value is bigger than {readable_size(limit)} or nested too deep.")
    return total


def _parts(value: Any, limit: int) -> Iterable[Any]:
    if isinstance(value, Undefined):
        str(value)  # Raises, and names what is missing.
    if isinstance(value, Mapping):
        require(len(value), limit)
        return itertools.chain(value.keys(), value.values())
    if isinstance(value, list | tuple | range | AbstractSet | ValuesView):
        require(len(value), limit)
        return value
    raise Unfit(f"A value of type {type(value).__name__} cannot be used here.")


def require(size: int, limit: int = SIZE_LIMIT) -> None:
    """Unfit when the size is over the limit."""
    if size > limit:
        raise Unfit(f"The value would be bigger than {readable_size(limit)}.")


def require_bits(bits: int) -> None:
    """Unfit when a whole number would have more bits than it may."""
    if bits > INTEGER_BITS:
        raise Unfit("The number would have more than a thousand digits.")
