"""What came over the wire, made fit for a terminal: without control characters, short enough, and in words.

What these give is text, not markup: give it to a widget as such, or a `[` in the data becomes a style.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.cells import cell_len, set_cell_size

from tableflow.plain import plain

ELLIPSIS = "…"

MARKS: Mapping[str, str] = {
    # cells
    "queued": "○",
    "running": "▶",
    "completed": "✓",
    "error": "✗",
    "cancelled": "⊘",
    "skipped": "–",
    "stale": "≈",
    "waiting": "…",
    # cells and runs
    "pending": "·",
    "paused": "‖",
    # runs
    "dispatching": "▶",
    "complete": "✓",
    # workers
    "starting": "○",
    "active": "●",
    "online": "●",
    "draining": "◔",
    "lost": "✗",
    # questions
    "open": "?",
    "approved": "✓",
    "rejected": "✗",
    "expired": "⊘",
    "withdrawn": "⊘",
}
"""A character for each state, so that it is told without colour. Its word stands beside it where there is room."""


def clean(text: str, *, lines: bool = False) -> str:
    """The text without anything that steers a terminal. `lines`: it stays in its lines; else their ends are blanks."""
    return plain(text, kept="\n" if lines else "")


def clip(text: str, width: int) -> str:
    """The cleaned text in at most so many cells of the terminal; what is cut ends in `…`."""
    looked_at = 2 * width + 64
    shown = clean(text[:looked_at])
    if cell_len(shown) <= width and len(text) <= looked_at:
        return shown
    return set_cell_size(shown[: 2 * width], width - 1).rstrip() + ELLIPSIS if width > 0 else ""


def value(given: Any, *, lines: bool = False) -> str:
    """A value of a cell: texts as they are, nothing for none, everything else as JSON. `lines`: that in several lines.

    It is not cleaned, so that it can be copied, or cut before it is cleaned.
    """
    if given is None:
        return ""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, indent=2 if lines else None)


def mark(status: str) -> str:
    """The character of a state; a blank for one that has none."""
    return MARKS.get(status, " ")


def age(seconds: float | None) -> str:
    """How long ago, in one word and its unit: `now`, `12 s`, `3 min`, `5 h`, `2 d`; empty for None."""
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def duration(seconds: float | None) -> str:
    """How long, in its two largest units: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    for size, unit, less, lesser in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // less
            return f"{whole // size} {unit} {rest} {lesser}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def since(moment: str | None, now: datetime) -> float | None:
    """The seconds from a moment of the API, such as 2026-11-21T15:00:00Z, to now; None when it is none."""
    if moment is None:
        return None
    try:
        return (now - datetime.fromisoformat(moment)).total_seconds()
    except (ValueError, TypeError):
        return None


def bar(done: int, total: int | None, width: int) -> str:
    """How far it is: `██████░░░░  58 %`, the bar `width` cells wide; without a total the number alone."""
    if total is None:
        return f"{done:,}"
    share = min(1.0, done / total) if total > 0 else 1.0
    # Neither full before the end nor empty after the beginning.
    full = min(width - (share < 1), max(int(share > 0), round(share * width)))
    return f"{'█' * full}{'░' * (width - full)} {int(100 * share):>3} %"
