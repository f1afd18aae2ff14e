"""Where new rows go: below a row that is there, at the top, at the end; many at several places at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from django.db.models import OuterRef, Subquery

from tableflow.tables import ids, positions
from tableflow.tables.models import Row

Afters = Mapping[int, int | None]
"""Index of a new row → the row that it goes below; None: at the top."""

NONE: Afters = MappingProxyType({})

Anchor = int | Literal["top", "end"]
Gap = tuple[Decimal | None, Decimal | None]
"""The positions on both sides; None where there is no row."""


def places(table_id: int, count: int, after: int | None, afters: Afters = NONE) -> list[Decimal]:
    """The positions of `count` new rows: each below the one before it, or where `afters` says; the first below
    `after`, or (None) at the end. Those of one place stand there in the order given. The table is locked.

    InvalidInput names rows that are not in the table as after_row and rows.{}.after_row.
    """
    anchors = _anchors(count, after, afters)
    attrs = {row_id: f"rows.{index}.after_row" for index, row_id in afters.items() if row_id is not None}
    gaps = _gaps(table_id, anchors, {**({after: "after_row"} if after is not None else {}), **attrs})
    together: dict[Gap, list[int]] = defaultdict(list)
    for index, anchor in enumerate(anchors):
        together[gaps[anchor]].append(index)
    found = [Decimal()] * count
    for gap, indexes in together.items():
        for index, position in zip(indexes, positions.between(*gap, len(indexes)), strict=True):
            found[index] = position
    return found


def _anchors(count: int, after: int | None, afters: Afters) -> list[Anchor]:
    """What each new row is put below."""
    anchor: Anchor = "end" if after is None else after
    anchors: list[Anchor] = []
    for index in range(count):
        if index in afters:
            own = afters[index]
            anchor = "top" if own is None else own
        anchors.append(anchor)
    return anchors


def _gaps(table_id: int, anchors: Collection[Anchor], attrs: Mapping[int, str]) -> dict[Anchor, Gap]:
    """The gap below each anchor. `attrs` has the names of the rows in messages."""
    standing = Row.objects.filter(table=table_id).order_by("position")
    ends = standing.values_list("position", flat=True)
    gaps: dict[Anchor, Gap] = {}
    if "top" in anchors:
        gaps["top"] = (None, ends.first())
    if "end" in anchors:
        gaps["end"] = (ends.last(), None)
    below = standing.filter(position__gt=OuterRef("position")).values("position")[:1]
    ids.check(attrs.items())
    named = standing.filter(pk__in=list(attrs)).values_list("pk", "position", Subquery(below))
    gaps |= {row_id: (left, right) for row_id, left, right in named}
    ids.refuse_unknown(attrs.items(), gaps)
    return gaps
