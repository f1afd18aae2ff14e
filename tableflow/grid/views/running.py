"""What the page of a table asks about its runs: how far its workflow columns are, and why a cell waits."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from cells import counts
from tableflow.grid import waits
from tableflow.grid.access import SignedIn, may_edit, page, visible_cell, visible_table
from tableflow.grid.views.tables import data
from tableflow.tables import schema as schemas


@data
def progress(request: SignedIn, table_id: int) -> dict[str, Any]:
    """The rows, and the cells of each workflow column by status: `{total, groups}`. A column that could not be counted
    in time is missing.
    """
    table = visible_table(request, table_id)
    groups = [group.id for group in schemas.load(table.pk).groups]
    return {"total": table.row_count, "groups": counts.of_groups(groups) or {}}


@page
def why(request: SignedIn, table_id: int, row_id: int, group_id: int) -> HttpResponse:
    """A piece of the page: why a cell waits."""
    cell = visible_cell(request, table_id, row_id, group_id)
    why = waits.why(cell.schema, cell.row, cell.group)
    context = {"why": why, "group": cell.group, "may_edit": may_edit(request, cell.table)}
    return render(request, "grid/why.html", context)
