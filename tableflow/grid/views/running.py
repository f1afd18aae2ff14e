"""What the page of a table asks about its runs: how far its workflow columns are, and why a cell waits."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render

from cells import counts
from tableflow.grid import waits
from tableflow.grid.access import SignedIn, may_edit, page, visible_table
from tableflow.grid.views.tables import data
from tableflow.tables import schema as schemas
from tableflow.tables.models import Row


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
    table = visible_table(request, table_id)
    row = get_object_or_404(Row, pk=row_id, table=table)
    schema = schemas.load(table.pk)
    group = schema.group(group_id)
    if group is None:
        raise Http404("There is no such workflow column.")
    context = {"why": waits.why(schema, row, group), "group": group, "may_edit": may_edit(request, table)}
    return render(request, "grid/why.html", context)
