"""Take back what lost workers hold, ring for the runs whose message was lost, and audit: now, not at the next tick."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from dispatch.audit import audit
from dispatch.sweep import sweep
from tableflow.tables.imports import lifecycle as imports


class Command(BaseCommand):
    """`manage.py requeue_stuck`: one sweep and one audit."""

    help = "Take back the cells of lost workers, and ring again for runs and imports that wait for a lost message."

    def handle(self, **_: Any) -> None:
        """Sweep and audit once, and say what was found."""
        swept, audited = sweep(), audit()
        rung = imports.ring_overdue()
        self.stdout.write(
            f"Workers found lost: {swept.workers}. Cells taken back: {swept.cells}. "
            f"Runs rung for: {swept.lanes}. Imports rung for: {rung}. "
            f"Set right: {audited.cells} cells, {audited.windows} windows, {audited.lanes} lanes."
        )
