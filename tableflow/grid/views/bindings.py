"""The form of a new workflow column: which workflow, what it reads, what it fills; or the workflow itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from cells.models import Workflow
from cells.workflows import versions
from tableflow.grid.access import SignedIn, asked_id, may_edit, page, visible_table
from tableflow.grid.guides import example, guides
from tableflow.grid.type_names import TYPE_NAMES
from tableflow.tables import schema as schemas
from tableflow.tables.models import Table
from tableflow.tables.schema import ColumnSpec, Schema

MOST_WORKFLOWS = 500
FIRST_STEPS = json.dumps([example("template", {})], indent=2)


@dataclass(frozen=True)
class Input:
    """An input of the workflow; `guess` is the column whose name is the same, or None."""

    name: str
    guess: ColumnSpec | None


@page
def workflow_column(request: SignedIn, table_id: int) -> HttpResponse:
    """The form for the workflow `?workflow=`; without one, the form that writes a workflow."""
    table = visible_table(request, table_id)
    if not may_edit(request, table):
        raise PermissionDenied
    workflows = versions.visible_to(request.user).order_by("name", "pk")[:MOST_WORKFLOWS]
    if request.GET.get("workflow") == "new" or not workflows:
        return _writing(request, table, list(workflows))
    wanted = asked_id(request, "workflow")
    chosen = None if wanted is None else get_object_or_404(versions.visible_to(request.user), pk=wanted)
    return _binding(request, table, list(workflows), chosen)


def _writing(request: SignedIn, table: Table, workflows: list[Workflow]) -> HttpResponse:
    context = {"table": table, "workflows": workflows, "guides": guides(), "first_steps": FIRST_STEPS}
    return render(request, "grid/write_workflow.html", context)


def _binding(request: SignedIn, table: Table, workflows: list[Workflow], chosen: Workflow | None) -> HttpResponse:
    schema = schemas.load(table.pk)
    version = versions.newest(chosen.pk) if chosen else None
    context = {
        "table": table,
        "workflows": workflows,
        "chosen": chosen,
        "version": version,
        "columns": schema.columns,
        "inputs": [Input(name, _guess(name, schema)) for name in version.inputs] if version else [],
        "types": TYPE_NAMES,
    }
    return render(request, "grid/bind_workflow.html", context)


def _guess(name: str, schema: Schema) -> ColumnSpec | None:
    plain = name.casefold()
    return next((c for c in schema.columns if plain in (c.key.casefold(), c.name.casefold())), None)
