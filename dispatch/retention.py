"""How long what has ended is kept: the windows and lanes of a run for a week, a run that began by itself for a month.

The runs that people asked for stay, with their counts; so does what their cells hold. Each edit may begin a run by
itself, so those would pile up.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from dispatch.models import Dispatch, Lane, Window

DETAILS_KEPT = timedelta(days=7)
AUTOMATIC_KEPT = timedelta(days=30)
BATCH = 5_000
MOST_BATCHES = 100


def forget_ended() -> int:
    """Remove what is older, in batches, a bounded number at once; gives how many records that were."""
    ended = Dispatch.objects.filter(finished_at__lt=Now() - DETAILS_KEPT).order_by()
    gone = ended.filter(is_manual=False, finished_at__lt=Now() - AUTOMATIC_KEPT)
    windows = Window.objects.filter(dispatch__in=ended).order_by()
    lanes = Lane.objects.filter(dispatch__in=ended).order_by()
    return _forget(windows) + _forget(lanes) + _forget(gone)


def _forget(records: QuerySet[Window] | QuerySet[Lane] | QuerySet[Dispatch]) -> int:
    forgotten = 0
    for _ in range(MOST_BATCHES):
        batch = list(records.values_list("pk", flat=True)[:BATCH])
        if not batch:
            break
        forgotten += len(batch)
        records.filter(pk__in=batch).delete()
    return forgotten
