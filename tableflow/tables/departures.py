"""Rows that an import is about to take away: the floors above hear of it first, in the same transaction.

Sent before the import takes any lock, so that a receiver may take the locks that come before all others.
"""

from __future__ import annotations

from django.db.models import QuerySet
from django.dispatch import Signal

from tableflow.tables.models import Row, Table

# Receivers get `table_id` and `rows`, the rows as a queryset.
rows_leaving = Signal()


def announce(table_id: int, rows: QuerySet[Row]) -> None:
    """Tell everyone who has something that belongs to these rows; what a receiver raises ends the transaction."""
    rows_leaving.send(sender=Table, table_id=table_id, rows=rows)
