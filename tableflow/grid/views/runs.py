"""The list of runs: what was asked to run, in all tables that the user may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from dispatch import again, cancel, listing, pausing, progress
from dispatch.models import ACTIVE, Dispatch, DispatchStatus
from dispatch.progress import Counts
from tableflow.errors import NotFound
from tableflow.grid import outcomes, run_filters, run_states, scopes
from tableflow.grid.access import SignedIn, may_edit, page
from tableflow.grid.outcomes import Bar
from tableflow.grid.paging import paging
from tableflow.grid.quantities import count
from tableflow.grid.run_filters import Asked
from tableflow.grid.run_states import State
from tableflow.grid.views.acts import Question, Said, act
from tableflow.plain import plain
from tableflow.tables.models import Table

PAGE_RUNS = 50
MOST_RUNS = 10_000
"""So many are listed. They are counted anew with every fetch."""
MOST_CHOICES = 500

Choice = tuple[str, str]
"""The value of an option, and what people read."""


@dataclass(frozen=True)
class Acts:
    """What the user may do with a run now; `about` is what a stop would touch."""

    pause: bool
    resume: bool
    stop: bool
    run_failed: bool
    about: str


@dataclass(frozen=True)
class Item:
    """A line of the list."""

    run: Dispatch
    columns: str
    mode: str
    state: State
    bar: Bar
    pace: str
    errors: str
    acts: Acts


@page
def runs(request: SignedIn) -> HttpResponse:
    """The page with the list, and the form that filters it."""
    context = _context(request)
    return render(request, "grid/runs.html", {**context, "choices": _choices(request.user, context["asked"])})


@page
def rows(request: SignedIn) -> HttpResponse:
    """The list alone, for the page that is open already."""
    return render(request, "grid/runs_list.html", _context(request))


@act
def pause(request: SignedIn, dispatch_id: int) -> str:
    """Let what runs end, and nothing else start."""
    pausing.pause_dispatch(editable(request, dispatch_id).pk, by=request.user.get_username())
    return f"Run {dispatch_id} is paused. What runs goes on to its end; nothing else starts."


@act
def resume(request: SignedIn, dispatch_id: int) -> str:
    """Go on where it stopped."""
    pausing.resume_dispatch(editable(request, dispatch_id).pk)
    return f"Run {dispatch_id} goes on."


def _stop(request: SignedIn, dispatch_id: int) -> str:
    cancel.cancel_dispatch(editable(request, dispatch_id).pk)
    return f"Run {dispatch_id} is stopped. What is done stays; what had not begun is left out."


def _asks_stop(request: SignedIn, dispatch_id: int) -> Question:
    dispatch = editable(request, dispatch_id)
    about = acts(dispatch, progress.counts([dispatch])[dispatch.pk], may_edit=True).about
    return Question(f"Stop run {dispatch_id}?", f"{about} What is done stays.", "Stop it")


stop = act(_stop, _asks_stop)


@act
def run_failed(request: SignedIn, dispatch_id: int) -> Said:
    """Run what failed again, in the same columns and rows."""
    made = again.run_failed(editable(request, dispatch_id), request.user)
    return Said(f"Run {made.pk} runs what failed again.", reverse("grid:run", args=[made.pk]), "Open it")


def acts(run: Dispatch, counts: Counts, *, may_edit: bool) -> Acts:
    """What may be done with a run by somebody who may, or may not, change its table."""
    is_active = may_edit and run.status in ACTIVE
    is_paused = run.status == DispatchStatus.PAUSED
    return Acts(
        pause=is_active and not is_paused,
        resume=is_active and is_paused,
        stop=is_active,
        run_failed=may_edit and counts.error > 0,
        about=_touched(run, counts),
    )


def _touched(run: Dispatch, counts: Counts) -> str:
    in_flight = f"{count(counts.in_flight, 'cell')} under way"
    ahead = "what has not begun"
    if counts.total is not None:
        left = max(0, counts.total - counts.ended - counts.in_flight - counts.waiting)
        ahead = f"up to {left:,} that have not begun"
    return f"It ends in {plain(run.table.name)}, {_columns(run)}: {in_flight}, and {ahead}."


def _context(request: SignedIn) -> dict[str, Any]:
    asked, found = run_filters.read(request.user, request.GET)
    counted = found[: MOST_RUNS + 1].count()
    pages = paging(request.GET.get("page", ""), size=PAGE_RUNS, count=min(counted, MOST_RUNS))
    listed = found.select_related("table").defer("scope", "exclusions")[pages.offset : pages.offset + pages.size]
    kept = asked.kept
    here = kept.copy()
    if pages.number > 1:
        here["page"] = str(pages.number)
    return {
        "items": _items(request.user, list(listed)),
        "paging": pages,
        "most": f"{MOST_RUNS:,}" if counted > MOST_RUNS else "",
        "asked": asked,
        "kept": kept,
        "here": f"{reverse('grid:runs')}?{here.urlencode()}".rstrip("?"),
        "section": "runs",
    }


def _items(user: User, listed: Sequence[Dispatch]) -> list[Item]:
    counts = progress.counts(listed)
    tables = {run.table_id for run in listed}
    editable = set(Table.objects.editable_by(user).filter(pk__in=tables).values_list("pk", flat=True))
    return [_item(run, counts[run.pk], may_edit=run.table_id in editable) for run in listed]


def _item(run: Dispatch, counts: Counts, *, may_edit: bool) -> Item:
    return Item(
        run,
        _columns(run),
        scopes.MODES[run.mode],
        run_states.state(run.status),
        outcomes.bar(counts),
        outcomes.pace(counts),
        f"{counts.error:,}" if counts.error else "",
        acts(run, counts, may_edit=may_edit),
    )


def _columns(run: Dispatch) -> str:
    return ", ".join(plain(pinned["name"]) for pinned in run.plan)


def _choices(user: User, asked: Asked) -> dict[str, list[Choice]]:
    """What each field of the filter form lets people choose from: tables and people of whom there are runs, and
    whatever is chosen already.
    """
    seen = Table.objects.visible_to(user)
    tables = seen.filter(Exists(Dispatch.objects.filter(table=OuterRef("pk")))).order_by("name", "pk")
    asked_for = Dispatch.objects.filter(requested_by=OuterRef("pk"), table__in=seen)
    people = User.objects.filter(Exists(asked_for)).order_by("username").values_list("username", flat=True)
    found = {
        "state": [(listing.ACTIVE, "Not ended"), *((s.value, run_states.state(s).word) for s in DispatchStatus)],
        "table": [(str(pk), plain(name)) for pk, name in tables.values_list("pk", "name")[:MOST_CHOICES]],
        "person": [(run_filters.BY_ITSELF, "Ran by itself"), *((name, name) for name in people[:MOST_CHOICES])],
    }
    for name, choices in found.items():
        chosen = asked.values[name]
        if chosen and chosen not in dict(choices):
            choices.append((chosen, plain(chosen)))
    return found


def visible(request: SignedIn, dispatch_id: int) -> Dispatch:
    """A run of a table that the user may see. Raises NotFound."""
    seen = Dispatch.objects.filter(table__in=Table.objects.visible_to(request.user))
    dispatch = seen.select_related("requested_by", "table").filter(pk=dispatch_id).first()
    if dispatch is None:
        raise NotFound(f"There is no run {dispatch_id}, or not for you.")
    return dispatch


def editable(request: SignedIn, dispatch_id: int) -> Dispatch:
    """A run of a table that the user may run. Raises NotFound and PermissionDenied."""
    dispatch = visible(request, dispatch_id)
    if not may_edit(request, dispatch.table):
        raise PermissionDenied("You may look at this table, but not run it.")
    return dispatch
