"""The page of one run: what was asked, how far it is, what failed, what was slow, its windows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.vary import vary_on_headers

from cells.models import Approval, Status
from dispatch import findings, progress
from dispatch.begin import begin
from dispatch.findings import ErrorGroup, Errors, SlowCell
from dispatch.models import Dispatch, Mode, Window
from tableflow.errors import Conflict, NotFound
from tableflow.grid import abouts, outcomes, run_states, scopes, values
from tableflow.grid.access import SignedIn, may_edit, page
from tableflow.grid.paging import paging
from tableflow.grid.quantities import count, milliseconds
from tableflow.grid.views import runs
from tableflow.grid.views.acts import Question, Said, act
from tableflow.plain import plain

PAGE_WINDOWS = 25
RETRIES = "Every cell that failed with this error runs again, also where it failed in another run."
_MILLISECOND = dt.timedelta(milliseconds=1)


@dataclass(frozen=True)
class Failure:
    """The failed cells of a workflow column with one message: `start` is its beginning, `message` all of it.

    `number` is "" where not all failed cells were looked at; `counted` says so.
    """

    group_id: int
    column: str
    digest: str
    start: str
    message: str
    number: str
    counted: str


@dataclass(frozen=True)
class Slow:
    """A cell that took long; `about` says what its row is."""

    row_id: int
    group_id: int
    about: str
    column: str
    status: str
    took: str
    started_at: dt.datetime | None


@dataclass(frozen=True)
class Slice:
    """A window as it is listed: its rows, its cells and how they ended; how long it was open, "" while it still is."""

    window: Window
    numbers: tuple[str, ...]
    lasted: str


@page
@vary_on_headers("HX-Request")
def run(request: SignedIn, dispatch_id: int) -> HttpResponse:
    """A run of a table that the user may see; for the page that is open already, the part that changes.

    Of one that is gone, or not for the user any more, a page that says so, with 404.
    """
    is_open = bool(request.headers.get("HX-Request"))
    try:
        seen = runs.visible(request, dispatch_id)
    except NotFound:
        # The page that is open already is told like any other news: htmx would not show a 404.
        status = HTTPStatus.OK if is_open else HTTPStatus.NOT_FOUND
        return render(request, "grid/run_gone.html", {"number": dispatch_id, "section": "runs"}, status=status)
    return render(request, "grid/run_live.html" if is_open else "grid/run_detail.html", _context(request, seen))


def _retry(request: SignedIn, dispatch_id: int) -> Said:
    """Run the cells again that failed with one error: the field `error` is its digest."""
    dispatch, error = _asked(request, dispatch_id)
    with_this = {"field": f"@{error.group_id}.error", "op": "eq", "value": error.message}
    made = begin(dispatch.table_id, groups=[error.group_id], mode=Mode.FAILED, filter=with_this, user=request.user)
    return Said(f"Run {made.pk} retries them.", reverse("grid:run", args=[made.pk]), "Open it")


def _asks_retry(request: SignedIn, dispatch_id: int) -> Question:
    dispatch, error = _asked(request, dispatch_id)
    start = values.clipped(plain(error.message).strip())
    text = f"{RETRIES} The error of {_names(dispatch).get(error.group_id, '')}: {start}"
    return Question(f"Retry what failed in run {dispatch_id}?", text, "Retry", {"error": request.POST["error"]})


retry = act(_retry, _asks_retry)


def _asked(request: SignedIn, dispatch_id: int) -> tuple[Dispatch, ErrorGroup]:
    dispatch = runs.editable(request, dispatch_id)
    for error in findings.errors_of(dispatch).groups:
        if digest(error.group_id, error.message) == request.POST.get("error"):
            return dispatch, error
    raise Conflict("This error is not among the run's errors any more. What it has now is on its page.")


def digest(group_id: int, message: str) -> str:
    """A name for the failed cells of a workflow column with this message."""
    return hashlib.sha256(f"{group_id} {message}".encode()).hexdigest()[:24]


def _context(request: SignedIn, dispatch: Dispatch) -> dict[str, Any]:
    counts = progress.counts([dispatch])[dispatch.pk]
    may_run = may_edit(request, dispatch.table)
    under_way = progress.under_way(dispatch.pk)
    names = _names(dispatch)
    slices = findings.windows_of(dispatch)
    pages = paging(request.GET.get("page", ""), size=PAGE_WINDOWS, count=slices.count())
    errors = findings.errors_of(dispatch)
    return {
        "run": dispatch,
        "here": request.get_full_path(),
        "table": dispatch.table,
        "may_edit": may_run,
        "acts": runs.acts(dispatch, counts, may_edit=may_run),
        "state": run_states.state(dispatch.status),
        "columns": list(names.values()),
        "mode": scopes.MODES[dispatch.mode],
        "rows": scopes.rows(dispatch.scope),
        "ends": scopes.ends(dispatch.limit_rows, dispatch.caps),
        "bar": outcomes.bar(counts),
        "pace": outcomes.pace(counts),
        "took": _ran_for(dispatch),
        "tiles": outcomes.tiles(counts, under_way, _open_questions(dispatch) if under_way.get(Status.PAUSED) else 0),
        "looked_at": _looked_at(errors),
        "failures": [_failure(group, names, is_all=errors.is_all) for group in errors.groups],
        "retries": RETRIES,
        "slowest": _slowest(dispatch.table_id, findings.slowest_of(dispatch), names),
        "windows": [_slice(window) for window in slices[pages.offset : pages.offset + pages.size]],
        "windows_counted": count(pages.count, "window"),
        "paging": pages,
        "section": "runs",
    }


def _names(dispatch: Dispatch) -> dict[int, str]:
    """What its workflow columns are called."""
    return {group["id"]: plain(group["name"]) for group in dispatch.plan}


def _ran_for(dispatch: Dispatch) -> str:
    if dispatch.started_at is None:
        return ""
    return milliseconds(progress.ran_for(dispatch, timezone.now()) / _MILLISECOND)


def _open_questions(dispatch: Dispatch) -> int:
    asked = Approval.objects.filter(table_id=dispatch.table_id, dispatch_id=dispatch.pk)
    return asked.filter(status=Approval.Status.OPEN).count()


def _looked_at(errors: Errors) -> str:
    """What the errors shown are: all there are, the most frequent, or those of the cells that were looked at."""
    if not errors.groups:
        return "" if errors.is_all else "None in the newest windows that had errors; older ones were not looked at"
    seen = count(errors.seen, "failed cell")
    most = f"The {len(errors.groups)} most frequent of " if sum(e.cells for e in errors.groups) < errors.seen else ""
    return f"{most}{seen}{'' if errors.is_all else ' that were looked at; there may be more'}"


def _failure(group: ErrorGroup, names: Mapping[int, str], *, is_all: bool) -> Failure:
    message = plain(group.message).strip()
    counted = count(group.cells, "cell")
    return Failure(
        group.group_id,
        names.get(group.group_id, ""),
        digest(group.group_id, group.message),
        values.clipped(message),
        message,
        f"{group.cells:,}" if is_all else "",
        counted if is_all else f"at least {counted}",
    )


def _slowest(table_id: int, cells: Sequence[SlowCell], names: Mapping[int, str]) -> list[Slow]:
    about = abouts.of_rows([table_id], [cell.row_id for cell in cells])
    return [
        Slow(
            cell.row_id,
            cell.group_id,
            about.get(cell.row_id, ""),
            names.get(cell.group_id, ""),
            cell.status,
            milliseconds(cell.seconds * 1000),
            cell.started_at,
        )
        for cell in cells
    ]


def _slice(window: Window) -> Slice:
    lasted = "" if window.closed_at is None else milliseconds((window.closed_at - window.opened_at) / _MILLISECOND)
    numbers = (window.rows, window.cells, window.completed, window.error, window.skipped, window.cancelled)
    return Slice(window, tuple(f"{number:,}" for number in numbers), lasted)
