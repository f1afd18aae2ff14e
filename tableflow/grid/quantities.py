"""Numbers of things and lengths of time, as people say them. Pure."""

from __future__ import annotations

MINUTE = 60
SECOND_MS = 1000


def count(number: int, what: str) -> str:
    """So many things: `1 row`, `2,000 rows`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """A length of time: 40 s, 3 min, 2 h 10 min."""
    if seconds < MINUTE:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / MINUTE)
    if minutes < MINUTE:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def milliseconds(length: float) -> str:
    """A length of time that may be short: 12 ms, 1.4 s, 3 min."""
    if length < SECOND_MS:
        return f"{length:.0f} ms"
    seconds = length / SECOND_MS
    return f"{seconds:.1f} s" if seconds < MINUTE else duration(seconds)
