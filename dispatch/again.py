"""Running again what failed in a dispatch."""

from __future__ import annotations

from django.contrib.auth.models import User

from dispatch.begin import begin
from dispatch.models import Dispatch, Mode
from tableflow.errors import Conflict
from tableflow.tables import schema as schemas
from tableflow.tables.models import Row


def run_failed(dispatch: Dispatch, user: User) -> Dispatch:
    """Begin a run of the failed cells in the groups and the scope of a dispatch, in whichever dispatch they failed.

    Groups and rows that are gone are left out. Raises Conflict when nothing is left, and InvalidInput when the
    scope's filter names what is gone.
    """
    schema = schemas.load(dispatch.table_id)
    planned = {pinned["id"] for pinned in dispatch.plan}
    groups = [group.id for group in schema.groups if group.id in planned]
    rows = _still_there(dispatch, dispatch.scope.get("rows"))
    if not groups or rows == []:
        raise Conflict("The columns or rows of this run are gone; there is nothing left to run.", "nothing_left")
    return begin(
        dispatch.table_id,
        groups=groups,
        mode=Mode.FAILED,
        rows=rows,
        filter=dispatch.scope.get("filter"),
        exclude_rows=_still_there(dispatch, dispatch.scope.get("exclude_rows")),
        ranges=dispatch.scope.get("ranges"),
        user=user,
    )


def _still_there(dispatch: Dispatch, rows: list[int] | None) -> list[int] | None:
    if rows is None:
        return None
    return list(Row.objects.filter(table=dispatch.table_id, pk__in=rows).values_list("pk", flat=True))
