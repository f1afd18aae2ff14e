"""Which cells a change in some rows concerns: one walk over the table's groups, from left to right, in sets of rows.

A group is concerned in the rows where a column that it reads was changed. Where it runs again its own columns count as
changed for the groups after it, so that one walk reaches all that follows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from cells import usage
from cells.eligibility import RequirementMet
from dispatch.recall import Cell
from tableflow.tables.models import Row
from tableflow.tables.schema import GroupSpec, Schema

Rows = set[int]
NOTHING: Mapping[int, Collection[int]] = MappingProxyType({})


class Walk:
    """One walk over a table's groups, for changes in some of its rows.

    `in_flight` are the cells that may be recalled, by group id and row id; `recalled` becomes those that read what was
    changed, `groups_of` the groups that are to run by themselves, by row id.
    """

    def __init__(
        self,
        schema: Schema,
        automatic: frozenset[int],
        rows: Iterable[int],
        in_flight: Mapping[int, Mapping[int, Cell]],
    ) -> None:
        self._schema = schema
        self._automatic = automatic
        self._usages = usage.of(schema)
        self._lacking = _lacking(schema, rows)
        self._in_flight = in_flight
        self._coming: dict[str, Rows] = defaultdict(set)
        self.recalled: list[Cell] = []
        self.groups_of: dict[int, frozenset[int]] = {}

    def go(self, dirty: dict[str, Rows], given: Mapping[int, Collection[int]] = NOTHING) -> None:
        """Walk from left to right. `dirty` are the rows in which a column was changed, by its key; `given` those in
        which a group gave other values, by its id: only the groups after it are concerned by that, or two that read
        each other would run for ever.
        """
        for group in self._schema.groups:
            concerned = self._concerned(group, dirty)
            again = self._under_way(group, concerned) | self._by_itself(group, concerned) if concerned else set()
            for output in group.outputs:
                dirty[output.column] = dirty.get(output.column, set()).union(again, given.get(group.id, ()))
                self._coming[output.column] |= again

    def _concerned(self, group: GroupSpec, dirty: Mapping[str, Rows]) -> Rows:
        read = (dirty[key] for key in self._usages[group.id].keys if key in dirty)
        return set().union(*read)

    def _under_way(self, group: GroupSpec, concerned: Rows) -> Rows:
        """Recall the cells in flight; where a dependency is unmet now, the cell is left to end as it began."""
        here = self._in_flight.get(group.id, {})
        again = here.keys() & concerned
        for key in group.run_after:
            again -= self._lacking[key]
        self.recalled += [here[row] for row in again]
        return again

    def _by_itself(self, group: GroupSpec, concerned: Rows) -> Rows:
        """Note the rows in which the group is to run by itself: what it waits for is there, or is coming."""
        if group.id not in self._automatic:
            return set()
        ready = concerned - self._in_flight.get(group.id, {}).keys()
        for key in group.run_after:
            ready -= self._lacking[key] - self._coming[key]
        for row in ready:
            self.groups_of[row] = self.groups_of.get(row, frozenset()) | {group.id}
        return ready


def _lacking(schema: Schema, rows: Iterable[int]) -> dict[str, Rows]:
    """The rows that lack what some group waits for, by column key."""
    keys = sorted({key for group in schema.groups for key in group.run_after})
    if not keys:
        return {}
    lacking: dict[str, Rows] = {key: set() for key in keys}
    found = Row.objects.filter(pk__in=list(rows)).values_list("pk", *(RequirementMet(key) for key in keys))
    for row_id, *met in found:
        for key, is_met in zip(keys, met, strict=True):
            if not is_met:
                lacking[key].add(row_id)
    return lacking
