"""The admin of dispatches, lanes, windows and executions. Its actions are the engine's own verbs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from cells.models import IN_FLIGHT, Execution
from dispatch import begin, cancel, pausing, sweep
from dispatch.models import ACTIVE, Dispatch, Lane, Mode, Window
from tableflow.errors import TableflowError
from tableflow.tables.admin import Bounded, ReadOnly
from tableflow.tables.models import Group, Row

MOST_ROWS = 1000


@dataclass(frozen=True)
class Place:
    """Cells of one group in some rows of one table, all by id."""

    table: int
    group: int
    rows: list[int]


class Acting(ReadOnly):
    """Read-only records on which the engine's verbs can be called by whoever may change the model."""

    def has_verb_permission(self, request: HttpRequest) -> bool:
        """Whether the user may call the verbs: the change permission, which `ReadOnly` keeps from the forms."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def report(self, request: HttpRequest, said: str, problems: Iterable[str]) -> None:
        """Tell what was done, and what could not be."""
        self.message_user(request, said)
        for problem in dict.fromkeys(problems):
            self.message_user(request, problem, messages.WARNING)


class ActiveFilter(admin.SimpleListFilter):
    """Active dispatches, through their partial index."""

    title = "active"
    parameter_name = "active"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The one choice besides all."""
        return [("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Dispatch]) -> QuerySet[Dispatch]:
        """The dispatches that have not ended."""
        return queryset.filter(status__in=ACTIVE) if self.value() == "yes" else queryset


@admin.register(Dispatch)
class DispatchAdmin(Acting):
    """Dispatches, with their progress."""

    change_list_template = "admin/dispatch/change_list.html"
    list_display = (
        "id",
        "table",
        "mode",
        "status",
        "is_manual",
        "progress",
        "paused_because",
        "requested_by",
        "requested_at",
        "finished_at",
    )
    list_filter = (ActiveFilter, "status", "mode", "is_manual", "requested_at")
    list_select_related = ("table", "requested_by")
    list_per_page = 50
    search_fields = ("=id", "table__name")
    show_full_result_count = False
    actions = ("pause", "resume", "cancel", "requeue")

    @admin.display
    def progress(self, dispatch: Dispatch) -> str:
        """How far the closed windows say it is."""
        ended = dispatch.completed + dispatch.error + dispatch.cancelled + dispatch.skipped
        total = "?" if dispatch.total is None else f"{dispatch.total:,}"
        return f"{ended:,} of {total}, {dispatch.error:,} errors"

    @admin.action(description="Pause the selected runs", permissions=("verb",))
    def pause(self, request: HttpRequest, queryset: QuerySet[Dispatch]) -> None:
        """Pause each: what runs ends, nothing else starts."""
        by = request.user.get_username()
        ids = queryset.values_list("pk", flat=True)
        done, problems = _each(ids, lambda dispatch_id: pausing.pause_dispatch(dispatch_id, by=by))
        self.report(request, f"{done} paused.", problems)

    @admin.action(description="Resume the selected runs", permissions=("verb",))
    def resume(self, request: HttpRequest, queryset: QuerySet[Dispatch]) -> None:
        """Let each go on where it stopped."""
        done, problems = _each(queryset.values_list("pk", flat=True), pausing.resume_dispatch)
        self.report(request, f"{done} resumed.", problems)

    @admin.action(description="Cancel the selected runs", permissions=("verb",))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Dispatch]) -> None:
        """Cancel each, with its cells in flight."""
        ids = queryset.values_list("pk", flat=True)
        done, problems = _each(ids, cancel.cancel_dispatch)
        self.report(request, f"{done} cancelled.", problems)

    @admin.action(description="Requeue: run the same scope again", permissions=("verb",))
    def requeue(self, request: HttpRequest, queryset: QuerySet[Dispatch]) -> None:
        """Begin a new dispatch of the same scope, mode and groups for each."""
        done, problems = _each(queryset, lambda dispatch: _again(dispatch, request))
        self.report(request, f"{done} requeued.", problems)

    def get_urls(self) -> list[URLPattern]:
        """The list's own, and the button of the sweep."""
        button = path("requeue-stuck/", self.admin_site.admin_view(self.requeue_stuck), name="dispatch_requeue_stuck")
        return [button, *super().get_urls()]

    def requeue_stuck(self, request: HttpRequest) -> HttpResponseRedirect:
        """Do now what beat does every few seconds: take back lost workers' cells, ring lost lanes again."""
        if request.method == "POST" and self.has_verb_permission(request):
            sweep.sweep()
            self.message_user(request, "Cells of lost workers were taken back, and quiet lanes rung again.")
        return HttpResponseRedirect(reverse("admin:dispatch_dispatch_changelist"))


@admin.register(Lane)
class LaneAdmin(ReadOnly):
    list_display = ("id", "dispatch", "number", "fence", "tasks", "slots", "rings", "lease_until", "retired_at")
    list_filter = (("retired_at", admin.EmptyFieldListFilter),)
    list_select_related = ("dispatch",)
    list_per_page = 50
    ordering = ("-pk",)
    search_fields = ("=dispatch__id",)
    show_full_result_count = False


@admin.register(Window)
class WindowAdmin(Bounded, ReadOnly):
    """Windows: the history of the runs."""

    list_display = ("id", "dispatch", "lane", "rows", "cells", "completed", "error", "opened_at", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("dispatch",)
    search_fields = ("=dispatch__id",)
    search_help_text = "The id of a dispatch."


class StateFilter(admin.SimpleListFilter):
    """The states of executions that an index finds among millions."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """In flight, through the open windows; failed, through their partial index."""
        return [("in_flight", "In flight"), ("failed", "Failed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        """The executions in that state."""
        match self.value():
            case "in_flight":
                active = Dispatch.objects.active().values("pk")
                open_ones = Window.objects.filter(dispatch__in=active, closed_at=None).values("pk")
                return queryset.filter(window_id__in=open_ones, status__in=IN_FLIGHT)
            case "failed":
                return queryset.filter(failed=True)
        return queryset


@admin.register(Execution)
class ExecutionAdmin(Bounded, Acting):
    """Executions: their states change only through the verbs of the engine."""

    list_display = ("id", "row_id", "group", "status", "attempt", "short_error", "worker", "started_at", "finished_at")
    list_filter = (StateFilter,)
    list_select_related = ("group", "worker")
    search_fields = ("=id",)
    search_help_text = "The id of an execution, or of a row."
    exclude = ("row",)
    readonly_fields = ("row_id",)
    actions = ("cancel", "requeue")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Execution], search_term: str
    ) -> tuple[QuerySet[Execution], bool]:
        """By the execution's id, or by its row: then through the table's groups, which an index serves."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if not (term.isascii() and term.isdigit() and len(term) < 19):
            return queryset.none(), False
        table = Row.objects.filter(pk=int(term)).values("table")
        of_row = Q(row=int(term), group__in=Group.objects.filter(table__in=table).values("pk"))
        return queryset.filter(Q(pk=int(term)) | of_row), False

    @admin.display(description="error")
    def short_error(self, execution: Execution) -> str:
        """The beginning of the message."""
        return (execution.error or "")[:80]

    @admin.action(description="Cancel the selected cells", permissions=("verb",))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Execution]) -> None:
        """Cancel those of them that are in flight."""
        counts: list[int] = []
        _, problems = _each(
            _places(queryset),
            lambda place: counts.append(cancel.cancel_runs(place.table, rows=place.rows, groups=[place.group])),
        )
        self.report(request, f"{sum(counts)} cells cancelled.", problems)

    @admin.action(description="Requeue the selected cells", permissions=("verb",))
    def requeue(self, request: HttpRequest, queryset: QuerySet[Execution]) -> None:
        """Run them again, finished or not."""
        done, problems = _each(_places(queryset), lambda place: _run(place, request))
        self.report(request, f"{done} runs begun.", problems)


def _again(dispatch: Dispatch, request: HttpRequest) -> Dispatch:
    scope = dispatch.scope
    return begin.begin(
        dispatch.table_id,
        groups=[group["id"] for group in dispatch.plan],
        mode=dispatch.mode,
        rows=scope.get("rows"),
        filter=scope.get("filter"),
        exclude_rows=scope.get("exclude_rows"),
        ranges=scope.get("ranges"),
        limit=dispatch.limit_rows,
        caps=dispatch.caps,
        user=cast("AbstractBaseUser", request.user),
    )


def _run(place: Place, request: HttpRequest) -> Dispatch:
    return begin.begin(
        place.table, groups=[place.group], rows=place.rows, mode=Mode.ALL, user=cast("AbstractBaseUser", request.user)
    )


def _places(executions: QuerySet[Execution]) -> list[Place]:
    """Where these executions are, `MOST_ROWS` of them at most."""
    rows: dict[tuple[int, int], list[int]] = defaultdict(list)
    for table, group, row in executions.order_by().values_list("group__table", "group", "row")[:MOST_ROWS]:
        rows[table, group].append(row)
    return [Place(table, group, ids) for (table, group), ids in rows.items()]


def _each(things: Iterable[Any], act: Callable[[Any], object]) -> tuple[int, list[str]]:
    """How many of them could be acted on, and what was said about the others."""
    done, problems = 0, []
    for thing in things:
        try:
            act(thing)
            done += 1
        except TableflowError as error:
            problems.append(str(error))
    return done, problems
