"""The shapes of answers, for the OpenAPI document. The answers themselves are plain dicts, made in answers.py.

A test holds every answer that the tests see against these.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from cells.models import CLAIMED, Pause, Status, Worker
from cells.models import Approval as Asked
from dispatch.models import DispatchStatus, Mode
from tableflow.api.openapi import Problem
from tableflow.tables.models import ColumnType


class Values(serializers.DictField):
    """An object of any values."""

    child = serializers.JSONField()


class Column(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()
    type = serializers.ChoiceField(ColumnType.choices)
    options = Values()
    position = serializers.IntegerField(help_text="Left to right, from 0.")
    group = serializers.IntegerField(allow_null=True, help_text="The workflow column that fills it.")


class GroupOutput(serializers.Serializer[Any]):
    column = serializers.CharField(help_text="The key of the column.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        return {"from": serializers.CharField(help_text="The workflow's output."), **super().get_fields()}


class Group(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    workflow = serializers.IntegerField(help_text="It may have been deleted since; then the column cannot run.")
    inputs = serializers.DictField(child=serializers.CharField(), help_text="Input → column key or template.")
    outputs = GroupOutput(many=True)
    run_after = serializers.ListField(child=serializers.CharField(), help_text="Columns that must have a value.")
    run_if = serializers.CharField(allow_blank=True)
    auto_run = serializers.BooleanField(
        help_text="New rows, and rows in which a value that it reads changes, run by themselves, unless the table's "
        "`auto_run` is off."
    )
    concurrency = serializers.IntegerField(allow_null=True)


class GroupCounts(serializers.Serializer[Any]):
    """The cells of a workflow column; null: not counted in time."""

    total = serializers.IntegerField(help_text="One a row.")
    never = serializers.IntegerField(allow_null=True, help_text="Never ran.")
    stale = serializers.IntegerField(
        allow_null=True,
        help_text="Made of other values, or by another version, than there are now; they are among the ended ones too.",
    )

    def get_fields(self) -> dict[str, Any]:
        """One for each status."""
        statuses = {status: serializers.IntegerField(allow_null=True) for status in Status.values}
        return {**super().get_fields(), **statuses}


class Table(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    columns = Column(many=True, help_text="Left to right.")
    groups = Group(many=True, help_text="The workflow columns, in the order they run in.")
    row_count = serializers.IntegerField()
    auto_run = serializers.BooleanField(help_text="Off stops every automatic run of this table.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Failure(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    value = serializers.JSONField()
    detail = serializers.CharField()


class Conversion(serializers.Serializer[Any]):
    total = serializers.IntegerField(help_text="Values that are there.")
    converted = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Values that the new type cannot hold: they become null.")
    examples = Failure(many=True, help_text="The first of them.")


class ChangedColumn(Column):
    conversion = Conversion(allow_null=True, help_text="Null: no value had to be looked at.")
    dry_run = serializers.BooleanField(help_text="True: nothing was written.")


class Dropped(serializers.Serializer[Any]):
    group = serializers.IntegerField()
    kind = serializers.CharField(help_text="run_after, run_if, or inputs.<name>")
    column = serializers.CharField()


class ColumnOrder(serializers.Serializer[Any]):
    columns = Column(many=True)
    dropped = Dropped(many=True, help_text="Dependencies that would have pointed right: they are gone.")


class Paused(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(Pause.Kind.choices)
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it goes on by itself, or a question expires.")


class Execution(serializers.Serializer[Any]):
    status = serializers.ChoiceField(Status.choices)
    error = serializers.CharField(allow_null=True)
    attempt = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    pause = Paused(allow_null=True, help_text="What a paused cell waits for.")
    stale = serializers.BooleanField(
        help_text="What it shows was made of other values than the row has now, or by another version of the workflow."
    )


class Row(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    position = serializers.FloatField(help_text="Rises in the visible order; a row never moves.")
    data = Values(help_text="The value of every column by its key.")  # type: ignore[assignment]
    executions = serializers.DictField(
        child=Execution(), help_text="By the id of the workflow column; one that never ran and will not is not in it."
    )
    waiting = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="By the id of the workflow column: the keys of the columns that must have a value first.",
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Rows(serializers.Serializer[Any]):
    rows = Row(many=True)


NEW_ROWS = PolymorphicProxySerializer("NewRowsAnswer", [Row, Rows], resource_type_field_name=None)
"""A row where `data` was given, several where `rows` were."""


class RowPage(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True, help_text="For `after`; null at the end, and when sorted.")
    results = Row(many=True)


class Upserted(Row):
    result = serializers.ChoiceField(["created", "updated"])


class Upserts(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    rows = Upserted(many=True, help_text="In the order given.")


class Before(serializers.Serializer[Any]):
    rows = serializers.ListField(child=serializers.IntegerField(), help_text="Those that were there, from the top.")
    values = serializers.ListField(
        child=serializers.ListField(child=serializers.JSONField()), help_text="A list a row, one value a column."
    )


class WrittenBlock(serializers.Serializer[Any]):
    changed = serializers.IntegerField(help_text="Cells of rows that were there whose value is another one now.")
    created = serializers.ListField(child=serializers.IntegerField(), help_text="The new rows, from the top.")
    before = Before(help_text="What was there: send it as `rows` and `values` to take the block back.")


class Match(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    offset = serializers.IntegerField(help_text="Its place in what is shown, from 0.")
    columns = serializers.ListField(child=serializers.CharField(), help_text="The keys of those with the text.")


class Found(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Rows with the text; at least so many where `is_all` is false.")
    is_all = serializers.BooleanField(help_text="False: there are more than `matches` has.")
    matches = Match(many=True, help_text="In the order that is shown.")


class RowIds(serializers.Serializer[Any]):
    ids = serializers.ListField(child=serializers.IntegerField(), help_text="In the order that is shown.")


class Deleted(serializers.Serializer[Any]):
    deleted = serializers.IntegerField()


class Layout(serializers.Serializer[Any]):
    """How columns are laid out: those that are there. One that is not named follows in the table's own order."""

    widths = serializers.DictField(child=serializers.IntegerField(), help_text="Column key → pixels.")
    order = serializers.ListField(child=serializers.CharField(), help_text="Column keys, left to right.")
    hidden = serializers.ListField(child=serializers.CharField(), help_text="Column keys.")
    pinned = serializers.ListField(child=serializers.CharField(), help_text="Column keys.")


class View(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    is_default = serializers.BooleanField(help_text="Every table has one such view; it cannot be deleted.")
    layout = Layout()
    filter = Values(allow_null=True)
    sort = serializers.CharField(allow_blank=True, help_text="As in the list of rows.")
    search = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField(help_text="Rises in the list, the default view apart, which is the first.")
    problem = serializers.CharField(
        allow_null=True, help_text="Why the table cannot be shown so any more: its filter or sort no longer fits."
    )


class StepType(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    config_schema = Values(help_text="JSON Schema of the step's config.")
    output_schema = Values(help_text="JSON Schema of what `steps.<id>` is.")


class WorkflowVersion(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    inputs = serializers.ListField(child=serializers.CharField())
    steps = serializers.ListField(child=Values())
    outputs = serializers.DictField(child=serializers.CharField())
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class Workflow(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField(help_text="The newest.")
    inputs = serializers.ListField(child=serializers.CharField())
    steps = serializers.ListField(child=Values())
    outputs = serializers.DictField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class StepTrace(serializers.Serializer[Any]):
    id = serializers.CharField()
    type = serializers.CharField()
    status = serializers.ChoiceField(["completed", "error", "skipped", "paused"])
    input = serializers.JSONField()
    output = serializers.JSONField()
    error = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField()
    duration_ms = serializers.FloatField()
    attempts = serializers.IntegerField(required=False)
    due_at = serializers.DateTimeField(required=False, help_text="While it is paused: until when, if that is known.")
    retries = serializers.ListField(child=Values(), required=False)


class Problems(serializers.Serializer[Any]):
    problems = Problem(many=True, help_text="Empty, or only with the code `no_column`: it would be taken as it is.")


class WorkflowUse(serializers.Serializer[Any]):
    table = serializers.IntegerField()
    table_name = serializers.CharField()
    group = serializers.IntegerField(help_text="The workflow column.")
    group_name = serializers.CharField()


class WorkflowTest(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["completed", "error", "paused"])
    outputs = Values(allow_null=True)
    error = serializers.CharField(allow_null=True)
    steps = StepTrace(many=True)


class TriedColumn(serializers.Serializer[Any]):
    column = serializers.CharField(allow_null=True, help_text="Its key; null: it is yet to be made.")
    name = serializers.CharField()
    type = serializers.ChoiceField(ColumnType.choices)
    value = serializers.JSONField(help_text="What it would get; null where that is nothing.")
    detail = serializers.CharField(allow_null=True, help_text="Why the value does not fit; null where it does.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        return {"from": serializers.CharField(help_text="The workflow's output."), **super().get_fields()}


class GroupTry(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["completed", "error", "paused", "skipped"])
    runs = serializers.BooleanField(allow_null=True, help_text="What `run_if` says; null: it failed.")
    inputs = Values(allow_null=True, help_text="What the workflow was given; null: it was not reached.")
    outputs = Values(allow_null=True)
    columns = TriedColumn(many=True, help_text="What the columns would get; empty where no output was reached.")
    error = serializers.CharField(allow_null=True)
    steps = StepTrace(many=True)


class Matching(serializers.Serializer[Any]):
    checked = serializers.IntegerField(help_text="Rows that were looked at: the first ones, a thousand at most.")
    matching = serializers.IntegerField(help_text="Of these, the rows for which it holds.")
    failed = serializers.IntegerField(help_text="Of these, the rows for which the template fails.")
    total = serializers.IntegerField(help_text="Rows of the table.")
    is_all = serializers.BooleanField(help_text="Every row was looked at.")
    problem = Problem(allow_null=True, help_text="What is wrong with the template, or what failed first.")


class Scope(serializers.Serializer[Any]):
    rows = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    filter = Values(allow_null=True)
    exclude_rows = serializers.ListField(child=serializers.IntegerField())
    ranges = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        required=False,
        help_text="Of an automatic run after an import: the positions of its rows, [first, last] each.",
    )


class Limit(serializers.Serializer[Any]):
    type = serializers.ChoiceField(["rows"])
    max = serializers.IntegerField()


class Caps(serializers.Serializer[Any]):
    rows = serializers.IntegerField(required=False)
    errors = serializers.IntegerField(required=False)  # type: ignore[assignment]
    error_share = serializers.FloatField(required=False)
    minutes = serializers.FloatField(required=False)


class Counts(serializers.Serializer[Any]):
    total = serializers.IntegerField(allow_null=True, help_text="Null until it has been counted.")
    completed = serializers.IntegerField()
    error = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    skipped = serializers.IntegerField()
    waiting = serializers.IntegerField()
    in_flight = serializers.IntegerField()


class Dispatch(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    table = serializers.IntegerField()
    table_name = serializers.CharField()
    mode = serializers.ChoiceField(Mode.choices)
    groups = serializers.ListField(child=serializers.IntegerField(), help_text="What it runs, left to right.")
    group_names = serializers.ListField(
        child=serializers.CharField(), help_text="What these are called now; a deleted one, what it was called."
    )
    scope = Scope()
    status = serializers.ChoiceField(DispatchStatus.choices)
    is_manual = serializers.BooleanField()
    cursor = serializers.FloatField(allow_null=True, help_text="The position up to which rows were admitted.")
    limit = Limit(allow_null=True)
    caps = Caps(help_text="What pauses it by itself: those that were given.")
    paused_because = serializers.CharField(allow_null=True, help_text="Why it is paused; null when it is not.")
    processed = serializers.IntegerField(help_text="Cells that have ended.")
    counts = Counts(help_text="In cells.")
    rate = serializers.FloatField(allow_null=True, help_text="Cells a second.")
    eta_seconds = serializers.FloatField(allow_null=True)
    requested_by = serializers.CharField(allow_null=True)
    requested_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class RunState(serializers.Serializer[Any]):
    dispatches = Dispatch(many=True, help_text="Those that have not ended.")
    running = serializers.IntegerField(help_text="Cells that run now.")
    claimed = serializers.IntegerField(help_text="Cells that run or whose turn in their row is to come.")
    by_row = serializers.DictField(child=serializers.IntegerField(), help_text="Row id → cells in flight.")


class WindowCounts(serializers.Serializer[Any]):
    completed = serializers.IntegerField()
    error = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    skipped = serializers.IntegerField()
    in_flight = serializers.IntegerField()


class Window(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="From 1, in the order in which they were opened.")
    lane = serializers.IntegerField(help_text="Which of the dispatch's chains of windows it belongs to.")
    lobby = serializers.BooleanField(help_text="True: in it the dispatch's paused cells have their place.")
    state = serializers.ChoiceField(["open", "closed"])
    rows = serializers.IntegerField()
    cells = serializers.IntegerField()
    counts = WindowCounts(help_text="In cells.")
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class ErrorMessage(serializers.Serializer[Any]):
    group = serializers.IntegerField(help_text="The workflow column.")
    group_name = serializers.CharField()
    message = serializers.CharField(allow_blank=True)
    cells = serializers.IntegerField(help_text="How many cells show it.")


class DispatchErrors(serializers.Serializer[Any]):
    groups = ErrorMessage(many=True, help_text="The most frequent first, at most 20.")
    seen = serializers.IntegerField(help_text="Failed cells of the dispatch that were counted.")
    is_all = serializers.BooleanField(
        help_text="False: there may be more; only the newest windows that had any were looked at."
    )


class SlowCell(serializers.Serializer[Any]):
    row = serializers.IntegerField()
    group = serializers.IntegerField(help_text="The workflow column.")
    group_name = serializers.CharField()
    status = serializers.ChoiceField(Status.choices)
    seconds = serializers.FloatField(help_text="That it took, or takes until now; without its time in a pause.")
    started_at = serializers.DateTimeField()


class SlowestCells(serializers.Serializer[Any]):
    cells = SlowCell(many=True, help_text="The slowest first.")


class Cancelled(serializers.Serializer[Any]):
    cancelled = serializers.IntegerField(
        help_text="Cells that were in flight. What a dispatch had not reached is left out too, and not counted."
    )
    dispatches = serializers.IntegerField(
        help_text="Active dispatches that were ended, or told to leave these cells out; 0: nothing was to be stopped."
    )


class PausedRuns(serializers.Serializer[Any]):
    paused = serializers.ListField(child=serializers.IntegerField(), help_text="The dispatches that were paused by it.")


class NotResumed(serializers.Serializer[Any]):
    dispatch = serializers.IntegerField()
    detail = serializers.CharField(help_text="Which cap is reached.")


class ResumedRuns(serializers.Serializer[Any]):
    resumed = serializers.ListField(child=serializers.IntegerField(), help_text="The dispatches that go on.")
    refused = NotResumed(many=True, help_text="The dispatches that stay paused, since a cap of theirs is reached.")


class Standing(Paused):
    step = serializers.CharField(help_text="The id of the step at which it paused.")
    approval = serializers.IntegerField(allow_null=True, help_text="The question that is open, if one is.")


class Attempt(serializers.Serializer[Any]):
    status = serializers.ChoiceField(Status.choices)
    execution_id = serializers.IntegerField()
    attempt = serializers.IntegerField()
    error = serializers.CharField(allow_null=True)
    workflow_version = serializers.IntegerField(allow_null=True)
    dispatch = serializers.IntegerField(allow_null=True)
    worker = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    steps = StepTrace(many=True)
    pause = Standing(allow_null=True, help_text="Where it stands, when it paused and has not ended since.")


class AttemptPage(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = Attempt(many=True)


ATTEMPTS = PolymorphicProxySerializer("AttemptOrHistory", [Attempt, AttemptPage], resource_type_field_name=None)
"""The latest attempt, or a page of all with `attempts=all`."""


class Approval(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    table = serializers.IntegerField()
    table_name = serializers.CharField(allow_null=True)
    row = serializers.IntegerField()
    group = serializers.IntegerField(help_text="The workflow column.")
    group_name = serializers.CharField(allow_null=True)
    step = serializers.CharField()
    prompt = serializers.CharField()
    fields = Values(allow_null=True, help_text="JSON Schema of the form; null when there is none.")  # type: ignore[assignment]
    assignees = serializers.ListField(
        child=serializers.CharField(), help_text="The users who may answer; empty: whoever may edit the table."
    )
    status = serializers.ChoiceField(Asked.Status.choices)
    answer = Values(allow_null=True, help_text="The fields as they were filled in.")
    answered_by = serializers.CharField(allow_null=True)
    asked_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it expires.")
    answered_at = serializers.DateTimeField(allow_null=True, help_text="When it was answered, expired or withdrawn.")
    may_answer = serializers.BooleanField(help_text="It is open, and yours to answer.")


class AnsweredApproval(Approval):
    taken = serializers.BooleanField(help_text="False: it was answered before, and this answer changed nothing.")


class BusyTable(serializers.Serializer[Any]):
    table = serializers.IntegerField()
    name = serializers.CharField()
    cells = serializers.IntegerField(help_text="Cells of it that the worker runs.")


class LaunchedWorker(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="Under this name it comes into the list of workers, once it is there.")
    status = serializers.ChoiceField(["starting"])


class WorkerProcess(serializers.Serializer[Any]):
    name = serializers.CharField()
    host = serializers.CharField()
    pid = serializers.IntegerField()
    queues = serializers.ListField(child=serializers.CharField())
    concurrency = serializers.IntegerField()
    status = serializers.ChoiceField(Worker.Status.choices)
    cells_running = serializers.IntegerField(help_text="As of its last heartbeat.")
    tables = BusyTable(many=True, help_text="Whose cells it runs: the busiest of those that you may see.")
    started_at = serializers.DateTimeField()
    heartbeat_at = serializers.DateTimeField()
    heartbeat_age_seconds = serializers.FloatField()


class CellAtWork(serializers.Serializer[Any]):
    table = serializers.IntegerField()
    table_name = serializers.CharField()
    row = serializers.IntegerField()
    group = serializers.IntegerField(help_text="The workflow column.")
    group_name = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(CLAIMED, help_text="queued: behind another cell of its row.")
    started_at = serializers.DateTimeField(allow_null=True)


class WorkerDetail(WorkerProcess):
    cells = CellAtWork(many=True, help_text="What it has, the oldest first: at most 200, of tables that you may see.")


class WorkerLog(serializers.Serializer[Any]):
    lines = serializers.ListField(child=serializers.CharField(allow_blank=True), help_text="The newest last.")
