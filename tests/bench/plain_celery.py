"""The peer that anybody would write first: a Celery group of one task a row, which writes its record by the ORM."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from celery import Celery, group  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from cells.models import Attempt, Execution  # noqa: E402
from tableflow.tables.models import Row  # noqa: E402

app = Celery("plain", broker=settings.REDIS_URL, backend=settings.REDIS_URL, set_as_current=False)
app.conf.update(task_default_queue="plain", task_ignore_result=True, worker_hijack_root_logger=False)
app.conf.CELERY_DB_REUSE_MAX = 1_000_000


@app.task
def cell(row_id: int, group_id: int) -> None:
    """Run one no-op cell and write its record, step by step, as objects."""
    row = Row.objects.get(pk=row_id)
    execution = Execution.objects.create(
        row=row, group_id=group_id, position=row.position, status="running", attempt=1, started_at=timezone.now()
    )
    with transaction.atomic():
        row = Row.objects.select_for_update().get(pk=row_id)
        row.data["out"] = row.data["n"] * 2
        row.save(update_fields=["data", "updated_at"])
        execution.status, execution.finished_at = "completed", timezone.now()
        execution.save(update_fields=["status", "finished_at"])
        Attempt.objects.create(
            execution=execution,
            number=1,
            status="completed",
            trace=[{"id": "double", "type": "template", "status": "completed"}],
            finished_at=timezone.now(),
        )


def start(row_ids: list[int], group_id: int) -> None:
    """Send the group."""
    group(cell.s(row_id, group_id) for row_id in row_ids).apply_async()
