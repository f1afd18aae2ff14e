"""Tables, columns, groups, rows, imports: what people see of their data. Knows nothing of runs.

Laws kept by the database: a column's key is unique in its table, a row's position is unique in its table,
a group's done bit is unique in its table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class PositionField(models.DecimalField):  # type: ignore[type-arg]  # Django's class cannot be subscripted at run time
    """A number of any precision, so that a row can always be put between two others (PostgreSQL `numeric`)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 1000
        kwargs["decimal_places"] = 500
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs

    def db_type(self, connection: Any) -> str:  # noqa: ARG002  (Django's signature)
        return "numeric"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: ARG002
        return value

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:  # noqa: ARG002
        return value


class TableQuerySet(models.QuerySet["Table"]):
    """Questions about tables."""

    def live(self) -> TableQuerySet:
        """Tables that nobody has deleted."""
        return self.filter(deleted_at=None)

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> TableQuerySet:
        """Live tables that the user owns or is a member of; a superuser sees all."""
        if getattr(user, "is_superuser", False):
            return self.live()
        return self.live().filter(Q(owner=user.pk) | Q(pk__in=Member.objects.filter(user=user.pk).values("table")))

    def editable_by(self, user: AbstractBaseUser | AnonymousUser) -> TableQuerySet:
        """Visible tables that the user may also change: viewers are left out."""
        if getattr(user, "is_superuser", False):
            return self.live()
        editor = Member.objects.filter(user=user.pk, role=Member.Role.EDITOR).values("table")
        return self.live().filter(Q(owner=user.pk) | Q(pk__in=editor))


class Table(models.Model):
    """A table of rows. `row_count` is kept by the statements that insert and delete rows."""

    name = models.CharField(max_length=128)
    description = models.TextField(blank=True, default="")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tables")
    auto_run = models.BooleanField(default=True, help_text="Off stops every automatic run of this table.")
    row_count = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Hidden at once, purged in the background.")

    objects = TableQuerySet.as_manager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A user besides the owner who may see, or see and change, a table."""

    class Role(models.TextChoices):
        VIEWER = "viewer"
        EDITOR = "editor"

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=8, choices=Role, default=Role.VIEWER)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("table", "user"), name="one_membership_per_user"),)

    def __str__(self) -> str:
        return f"{self.user} {self.role} of {self.table}"


class Group(models.Model):
    """A workflow column: one workflow bound to a table, filling one or more output columns.

    `inputs` maps a workflow input to a column key or a template; `outputs` is a list of
    `{"from": workflow output, "column": key}`; `run_after` lists the column keys that must have a value first.
    `workflow_id` is an id of the floor above and may dangle when that workflow was deleted.
    """

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=128)
    workflow_id = models.BigIntegerField()
    inputs = models.JSONField(default=dict)
    outputs = models.JSONField(default=list)
    run_after = models.JSONField(default=list)
    run_if = models.TextField(blank=True, default="")
    auto_run = models.BooleanField(default=False)
    concurrency = models.PositiveIntegerField(null=True, blank=True)
    bit = models.PositiveSmallIntegerField(help_text="The bit of Row.done that says: completed for this group.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("table", "bit"), name="one_done_bit_per_group"),
            models.CheckConstraint(condition=Q(bit__lt=63), name="done_bit_fits_bigint"),
        )

    def __str__(self) -> str:
        return self.name


class ColumnType(models.TextChoices):
    """The types that a column can have."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    JSON = "json"
    SELECT = "select"
    MULTISELECT = "multiselect"
    URL = "url"
    EMAIL = "email"
    CURRENCY = "currency"


class Column(models.Model):
    """A column. `group` is set on the output columns of a workflow column."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="columns")
    key = models.SlugField(max_length=64, help_text="Made from the name once; the key of the value in Row.data.")
    name = models.CharField(max_length=128)
    type = models.CharField(max_length=16, choices=ColumnType)
    options = models.JSONField(default=dict, blank=True)
    position = models.PositiveIntegerField(help_text="Left to right, from 0.")
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.SET_NULL, related_name="columns")
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="Hidden at once; its values are purged later.")
    was = models.JSONField(null=True, blank=True, help_text="Of a deleted one: what it was to groups (restoring.py).")

    class Meta:
        ordering = ("position", "id")
        constraints = (models.UniqueConstraint(fields=("table", "key"), name="one_column_per_key"),)

    def __str__(self) -> str:
        return self.name


class Row(models.Model):
    """A row: its values are one object by column key.

    `done` has a group's bit set only where that group's execution is completed (or was, and runs again): an
    index over it finds the few cells that are not among a million that are. The execution stays the truth.
    """

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="rows", db_constraint=False, db_index=False)
    position = PositionField()
    data = models.JSONField(default=dict)
    done = models.BigIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("position",)
        constraints = (
            # Serves paging and windows: the rows of a table after a position, in the visible order.
            models.UniqueConstraint(fields=("table", "position"), name="one_row_per_position"),
        )
        indexes = (
            # Serves windows of modes incomplete and new: the rows of a table that lack a done bit, in order.
            models.Index(fields=("table", "done", "position"), name="rows_by_done"),
        )

    def __str__(self) -> str:
        return f"row {self.pk}"


class View(models.Model):
    """A saved view of a table. Written only by tableflow/tables/views.py, which says what its fields hold."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="views")
    name = models.CharField(max_length=128)
    is_default = models.BooleanField(default=False)
    layout = models.JSONField(default=dict)
    filter = models.JSONField(null=True, blank=True)
    sort = models.TextField(blank=True, default="")
    search = models.TextField(blank=True, default="")
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-is_default", "position", "id")
        constraints = (
            models.UniqueConstraint(fields=("table",), condition=Q(is_default=True), name="one_default_view_per_table"),
        )

    def __str__(self) -> str:
        return self.name


class Import(models.Model):
    """A file on its way into a table; the file's bytes wait in chunks, so that any worker can read them."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        COMPLETE = "complete"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Mode(models.TextChoices):
        APPEND = "append"
        REPLACE = "replace"

    class Format(models.TextChoices):
        CSV = "csv"
        TSV = "tsv"
        JSONL = "jsonl"
        XLSX = "xlsx"

    table = models.ForeignKey(Table, null=True, on_delete=models.CASCADE, related_name="imports")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    file_name = models.CharField(max_length=255)
    format = models.CharField(max_length=8, choices=Format)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.APPEND)
    mapping = models.JSONField(default=dict, help_text="Header → column key, or null to leave the header out.")
    create_columns = models.BooleanField(default=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.PENDING)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    size_bytes = models.BigIntegerField(default=0)
    lines_done = models.BigIntegerField(default=0, help_text="Records of the file that are committed or rejected.")
    rows_done = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True)
    rejected = models.BigIntegerField(default=0)
    errors = models.JSONField(default=list, help_text="The first rejected lines: {line, attr, detail}.")
    plan = models.JSONField(default=dict, help_text="Encoding, delimiter, and each field's column (imports/plan.py).")
    landed = models.JSONField(default=list, help_text="The rows it loaded, as ranges of positions: [[first, last], …].")
    losses = models.PositiveSmallIntegerField(default=0, help_text="Workers lost under it since its last batch.")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.file_name} ({self.status})"


class ImportReject(models.Model):
    """A line that an import rejected, as it stood in the file: to be mended and imported again. The first ones only."""

    source = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejects")
    line = models.BigIntegerField()
    attr = models.CharField(max_length=128, blank=True, help_text="Empty: the line as a whole.")
    detail = models.TextField()
    record = models.JSONField(null=True, help_text="Fields, object or text; null where it was too long to be kept.")
    size = models.PositiveIntegerField(default=0, help_text="Bytes of the record.")

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"line {self.line}"


class ImportChunk(models.Model):
    """A piece of an uploaded file, deleted when its import has ended."""

    source = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=("source", "number"), name="one_chunk_per_number"),)

    def __str__(self) -> str:
        return f"chunk {self.number}"
