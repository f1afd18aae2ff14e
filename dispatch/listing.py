"""The lists of dispatches: what a user may see, filtered alike by the API, the pages and the terminal."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet

from dispatch.models import Dispatch, DispatchStatus
from tableflow.tables.models import Table

ACTIVE = "active"
STATUSES = (ACTIVE, *DispatchStatus.values)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# What the library reads beyond that (weeks, digits without signs) nobody means.
WRITTEN = re.compile(rf"{DAY.pattern}([T ]\d\d:\d\d\S*)?", re.ASCII)


def asked(
    user: User,
    *,
    status: str | None = None,
    table: int | None = None,
    by: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Dispatch]:
    """The dispatches that the user may see, the newest first, with who asked for them.

    `status` is one of STATUSES, `active` what has not ended; `by` the name of the user who asked. They were requested
    at `since` or later, and before `until`.
    """
    found = Dispatch.objects.filter(table__in=Table.objects.visible_to(user))
    if status is not None:
        found = found.active() if status == ACTIVE else found.filter(status=status)
    if table is not None:
        found = found.filter(table=table)
    if by is not None:
        found = found.filter(requested_by__username=by)
    if since is not None:
        found = found.filter(requested_at__gte=since)
    if until is not None:
        found = found.filter(requested_at__lt=until)
    return found.select_related("requested_by").order_by("-pk")


def begin_of(written: str) -> datetime:
    """The moment at which an ISO date or datetime begins, in UTC where it names no zone; ValueError otherwise."""
    if not WRITTEN.fullmatch(written):
        raise ValueError("This is no date and no datetime.")
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def end_of(written: str) -> datetime:
    """The moment until which it lasts: of a date the next day's beginning, of a datetime the datetime itself."""
    begin = begin_of(written)
    try:
        return begin + timedelta(days=1) if DAY.fullmatch(written) else begin
    except OverflowError as error:
        raise ValueError("No day comes after this one.") from error
