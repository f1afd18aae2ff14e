"""Bringing a file in: the form, and the page that follows the import to its end."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from tableflow.grid.access import SignedIn, asked_id, may_edit, page, visible_table
from tableflow.tables import schema as schemas
from tableflow.tables.models import Import, Table

ENDED = (Import.Status.COMPLETE, Import.Status.FAILED, Import.Status.CANCELLED)
SHOWN_ERRORS = 200


@page
def upload(request: SignedIn) -> HttpResponse:
    """The form: a file for a new table, or for the table `?table=`."""
    wanted = asked_id(request, "table")
    table = None if wanted is None else visible_table(request, wanted)
    context = {
        "table": table,
        "may_edit": table is None or may_edit(request, table),
        "automatic": _automatic(table) if table is not None else 0,
        "section": "tables",
    }
    return render(request, "grid/import.html", context)


def _automatic(table: Table) -> int:
    """How many workflow columns run by themselves on each row that comes."""
    return sum(group.auto_run for group in schemas.load(table.pk).groups) if table.auto_run else 0


@page
def progress(request: SignedIn, import_id: int) -> HttpResponse:
    """How far an import is, and which lines it rejected."""
    seen = Import.objects.filter(table__in=Table.objects.visible_to(request.user)).select_related("table")
    return render(request, "grid/import_progress.html", _context(get_object_or_404(seen, pk=import_id)))


def _context(source: Import) -> dict[str, Any]:
    return {
        "source": source,
        "ended": source.status in ENDED,
        "done": source.rows_done + source.rejected,
        "rows": f"{source.rows_done:,}",
        "rejected": f"{source.rejected:,}",
        "total": f"{source.rows_total:,}" if source.rows_total else "",
        "errors": source.errors[:SHOWN_ERRORS],
        "unlisted": max(0, source.rejected - min(len(source.errors), SHOWN_ERRORS)),
        "section": "tables",
    }
