"""Take back what lost workers hold and ring for the runs whose message was lost, now instead of at the next sweep."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from dispatch.sweep import sweep
from tableflow.tables.imports import lifecycle as imports


class Command(BaseCommand):
    """`manage.py requeue_stuck`: one sweep."""

    help = "Take back the cells of lost workers, and ring again for runs and imports that wait for a lost message."

    def handle(self, **_: Any) -> None:
        """Sweep once and say what was found."""
        swept = sweep()
        rung = imports.ring_overdue()
        self.stdout.write(
            f"Workers found lost: {swept.workers}. Cells taken back: {swept.cells}. "
            f"Runs rung for: {swept.lanes}. Imports rung for: {rung}."
        )
