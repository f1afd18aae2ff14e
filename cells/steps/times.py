"""Spans and moments as a config gives them: numbers, texts of numbers, ISO dates and times."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from typing import Any

SECONDS_LIMIT = 31_536_000
"""A year."""

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def seconds(value: Any) -> float:
    """A span of 0 seconds to a year. Raises ValueError."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError as error:
            raise ValueError(f"It must be a number of seconds, not {value[:60]!r}.") from error
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"It must be a number of seconds, not {str(value)[:60]}.")
    if not 0 <= value <= SECONDS_LIMIT:
        raise ValueError(f"It must be from 0 to {SECONDS_LIMIT:,} seconds (a year), not {value:g}.")
    return float(value)


def moment(value: Any) -> datetime:
    """A moment, in UTC: an ISO date (its midnight) or an ISO time. Without an offset it is UTC. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"It must be a date or a time as ISO 8601 has them, not {str(value)[:60]}.")  # noqa: TRY004
    text = value.strip()
    try:
        found = _read(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"It must be a date or a time as ISO 8601 has them, not {text[:60]!r}.") from error


def _read(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        return datetime.fromisoformat(text)


def spoken(span_seconds: float) -> str:
    """A span as people say it, in the largest unit that fits: 3 days, 90 minutes, 1 hour, 12.5 s."""
    for unit, length in _UNITS:
        count = round(span_seconds / length)
        if count and abs(span_seconds - count * length) < 1:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{round(span_seconds, 1):g} s"
