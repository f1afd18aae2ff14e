"""Workflows and their versions, workers, executions and attempts.

The two hot tables, executions and attempts, carry no foreign-key constraints: a check per row and column would
cost more than the write itself. `forget` (cells/lifecycle.py) removes what a deleted row or group leaves.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from tableflow.tables.models import Group, PositionField, Row


class Workflow(models.Model):
    """A named list of steps. What it is at any time stands in its versions; `version` is the newest."""

    name = models.CharField(max_length=128)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="workflows")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name


class WorkflowVersion(models.Model):
    """One unchangeable version of a workflow: `inputs` (names), `steps` (definitions), `outputs` (name → template)."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    inputs = models.JSONField(default=list)
    steps = models.JSONField(default=list)
    outputs = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("workflow", "number"), name="one_version_per_number"),)

    def __str__(self) -> str:
        return f"{self.workflow} v{self.number}"


class Worker(models.Model):
    """A worker process. Its claims hold as long as its heartbeat is younger than the lease."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        DRAINING = "draining"
        LOST = "lost"

    name = models.CharField(max_length=255, unique=True)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    queues = models.JSONField(default=list)
    concurrency = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    busy = models.JSONField(default=dict, help_text="The cells that it ran at its last heartbeat, by table id.")
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Status(models.TextChoices):
    """The states of an execution. No execution at all means: never ran."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    ERROR = "error"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


CLAIMED = (Status.QUEUED, Status.RUNNING)
IN_FLIGHT = (Status.PENDING, *CLAIMED, Status.PAUSED)
FINAL = (Status.COMPLETED, Status.ERROR, Status.CANCELLED, Status.SKIPPED)


class Execution(models.Model):
    """The run state of one cell. Written only by cells/lifecycle.py, always naming the status and fence expected.

    `fence` rises at every stamp, claim and take-over; who presents an older one writes nothing. `position` is a
    copy of the row's. `sequence` orders cancels against dispatches: an execution cancelled at a higher number
    than a dispatch's is a tombstone for it. No status column is part of an index, so that claims and finishes
    are heap-only updates; `failed` changes only for cells that fail or recover.
    """

    row = models.ForeignKey(
        Row, on_delete=models.CASCADE, related_name="executions", db_constraint=False, db_index=False
    )
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, related_name="executions", db_constraint=False, db_index=False
    )
    position = PositionField()
    status = models.CharField(max_length=9, choices=Status)
    fence = models.BigIntegerField(default=1)
    dispatch_id = models.BigIntegerField(null=True)
    window_id = models.BigIntegerField(null=True)
    worker = models.ForeignKey(Worker, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    attempt = models.PositiveIntegerField(default=0, help_text="Tries of this cell so far, over all its dispatches.")
    losses = models.PositiveSmallIntegerField(default=0, help_text="Workers lost under it since it was stamped.")
    error = models.TextField(null=True)  # noqa: DJ001  (null is "no error"; an empty message is still one)
    workflow_version = models.PositiveIntegerField(null=True)
    used = models.UUIDField(null=True, help_text="Hash of what its newest run used (cells/usage.py).")
    sequence = models.BigIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    failed = models.GeneratedField(
        expression=models.Case(
            models.When(status="error", then=models.Value(True)),
            default=models.Value(False),
        ),
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        ordering = ("position",)
        constraints = (
            # Also serves the states of a page of rows, and what a deleted group leaves.
            models.UniqueConstraint(fields=("group", "row"), name="one_execution_per_cell"),
        )
        indexes = (
            # Serves the claim: a window's cells in order; and all that is in flight, through the open windows.
            models.Index(fields=("window_id", "position"), name="executions_by_window"),
            # Serves mode failed and the counts of errors: the failed cells of a group, in order.
            models.Index(fields=("group", "position"), condition=Q(failed=True), name="failed_executions"),
        )

    def __str__(self) -> str:
        return f"{self.row_id}×{self.group_id} {self.status}"


class Attempt(models.Model):
    """One ended try of an execution, with its trace: a list of step records."""

    execution = models.ForeignKey(
        Execution, on_delete=models.DO_NOTHING, related_name="attempts", db_constraint=False, db_index=False
    )
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=9, choices=Status)
    error = models.TextField(null=True)  # noqa: DJ001
    trace = models.JSONField(default=list)
    workflow_version = models.PositiveIntegerField(null=True)
    dispatch_id = models.BigIntegerField(null=True)
    worker_name = models.CharField(max_length=255, blank=True, default="")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField()

    class Meta:
        ordering = ("number",)
        # Serves a cell's trace, and its history.
        indexes = (models.Index(F("execution"), F("number").desc(), name="attempts_of_execution"),)

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.execution_id}"


class Pause(models.Model):
    """Where a paused cell stands. Whoever claims it next goes on from here; its end removes this.

    `state` is `{"step", "inputs", "given", "trace", "tries"}` (cells/workflows/run.py), `result` what the step gives
    once that is known: null while the cell waits for it. `version_id` is the workflow version that it goes on with.
    """

    class Kind(models.TextChoices):
        WAIT = "wait"
        APPROVAL = "approval"
        RETRY = "retry"

    execution = models.OneToOneField(
        Execution, primary_key=True, on_delete=models.DO_NOTHING, related_name="pause", db_constraint=False
    )
    table_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    due_at = models.DateTimeField(
        null=True, help_text="When it goes on by itself; null once it does, or if it never does."
    )
    state = models.JSONField()
    result = models.JSONField(null=True)
    version_id = models.BigIntegerField(null=True)
    paused_at = models.DateTimeField()

    class Meta:
        ordering = ("due_at",)
        # Serves the resuming of what is due, in order.
        indexes = (models.Index(fields=("due_at",), condition=Q(due_at__isnull=False), name="pauses_by_due_time"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.execution_id}"


class Approval(models.Model):
    """A question to a person that a cell waits with. Answered once; closed with its cell."""

    class Status(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        WITHDRAWN = "withdrawn"

    execution_id = models.BigIntegerField()
    table_id = models.BigIntegerField()
    row_id = models.BigIntegerField()
    group_id = models.BigIntegerField()
    dispatch_id = models.BigIntegerField(null=True)
    step = models.CharField(max_length=64)
    prompt = models.TextField()
    fields = models.JSONField(null=True, help_text="JSON Schema of the form; null when there is none.")
    assignees = models.JSONField(
        default=list, help_text="Names of the users who may answer; empty: who may edit the table."
    )
    on_expiry = models.CharField(max_length=8, default="error")
    status = models.CharField(max_length=9, choices=Status, default=Status.OPEN)
    answer = models.JSONField(null=True, help_text="The fields as they were filled in.")
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            # Serves the list of a table's open questions.
            models.Index(fields=("table_id", "id"), condition=Q(status="open"), name="open_approvals"),
            # Serves the closing of a cell's question when the cell ends, and what a deleted cell leaves.
            models.Index(fields=("execution_id",), name="approvals_of_execution"),
        )

    def __str__(self) -> str:
        return f"approval {self.pk} ({self.status})"
