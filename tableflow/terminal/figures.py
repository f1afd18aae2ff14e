"""States, ages and shares as the cells of a list. A state has a mark and a word, so that it reads without colour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tableflow.terminal import texts
from tableflow.terminal.client import Answer
from tableflow.terminal.widgets.columns import Cell

BAR = 9

TONES: Mapping[str, str] = {
    "pending": "quiet",
    "queued": "quiet",
    "cancelled": "quiet",
    "skipped": "quiet",
    "expired": "quiet",
    "withdrawn": "quiet",
    "running": "run",
    "dispatching": "run",
    "paused": "wait",
    "waiting": "wait",
    "stale": "wait",
    "draining": "wait",
    "error": "error",
    "lost": "error",
    "rejected": "error",
    "open": "person",
}


def state(status: str, under_way: str | None = None) -> Cell:
    """A state; `under_way` is what was asked of it and not yet answered."""
    if under_way is not None:
        return Cell(f"… {under_way}", "wait")
    return Cell(f"{texts.mark(status)} {status}", TONES.get(status, ""))


def age(stamp: str | None) -> Cell:
    """How long ago a time of the API's is."""
    return Cell(texts.age(texts.since(stamp, datetime.now(UTC))), "quiet")


def clock(stamp: str | None) -> str:
    """A time of the API's by this machine's clock; with the day when that is not today."""
    if not stamp:
        return ""
    local = datetime.fromisoformat(stamp).astimezone()
    today = local.date() == datetime.now(UTC).astimezone().date()
    return f"{local:%H:%M:%S}" if today else f"{local:%Y-%m-%d %H:%M}"


def left(run: Answer) -> str:
    """How long a run will still take."""
    return texts.duration(run["eta_seconds"]) if run["status"] == "dispatching" else ""


def rate(run: Answer) -> str:
    """How many cells of a run end in a second."""
    return f"{run['rate']:,.1f}/s" if run["rate"] and run["status"] == "dispatching" else ""


def share(run: Answer) -> Cell:
    """How far a run is."""
    tone = {"dispatching": "run", "paused": "wait"}.get(run["status"], "quiet")
    total = run["counts"]["total"]
    return Cell(texts.bar(run["processed"], total, BAR) if total is not None else "counting", tone)


def of_total(run: Answer) -> str:
    """How many cells of a run have ended, of how many."""
    total = run["counts"]["total"]
    return f"{run['processed']:,} of {total:,}" if total is not None else f"{run['processed']:,}"


def errors(run: Answer) -> Cell:
    """How many cells of a run have failed."""
    failed = run["counts"]["error"]
    return Cell(f"{texts.mark('error')} {failed:,}" if failed else "", "error")


def table_name(run: Answer) -> str:
    """The name of a run's table."""
    return texts.clean(run["table_name"] or f"table {run['table']}")


def group_names(run: Answer) -> str:
    """The names of the columns that a run fills."""
    return texts.clean(", ".join(name or "?" for name in run["group_names"]))


def requester(run: Answer) -> str:
    """Who asked for a run."""
    by: str | None = run["requested_by"]
    return texts.clean(by) if by else "" if run["is_manual"] else "automatic"


def named(groups: Any) -> dict[int, str]:
    """The names of a table's workflow columns by their ids."""
    return {group["id"]: texts.clean(group["name"]) for group in groups}
