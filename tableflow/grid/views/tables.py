"""The page of one table, and the part of it that is fetched again while people look at it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import conditional_page

from tableflow.grid import sheets
from tableflow.grid.access import SignedIn, may_edit, page, visible_table
from tableflow.grid.heads import TYPE_NAMES
from tableflow.tables import schema as schemas
from tableflow.tables.models import Row, Table


@page
def table(request: SignedIn, table_id: int) -> HttpResponse:
    """A table: its rows, a hundred a page, with their states."""
    return render(request, "grid/table.html", _context(request, visible_table(request, table_id)))


@conditional_page
@page
def rows(request: SignedIn, table_id: int) -> HttpResponse:
    """The same rows, states and run chip, for the page that is open already."""
    return render(request, "grid/sheet.html", _context(request, visible_table(request, table_id)))


@page
def value(request: SignedIn, table_id: int, row_id: int, key: str) -> HttpResponse:
    """One stored value in full, as `{"value": …}`: what the editor begins with."""
    row = get_object_or_404(Row, pk=row_id, table=visible_table(request, table_id))
    return JsonResponse({"value": row.data.get(key)})


def _context(request: SignedIn, table: Table) -> dict[str, Any]:
    schema = schemas.load(table.pk)
    return {
        "table": table,
        "sheet": sheets.sheet(table, schema, request.GET.get("page", "")),
        "may_edit": may_edit(request, table),
        "types": TYPE_NAMES,
        "section": "tables",
    }
