"""Rows of an import into their table: one COPY a batch, and what replacing takes away. All under the table's lock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection
from django.db.models import F, Func, Q
from django.db.models.functions import Floor, Now

from tableflow.live import marks
from tableflow.tables.models import Import, Row, Table

COPY = "COPY tables_row (table_id, position, data, created_at, updated_at) FROM STDIN"


def append(table: Table, bodies: Sequence[bytes]) -> int:
    """Put the rows (their data as JSON text) behind the last of the locked table. Gives the first one's position."""
    last = Row.objects.filter(table=table).order_by("-position").values_list(Floor("position"), flat=True)[:1]
    first = max((int(position) for position in last), default=0) + 1
    with connection.cursor() as cursor:
        # Not flushed one by one: a crash of PostgreSQL takes rows and progress back together, and the last commit
        # of the import, which is flushed, flushes all before it.
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute("SELECT now()")
        moment: dt.datetime = cursor.fetchone()[0]
        with cursor.copy(COPY) as copy:
            copy.write(copy_text(table.pk, first, bodies, moment))
    Table.objects.filter(pk=table.pk).update(row_count=F("row_count") + len(bodies), updated_at=Now())
    marks.rows(table.pk, None)
    return first


def copy_text(table_id: int, first: int, bodies: Sequence[bytes], moment: dt.datetime) -> bytes:
    """The rows in COPY's text form. JSON has no bare tabs or line ends; its backslashes are doubled."""
    stamp = moment.isoformat().encode()
    head, tail = b"%d\t" % table_id, b"\t%b\t%b\n" % (stamp, stamp)
    return b"".join(
        b"%b%d\t%b%b" % (head, place, body.replace(b"\\", b"\\\\"), tail) for place, body in enumerate(bodies, first)
    )


def extended(ranges: list[list[int]], first: int, count: int) -> list[list[int]]:
    """The ranges of positions with `count` more from `first` on."""
    if ranges and ranges[-1][1] + 1 == first:
        return [*ranges[:-1], [ranges[-1][0], first + count - 1]]
    return [*ranges, [first, first + count - 1]]


def older(source: Import) -> Q:
    """The rows that stood before the import's first one: a replacing import takes them away when it completes."""
    return Q(position__lt=source.landed[0][0])


def landed(source: Import) -> Q:
    """The rows that the import landed."""
    return within(source.landed)


def within(ranges: Sequence[Sequence[int]]) -> Q:
    """The rows that imports landed at these positions. What people put between them since has a broken position and
    is none of them. An index finds the rows between the first range and the last.
    """
    condition = Q()
    for first, last in ranges:
        condition |= Q(position__range=(first, last))
    if len(ranges) > 1:
        condition &= Q(position__range=(min(first for first, _ in ranges), max(last for _, last in ranges)))
    return condition & Q(position=Func(F("position"), function="trunc"))
