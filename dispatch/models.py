"""Dispatches, their lanes and their windows."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tableflow.tables.models import PositionField, Table


class Mode(models.TextChoices):
    """Which cells of the scope run."""

    ALL = "all"
    INCOMPLETE = "incomplete"
    NEW = "new"
    FAILED = "failed"
    STALE = "stale"


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    """Questions about dispatches."""

    def active(self) -> DispatchQuerySet:
        """Dispatches that have not ended: a partial index serves this."""
        return self.filter(status__in=ACTIVE)

    def with_asker(self, dispatch_id: int | None) -> Dispatch | None:
        """The dispatch of this id, with who asked for it; None where it has gone."""
        return self.select_related("requested_by").filter(pk__in=[dispatch_id]).first()


class DispatchStatus(models.TextChoices):
    """The states of a dispatch."""

    PENDING = "pending"
    DISPATCHING = "dispatching"
    PAUSED = "paused"
    COMPLETE = "complete"
    CANCELLED = "cancelled"


ACTIVE = (DispatchStatus.PENDING, DispatchStatus.DISPATCHING, DispatchStatus.PAUSED)
ENDED = (DispatchStatus.COMPLETE, DispatchStatus.CANCELLED)
CELLS_ENDED = F("completed") + F("error") + F("cancelled") + F("skipped")
"""The cells of a window, or of a dispatch's closed windows, that have ended, whichever way."""


class Dispatch(models.Model):
    """A durable request to run groups over a scope. Written only by dispatch/lifecycle.py.

    `scope` is `{"rows": [ids] | null, "filter": {…} | null, "exclude_rows": [ids], "ranges": [[first, last]…] | null}`,
    the ranges being of positions, of rows that an import landed; `plan` is what was pinned
    when it began (dispatch/plan.py); `exclusions` are what a cancel took out of it ahead of the cursor, each
    `{"groups": [ids] | null, "rows": [ids] | null, "filter": {…} | null, "exclude_rows": [ids]}`. The counts are of
    cells in windows that have closed; an open window has its own.
    """

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="dispatches")
    mode = models.CharField(max_length=10, choices=Mode)
    scope = models.JSONField(default=dict)
    plan = models.JSONField(default=list)
    exclusions = models.JSONField(default=list)
    status = models.CharField(max_length=11, choices=DispatchStatus, default=DispatchStatus.PENDING)
    is_manual = models.BooleanField(default=True)
    sequence = models.BigIntegerField(unique=True)
    cursor = PositionField(null=True)
    exhausted = models.BooleanField(default=False, help_text="No row of the scope lies ahead of the cursor.")
    limit_rows = models.PositiveIntegerField(null=True)
    caps = models.JSONField(
        default=dict, help_text="What pauses it: rows, errors, error_share, minutes (dispatch/caps.py)."
    )
    paused_because = models.TextField(null=True)  # noqa: DJ001  (null while it is not paused)
    ran_for = models.DurationField(default=timedelta(0), help_text="How long it ran before it was paused last.")
    resumed_at = models.DateTimeField(null=True, help_text="Since when it has been dispatching without a pause.")
    is_express = models.BooleanField(default=False, help_text="A few named rows: served before the big runs.")
    admitted_rows = models.BigIntegerField(default=0)
    concurrency = models.PositiveIntegerField()
    width = models.PositiveIntegerField(help_text="Rows of the next window, by what was measured.")
    total = models.BigIntegerField(null=True)
    completed = models.BigIntegerField(default=0)
    error = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)
    waiting = models.BigIntegerField(default=0)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    requested_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = DispatchQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "dispatches"
        indexes = (
            # Serves what is active: the sweep, a table's run state, the rule of what lies ahead of a cursor.
            models.Index(fields=("table",), condition=Q(status__in=ACTIVE), name="active_dispatches"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=ENDED, finished_at__isnull=False) | Q(status__in=ACTIVE, finished_at=None),
                name="dispatch_finished_iff_ended",
            ),
        )

    def __str__(self) -> str:
        return f"dispatch {self.pk} ({self.status})"


class Lane(models.Model):
    """One chain of windows of a dispatch, link by link: `tasks` cell tasks draw, then the chord's body makes the next.

    `fence` rises with each link; a message that bears an older one does nothing, nor does one whose task has
    `started` already. A lane whose lease ran out has lost its message or its worker: the sweep rings it again.
    """

    dispatch = models.ForeignKey(Dispatch, on_delete=models.CASCADE, related_name="lanes")
    number = models.PositiveSmallIntegerField()
    fence = models.BigIntegerField(default=0)
    tasks = models.PositiveSmallIntegerField(help_text="Cell tasks in a link.")
    slots = models.PositiveSmallIntegerField(help_text="Rows in flight at once in one cell task.")
    started = models.PositiveSmallIntegerField(default=0)
    ended = models.PositiveSmallIntegerField(default=0)
    entered_at = models.DateTimeField(null=True, help_text="When the newest task of this lane began to draw.")
    rings = models.PositiveIntegerField(default=0, help_text="Rings since the last start.")
    lease_until = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("dispatch", "number"), name="one_lane_per_number"),)
        indexes = (
            # Serves the sweep: the lanes whose message was lost.
            models.Index(fields=("lease_until",), condition=Q(retired_at=None), name="lanes_by_lease"),
        )

    def __str__(self) -> str:
        return f"lane {self.number} of dispatch {self.dispatch_id}"


class Window(models.Model):
    """A slice of rows, admitted in one transaction with the cursor's move. Its counts are kept by the
    transactions that end its cells; it is closed when they add up to `cells`.

    The lobby of a dispatch is a window that nobody draws from: paused cells have their place there. What goes on
    again moves to a fresh window. The lobby closes with its dispatch.
    """

    dispatch = models.ForeignKey(Dispatch, on_delete=models.CASCADE, related_name="windows", db_index=False)
    lane = models.PositiveSmallIntegerField()
    lobby = models.BooleanField(default=False)
    rows = models.PositiveIntegerField()
    cells = models.PositiveIntegerField()
    completed = models.PositiveIntegerField(default=0)
    error = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    first_position = PositionField()
    last_position = PositionField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("dispatch",), condition=Q(lobby=True), name="one_lobby_per_dispatch"),
        )
        indexes = (
            # Serves a dispatch's history.
            models.Index(fields=("dispatch", "id"), name="windows_of_dispatch"),
            # Serves claims, live counts, cancels and the sweep: the windows that are open.
            models.Index(fields=("dispatch",), condition=Q(closed_at=None), name="open_windows"),
        )

    def __str__(self) -> str:
        return f"window {self.pk} of dispatch {self.dispatch_id}"


class Change(models.Model):
    """What was written into a table and is still to start an automatic run: an outbox, emptied by dispatch/gather.py.

    `groups` are the auto-run groups that it concerns; `rows` the row ids, or `ranges` the positions of the rows that
    an import landed, `[[first, last], …]`.
    """

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="changes")
    groups = models.JSONField()
    rows = models.JSONField(null=True)
    ranges = models.JSONField(null=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"change {self.pk} of table {self.table_id}"
