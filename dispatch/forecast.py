"""What turning something on would start: a count, before anybody has asked for a run."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import or_

from cells import counts, eligibility
from cells.eligibility import Request
from dispatch import plan, scope
from dispatch.models import Dispatch, Mode
from dispatch.scope import PlannedGroup
from tableflow.tables.models import Row
from tableflow.tables.schema import Schema

NEWEST = 2**62


def never_ran(schema: Schema, groups: Collection[int]) -> int | None:
    """The cells of these groups that never ran and could run now: what a run of mode `new` would begin with.

    None: they could not be counted in time, so they are many.
    """
    chosen = [group for group in schema.groups if group.id in groups]
    wanted = Request(Mode.NEW, is_manual=True, sequence=NEWEST)
    rows = Row.objects.filter(table=schema.table_id)
    planned = [PlannedGroup.of(group) for group in plan.pin(schema, chosen, mode=Mode.NEW)]
    return counts.in_time(lambda: sum(rows.filter(eligibility.eligible(group, wanted)).count() for group in planned))


def rows_before(dispatch: Dispatch, row: Row) -> int | None:
    """The rows that the dispatch comes to before this one, as they stand now. None: not counted in time."""
    ahead = scope.rows(dispatch).filter(position__lt=row.position)
    if dispatch.cursor is not None:
        ahead = ahead.filter(position__gt=dispatch.cursor)
    meant = reduce(or_, (scope.eligible(dispatch, group) for group in scope.planned(dispatch)))
    return counts.in_time(lambda: ahead.filter(meant).count())
