"""The list of worker processes, and what staff may do with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from cells import workers
from cells.models import Worker
from tableflow.grid.access import SignedIn, page
from tableflow.grid.paging import paging
from tableflow.grid.quantities import count, duration
from tableflow.grid.views.acts import Question, act
from tableflow.plain import plain
from tableflow.supervisor import crew
from tableflow.tables.models import Table

PAGE_WORKERS = 100
FACES = {Worker.Status.ACTIVE: "active", Worker.Status.DRAINING: "waiting", Worker.Status.LOST: "error"}


@dataclass(frozen=True)
class Item:
    """A line of the list: `busy` says with what, `age` that of its heartbeat."""

    worker: Worker
    status: str
    face: str
    slots: str
    busy: str
    age: str


@page
def processes(request: SignedIn) -> HttpResponse:
    """The page with the list."""
    return render(request, "grid/workers.html", _context(request))


@page
def rows(request: SignedIn) -> HttpResponse:
    """The list alone, for the page that is open already."""
    return render(request, "grid/workers_list.html", _context(request))


@act
def launch(request: SignedIn) -> str:
    """Start one more on this machine."""
    _staff_only(request)
    return f"{crew.launch()} starts."


def _stop(request: SignedIn, name: str) -> str:
    _staff_only(request)
    crew.stop(name)
    return f"{name} ends what ends soon, hands the rest back, and leaves the list."


def _asks_stop(request: SignedIn, name: str) -> Question:
    _staff_only(request)
    worker = workers.alive_one(name)
    text = "It takes no more rows, ends the cells that end soon, and hands the others back: they run elsewhere."
    return Question(f"Stop {worker.name}?", text, "Stop it")


stop = act(_stop, _asks_stop)


@act
def forget(request: SignedIn, name: str) -> str:
    """Take one that is lost off the list."""
    _staff_only(request)
    workers.forget(name)
    return f"{name} is forgotten."


def _staff_only(request: SignedIn) -> None:
    if not request.user.is_staff:
        raise PermissionDenied("Workers are launched, stopped and forgotten by staff only.")


def _context(request: SignedIn) -> dict[str, Any]:
    listed = workers.listing().order_by("name")
    pages = paging(request.GET.get("page", ""), size=PAGE_WORKERS, count=listed.count())
    shown = list(listed[pages.offset : pages.offset + pages.size])
    described = workers.described(shown, Table.objects.visible_to(request.user))
    here = reverse("grid:workers")
    return {
        "items": [_item(worker, said) for worker, said in zip(shown, described, strict=True)],
        "paging": pages,
        "here": f"{here}?page={pages.number}" if pages.number > 1 else here,
        "may_act": request.user.is_staff,
        "may_launch": request.user.is_staff and crew.is_ours(),
        "section": "workers",
    }


def _item(worker: Worker, said: Mapping[str, Any]) -> Item:
    status = Worker.Status(said["status"])
    slots = count(worker.concurrency, "slot")
    return Item(worker, status, FACES[status], slots, _busy(said), duration(said["heartbeat_age_seconds"]))


def _busy(said: Mapping[str, Any]) -> str:
    """The tables whose cells it runs; those that the user may not see are only counted."""
    named = [f"{plain(table['name'])} ({count(table['cells'], 'row')})" for table in said["tables"]]
    hidden = said["cells_running"] - sum(table["cells"] for table in said["tables"])
    return ", ".join([*named, *([f"{count(hidden, 'row')} of other tables"] if hidden else [])])
