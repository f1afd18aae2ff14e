"""What auto-run would start in the rows that are there: asked before anything runs."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse

from dispatch import forecast
from tableflow.grid.access import SignedIn, asked_id, page, visible_table
from tableflow.tables import schema as schemas


@page
def existing(request: SignedIn, table_id: int) -> HttpResponse:
    """`{"cells", "groups"}`: the cells that never ran and could, of the workflow column `?group=`; without one, of all
    that run by themselves. `cells` is null where they are too many to be counted.
    """
    schema = schemas.load(visible_table(request, table_id).pk)
    wanted = asked_id(request, "group")
    groups = [group.id for group in schema.groups if (group.auto_run if wanted is None else group.id == wanted)]
    return JsonResponse({"cells": forecast.never_ran(schema, groups), "groups": groups})
