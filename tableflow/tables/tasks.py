"""Celery tasks of the tables: shells. What is to be done stands in PostgreSQL."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from tableflow.tables.imports import load


@shared_task(name="tableflow.tables.tasks.run_import")
def run_import(import_id: int, fence: int) -> None:
    """Load an import that is pending under this fence; does nothing when it is not."""
    load.run(import_id, fence)


@shared_task(name="tableflow.tables.tasks.tidy_import")
def tidy_import(import_id: int) -> None:
    """Forget the bytes of an ended import, and the rows that a cancelled or failed replacing one landed."""
    load.tidy(import_id)


@worker_shutting_down.connect
def hand_imports_over(**_: Any) -> None:
    """The worker ends: another goes on with what it was loading."""
    load.leaving.set()
