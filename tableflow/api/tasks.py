"""Celery tasks of the API: shells."""

from __future__ import annotations

from celery import shared_task

from tableflow.ticks import Tick


@shared_task(name="tableflow.api.tasks.purge_idempotency_keys", base=Tick)
def purge_idempotency_keys() -> None:
    """Forget answers that nobody may ask for again."""
    from tableflow.api import idempotency  # brings the framework of the API along, of no other use to workers

    idempotency.purge()
