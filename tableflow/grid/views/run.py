"""The page of one run: what was asked, how far it is, what failed, what was slow, its windows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.vary import vary_on_headers

from cells.models import Approval, Status
from dispatch import findings, progress
from dispatch.begin import begin
from dispatch.findings import ErrorGroup, Errors, SlowCell
from dispatch.models import Dispatch, Mode, Window
from tableflow.errors import Conflict
from tableflow.grid import outcomes, run_states, scopes, values
from tableflow.grid.access import SignedIn, may_edit, page
from tableflow.grid.paging import paging
from tableflow.grid.plain import clipped, plain
from tableflow.grid.views import runs
from tableflow.grid.views.acts import Said, act
from tableflow.grid.views.traces import milliseconds
from tableflow.tables.models import Column, Row, Table

PAGE_WINDOWS = 25
SHOWN_ERROR_CHARACTERS = 20_000
_MILLISECOND = dt.timedelta(milliseconds=1)


@dataclass(frozen=True)
class Failure:
    """The failed cells of a workflow column with one message: `start` is its beginning, `message` all of it."""

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
    """A run of a table that the user may see; for the page that is open already, the part that changes."""
    template = "grid/run_live.html" if request.headers.get("HX-Request") else "grid/run_detail.html"
    return render(request, template, _context(request, _visible(request, dispatch_id)))


@act
def retry(request: SignedIn, dispatch_id: int) -> Said:
    """Run the cells again that failed with one error: the field `error` is its digest."""
    dispatch = _visible(request, dispatch_id)
    if not may_edit(request, dispatch.table):
        raise PermissionDenied("You may look at this table, but not run it.")
    for error in findings.errors_of(dispatch).groups:
        if digest(error.group_id, error.message) == request.POST.get("error"):
            made = _retried(request.user, dispatch, error)
            return Said(f"Run {made.pk} retries them.", reverse("grid:run", args=[made.pk]), "Open it")
    raise Conflict("This error is not among the run's errors any more. What it has now is on its page.")


def _retried(user: User, dispatch: Dispatch, error: ErrorGroup) -> Dispatch:
    with_this = {"field": f"@{error.group_id}.error", "op": "eq", "value": error.message}
    return begin(dispatch.table_id, groups=[error.group_id], mode=Mode.FAILED, filter=with_this, user=user)


def _visible(request: SignedIn, dispatch_id: int) -> Dispatch:
    seen = Dispatch.objects.filter(table__in=Table.objects.visible_to(request.user))
    return get_object_or_404(seen.select_related("requested_by", "table"), pk=dispatch_id)


def digest(group_id: int, message: str) -> str:
    """A name for the failed cells of a workflow column with this message."""
    return hashlib.sha256(f"{group_id} {message}".encode()).hexdigest()[:24]


def _context(request: SignedIn, dispatch: Dispatch) -> dict[str, Any]:
    counts = progress.counts([dispatch])[dispatch.pk]
    may_run = may_edit(request, dispatch.table)
    under_way = progress.under_way(dispatch.pk)
    names = {group["id"]: plain(group["name"]) for group in dispatch.plan}
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
        "failures": [_failure(group, names) for group in errors.groups],
        "slowest": _slowest(dispatch.table_id, findings.slowest_of(dispatch), names),
        "windows": [_slice(window) for window in slices[pages.offset : pages.offset + pages.size]],
        "windows_counted": scopes.count(pages.count, "window"),
        "paging": pages,
        "section": "runs",
    }


def _ran_for(dispatch: Dispatch) -> str:
    if dispatch.started_at is None:
        return ""
    return milliseconds(progress.ran_for(dispatch, timezone.now()) / _MILLISECOND)


def _open_questions(dispatch: Dispatch) -> int:
    asked = Approval.objects.filter(table_id=dispatch.table_id, dispatch_id=dispatch.pk)
    return asked.filter(status=Approval.Status.OPEN).count()


def _looked_at(errors: Errors) -> str:
    """What the errors shown are: all there are, the most frequent, or those of the cells that were looked at."""
    seen = scopes.count(errors.seen, "failed cell")
    most = f"The {len(errors.groups)} most frequent of " if sum(e.cells for e in errors.groups) < errors.seen else ""
    return f"{most}{seen}{'' if errors.is_all else ' that were looked at; there are more'}"


def _failure(group: ErrorGroup, names: Mapping[int, str]) -> Failure:
    message = plain(group.message).strip()
    if len(message) > SHOWN_ERROR_CHARACTERS:
        message = f"{message[:SHOWN_ERROR_CHARACTERS]}… [cut]"
    return Failure(
        group.group_id,
        names.get(group.group_id, ""),
        digest(group.group_id, group.message),
        clipped(message),
        message,
        f"{group.cells:,}",
        scopes.count(group.cells, "cell"),
    )


def _slowest(table_id: int, cells: Sequence[SlowCell], names: Mapping[int, str]) -> list[Slow]:
    about = abouts(table_id, {cell.row_id for cell in cells})
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


def abouts(table_id: int, row_ids: Collection[int]) -> dict[int, str]:
    """What each of these rows is, by the first column of the table."""
    first = Column.objects.filter(table=table_id, deleted_at=None).order_by("position", "pk").first()
    if first is None:
        return {}
    found = Row.objects.filter(table=table_id, pk__in=row_ids).only("pk", "data")
    shown = {row.pk: values.shown(first.type, first.options, row.data.get(first.key)) for row in found}
    return {row_id: plain(what.text or ", ".join(what.tags)) for row_id, what in shown.items()}


def _slice(window: Window) -> Slice:
    lasted = "" if window.closed_at is None else milliseconds((window.closed_at - window.opened_at) / _MILLISECOND)
    numbers = (window.rows, window.cells, window.completed, window.error, window.skipped, window.cancelled)
    return Slice(window, tuple(f"{number:,}" for number in numbers), lasted)
