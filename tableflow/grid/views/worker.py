"""The page of one worker: what it is, what it does now, the end of its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.vary import vary_on_headers

from cells import workers
from cells.models import Worker
from dispatch import at_work
from dispatch.at_work import CellAtWork
from tableflow.errors import NotFound
from tableflow.grid import abouts
from tableflow.grid.access import SignedIn, page
from tableflow.grid.quantities import duration
from tableflow.grid.views.workers import FACES
from tableflow.plain import plain
from tableflow.supervisor import logs
from tableflow.tables.models import Group, Table

SHOWN_LINES = 200
SHOWN_LINE_CHARACTERS = 2_000


@dataclass(frozen=True)
class Busy:
    """A cell that the worker has claimed."""

    cell: CellAtWork
    table: str
    about: str
    column: str


@page
@vary_on_headers("HX-Request")
def worker(request: SignedIn, name: str) -> HttpResponse:
    """A worker that is there or lost; of one that has left a page, with 404, that says so."""
    found = _known(name)
    if found is None:
        # The page that is open already is told like any other news: htmx would not show a 404.
        status = HTTPStatus.OK if request.headers.get("HX-Request") else HTTPStatus.NOT_FOUND
        return render(request, "grid/worker_gone.html", {"name": plain(name), "section": "workers"}, status=status)
    context = _context(request.user, found)
    if request.headers.get("HX-Request"):
        return render(request, "grid/worker_live.html", context)
    lines = _tail(found) if request.user.is_staff else None
    return render(request, "grid/worker_detail.html", {**context, "lines": lines})


@page
def log(request: SignedIn, name: str) -> HttpResponse:
    """The last lines of a worker's log as a JSON list, for the page that follows it. For staff."""
    found = _known(name) if request.user.is_staff else None
    lines = _tail(found) if found is not None else None
    if lines is None:
        raise Http404("There is no such log here.")
    return JsonResponse(lines, safe=False)


def _known(name: str) -> Worker | None:
    try:
        return workers.known(name)
    except NotFound:
        return None


def _context(user: User, found: Worker) -> dict[str, Any]:
    tables = Table.objects.visible_to(user)
    described = workers.described([found], tables)[0]
    status = Worker.Status(described["status"])
    is_lost = status == Worker.Status.LOST
    cells = [] if is_lost else at_work.cells_of(found, tables)
    return {
        "worker": found,
        "here": reverse("grid:worker", args=[found.name]),
        "state": status.value,
        "face": FACES[status],
        "is_lost": is_lost,
        "running": described["cells_running"],
        "age": duration(described["heartbeat_age_seconds"]),
        "cells": _busy(cells),
        "is_cut": len(cells) == at_work.MOST,
        "may_act": user.is_staff,
        "section": "workers",
    }


def _tail(found: Worker) -> list[str] | None:
    """The last lines of its log as they are shown; None when it is not on this machine."""
    lines = logs.tail(found, SHOWN_LINES)
    return None if lines is None else [_line(line) for line in lines]


def _line(line: str) -> str:
    return line if len(line) <= SHOWN_LINE_CHARACTERS else f"{line[:SHOWN_LINE_CHARACTERS]}… [cut]"


def _busy(cells: Sequence[CellAtWork]) -> list[Busy]:
    tables = dict(Table.objects.filter(pk__in={cell.table_id for cell in cells}).values_list("pk", "name"))
    columns = dict(Group.objects.filter(pk__in={cell.group_id for cell in cells}).values_list("pk", "name"))
    about = abouts.of_rows(tables, {cell.row_id for cell in cells})
    return [
        Busy(
            cell,
            tables.get(cell.table_id, ""),
            about.get(cell.row_id, ""),
            columns.get(cell.group_id, ""),
        )
        for cell in cells
    ]
