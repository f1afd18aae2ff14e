"""The admin of tables, columns, groups, rows and imports; and what keeps the admin of a million rows quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from tableflow.live import marks
from tableflow.tables.models import Column, Group, Import, Member, Row, Table

if TYPE_CHECKING:
    Pages = Paginator[Any]
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    Pages, ModelAdmin, TabularInline = Paginator, admin.ModelAdmin, admin.TabularInline

EXACT_UP_TO = 10_000
# Deeper pages would read and throw away all that lies before them: a filter finds it quicker.
DEEPEST = 100_000


class BoundedPaginator(Pages):
    """Counts exactly what is small; of what is large it takes the planner's estimate. Never reads a million rows."""

    @cached_property
    def count(self) -> int:
        """How many objects there are, at most `DEEPEST`."""
        found: QuerySet[Any] = self.object_list.order_by()  # type: ignore[attr-defined]
        exact = found[: EXACT_UP_TO + 1].count()
        return exact if exact <= EXACT_UP_TO else min(max(_estimate(found.model), exact), DEEPEST)


def _estimate(model: type[Model]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])  # noqa: SLF001
        return int(cursor.fetchone()[0])


class BoundedChangeList(ChangeList):
    """A page of a changelist that never asks for all of it."""

    def get_results(self, request: HttpRequest) -> None:
        """The page's objects; "show all" is not offered."""
        super().get_results(request)
        self.can_show_all = False


class Bounded(ModelAdmin):
    """For tables that may hold millions: pages in the order of an index, no full count, no drop-downs."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The changelist of the pages."""
        return BoundedChangeList


class ReadOnly(ModelAdmin):
    """For records that change only through the project's own verbs, which name the state that they expect."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody makes one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes one by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes one by hand: what hangs on it would stay."""
        return False


class MemberInline(TabularInline):
    model = Member
    extra = 0
    raw_id_fields = ("user",)


@admin.register(Table)
class TableAdmin(ModelAdmin):
    """Tables. Deleting hides; the background task purges."""

    list_display = ("id", "name", "owner", "row_count", "auto_run", "updated_at", "deleted_at")
    list_display_links = ("id", "name")
    list_filter = ("auto_run", ("deleted_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("name", "description", "owner__username")
    raw_id_fields = ("owner",)
    readonly_fields = ("row_count", "created_at", "updated_at", "deleted_at")
    show_full_result_count = False
    inlines = (MemberInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Table | None = None) -> bool:
        """Not here: a cascade over a million rows in one request. The table's page and the API hide it at once."""
        return False

    def save_model(self, request: HttpRequest, obj: Table, form: Any, change: Any) -> None:
        """Save it, for all to see."""
        super().save_model(request, obj, form, change)
        marks.schema(obj.pk)


@admin.register(Column)
class ColumnAdmin(ReadOnly):
    """Columns: they change on the table's page, which checks what depends on them."""

    list_display = ("id", "name", "key", "type", "table", "group", "position", "deleted_at")
    list_display_links = ("id", "name")
    list_filter = ("type", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("table", "group")
    list_per_page = 50
    search_fields = ("name", "key", "table__name")
    show_full_result_count = False


@admin.register(Group)
class GroupAdmin(ReadOnly):
    """Workflow columns: they change on the table's page, which checks what depends on them."""

    list_display = ("id", "name", "table", "workflow_id", "auto_run", "concurrency", "deleted_at")
    list_display_links = ("id", "name")
    list_filter = ("auto_run", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("table",)
    list_per_page = 50
    search_fields = ("name", "table__name")
    show_full_result_count = False


@admin.register(Row)
class RowAdmin(Bounded, ReadOnly):
    """Rows. Search finds a row by its id, `?table__id__exact=` the rows of a table."""

    list_display = ("id", "table", "position_short", "done", "created_at", "updated_at")
    list_select_related = ("table",)
    ordering = ("-table_id", "-position")
    search_fields = ("=id",)
    search_help_text = "The id of a row."
    exclude = ("table",)
    readonly_fields = ("table_id",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The rows of one table can be asked for by address."""
        return lookup in ("table__id__exact", "table") or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description="position")
    def position_short(self, row: Row) -> str:
        """The place in the visible order, without the trailing zeros."""
        return f"{row.position:f}"


@admin.register(Import)
class ImportAdmin(ReadOnly):
    """Imports, with what they rejected."""

    list_display = ("id", "file_name", "table", "mode", "status", "rows_done", "rejected", "created_at", "finished_at")
    list_display_links = ("id", "file_name")
    list_filter = ("status", "mode", "format", "created_at")
    list_select_related = ("table",)
    list_per_page = 50
    search_fields = ("file_name", "table__name")
    show_full_result_count = False
