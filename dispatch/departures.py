"""What belongs to rows that an import takes away goes with them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.dispatch import receiver

from dispatch.cancel import forget_rows
from tableflow.tables.departures import rows_leaving
from tableflow.tables.models import Row


@receiver(rows_leaving)
def _forget(table_id: int, rows: QuerySet[Row], **_: Any) -> None:
    forget_rows(table_id, rows)
