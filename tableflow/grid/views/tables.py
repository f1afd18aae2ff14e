"""The page of one table, and what it fetches while people look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from cells.filters import STALE, cell_predicate
from cells.models import Status
from tableflow.assets import modules
from tableflow.errors import InvalidInput, Problem
from tableflow.grid import sheets
from tableflow.grid.access import SignedIn, may_edit, page, visible_row, visible_table
from tableflow.grid.asked import asked, number
from tableflow.grid.type_names import TYPE_NAMES
from tableflow.tables import filters, pages, views
from tableflow.tables import schema as schemas
from tableflow.tables.models import Table, View
from tableflow.tables.types import TYPES
from tableflow.tables.views import Seen

P = ParamSpec("P")
FIRST_ROWS = 100
MOST_ROWS = 200
FILTERS = {
    "ops": {**{type_: filters.ops_of(type_) for type_ in TYPES}, **filters.CELL_OPS, "any": filters.CONTAINS_OPS},
    "statuses": [*Status.values, STALE],
}
"""What filters know: the operators by what is asked for, and the states of cells."""


def data(
    view: Callable[Concatenate[SignedIn, P], dict[str, Any]],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """What a page fetches as JSON. Who has been logged out, and what the address asks wrongly, is refused in the shape
    that the API has.
    """

    @page
    @wraps(view)
    def answer(request: SignedIn, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return JsonResponse(view(request, *args, **kwargs))
        except InvalidInput as error:
            return _refused(400, "validation_error", error.problems)

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return _refused(401, "client_error", [Problem("Log in again.", code="not_authenticated")])
        return answer(request, *args, **kwargs)

    return guarded


def _refused(status: int, type_: str, problems: Sequence[Problem]) -> HttpResponse:
    said = [{"code": p.code, "detail": p.detail, "attr": p.attr} for p in problems]
    return JsonResponse({"type": type_, "errors": said}, status=status)


@page
def table(request: SignedIn, table_id: int) -> HttpResponse:
    """A table. The page draws itself, out of what it bears: the columns, the first rows, what runs."""
    table = visible_table(request, table_id)
    schema = schemas.load(table.pk)
    saved = views.listed(table, cell_predicate)
    context = {
        "table": table,
        "modules": modules("grid/table/page.js"),
        "start": {
            **_described(request, table, schema),
            "views": [seen.described for seen in saved],
            "filters": FILTERS,
            "first": _first(request, schema, _chosen(request, saved)),
            "runs": sheets.runs(table.pk),
        },
        "may_edit": may_edit(request, table),
        "types": TYPE_NAMES,
        "section": "tables",
    }
    return render(request, "grid/table.html", context)


@data
def rows(request: SignedIn, table_id: int) -> dict[str, Any]:
    """A part of the rows that are asked for: `{count, shape, rows}`."""
    table = visible_table(request, table_id)
    schema = schemas.load(table.pk)
    offset = number(request.GET, "offset", 0, pages.MAX_OFFSET)
    limit = max(1, number(request.GET, "limit", FIRST_ROWS, MOST_ROWS))
    found = asked(request.GET).page(schema, offset, limit)
    return {"count": found.count, "shape": sheets.shape(table, schema), "rows": sheets.lines(schema, found.rows)}


@data
def schema(request: SignedIn, table_id: int) -> dict[str, Any]:
    """The columns and workflow columns."""
    table = visible_table(request, table_id)
    return _described(request, table, schemas.load(table.pk))


@data
def runs(request: SignedIn, table_id: int) -> dict[str, Any]:
    """What runs in the table: `{runs}`, null when nothing does."""
    return {"runs": sheets.runs(visible_table(request, table_id).pk)}


@data
def value(request: SignedIn, table_id: int, row_id: int, key: str) -> dict[str, Any]:
    """One stored value in full, as `{"value": …}`: what the editor of a long one begins with."""
    table = visible_table(request, table_id)
    row = visible_row(table, row_id)
    if schemas.load(table.pk).column(key) is None:
        raise Http404
    return {"value": row.data.get(key)}


def _described(request: SignedIn, table: Table, schema: schemas.Schema) -> dict[str, Any]:
    return {**sheets.described(table, schema), "mayEdit": may_edit(request, table)}


def _chosen(request: SignedIn, saved: Sequence[Seen]) -> View:
    """The view that the address names, else the default one, which is the first."""
    named = request.GET.get("view", "")
    return next((seen.view for seen in saved if str(seen.view.pk) == named), saved[0].view)


def _first(request: SignedIn, schema: schemas.Schema, view: View) -> dict[str, Any] | None:
    """The first rows; None where the address or the view asks for something that is wrong: the page says so then."""
    try:
        found = asked(request.GET, view).page(schema, 0, FIRST_ROWS)
    except InvalidInput:
        return None
    return {"count": found.count, "rows": sheets.lines(schema, found.rows)}
