"""The lock of a table: who changes its columns, inserts or deletes its rows, holds its record till the commit."""

from __future__ import annotations

from tableflow.errors import NotFound
from tableflow.tables.models import Table


def lock(table_id: int) -> Table:
    """The live table, locked for this transaction and read afresh. NotFound when it is gone or deleted.

    Serialises positions, `row_count` and the schema. Take it before any lock on a row.
    """
    table = Table.objects.live().select_for_update(no_key=True).filter(pk=table_id).first()
    if table is None:
        raise NotFound("There is no such table.")
    return table
