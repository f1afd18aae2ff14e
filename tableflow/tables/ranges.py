"""A range of what is shown: the ids of its rows, and its values as text for a spreadsheet's clipboard.

A line a row and a tab between two cells; a cell with a tab, a line's end or a quote stands in quotes, and quotes in it
are doubled. What would be a formula is left as it is, so that what is copied and pasted stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from tableflow.tables import batches
from tableflow.tables.exports import plain_text
from tableflow.tables.models import Row
from tableflow.tables.schema import ColumnSpec

MAX_ROWS = 50_000

_QUOTED = frozenset('\t\r\n"')


def ids(shown: QuerySet[Row], offset: int, limit: int) -> list[int]:
    """The ids of so many rows from a place on, in the order that is shown."""
    return list(shown.values_list("pk", flat=True)[offset : offset + limit])


def text(row_ids: Sequence[int], of: Sequence[ColumnSpec]) -> Iterator[bytes]:
    """The values of these columns in these rows, as lines, in blocks. A row that is gone by then is left out.

    No connection is held between two blocks.
    """
    for batch in batches.of(row_ids):
        yield "".join(f"{_line(data, of)}\n" for data in batch).encode()


def _line(data: dict[str, Any], of: Sequence[ColumnSpec]) -> str:
    return "\t".join(_cell(column, data.get(column.key)) for column in of)


def _cell(column: ColumnSpec, value: Any) -> str:
    plain = plain_text(value)
    if isinstance(value, bool) and column.type != "json":
        return plain.upper()
    return plain if _QUOTED.isdisjoint(plain) else '"{}"'.format(plain.replace('"', '""'))
