"""The admin of workflows, workers and attempts. Executions stand in dispatch/admin.py, whose verbs act on them."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cells.models import Attempt, Worker, Workflow, WorkflowVersion
from tableflow.tables.admin import Bounded, ModelAdmin, ReadOnly, TabularInline

SHOWN_CHARACTERS = 100_000


def pretty(value: Any) -> SafeString:
    """JSON over several lines, cut where nobody reads on."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}\n… cut"
    return format_html("<pre>{}</pre>", cut)


class VersionInline(TabularInline):
    """The versions of a workflow: they never change."""

    model = WorkflowVersion
    extra = 0
    can_delete = False
    fields = readonly_fields = ("number", "input_names", "step_list", "output_list", "created_by", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The page and the API make versions, and check them."""
        return False

    @admin.display(description="inputs")
    def input_names(self, version: WorkflowVersion) -> str:
        """The names of the inputs."""
        return ", ".join(version.inputs)

    @admin.display(description="steps")
    def step_list(self, version: WorkflowVersion) -> SafeString:
        """The steps as JSON."""
        return pretty(version.steps)

    @admin.display(description="outputs")
    def output_list(self, version: WorkflowVersion) -> SafeString:
        """The outputs as JSON."""
        return pretty(version.outputs)


@admin.register(Workflow)
class WorkflowAdmin(ModelAdmin):
    list_display = ("id", "name", "owner", "version", "updated_at")
    list_display_links = ("id", "name")
    list_filter = ("created_at",)
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("name", "owner__username")
    raw_id_fields = ("owner",)
    readonly_fields = ("version", "created_at", "updated_at")
    show_full_result_count = False
    inlines = (VersionInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The page and the API make workflows, and check them."""
        return False


@admin.register(Worker)
class WorkerAdmin(ReadOnly):
    list_display = ("name", "status", "concurrency", "host", "pid", "started_at", "heartbeat_at")
    list_filter = ("status", "host")
    list_per_page = 50
    search_fields = ("name", "host")
    show_full_result_count = False


@admin.register(Attempt)
class AttemptAdmin(Bounded, ReadOnly):
    """Attempts, each with its trace."""

    list_display = ("id", "execution_id", "number", "status", "short_error", "worker_name", "finished_at")
    search_fields = ("=execution_id",)
    search_help_text = "The id of an execution."
    exclude = ("execution", "trace")
    readonly_fields = ("execution_id", "steps")

    @admin.display(description="error")
    def short_error(self, attempt: Attempt) -> str:
        """The beginning of the message."""
        return (attempt.error or "")[:80]

    @admin.display(description="trace")
    def steps(self, attempt: Attempt) -> SafeString:
        """The trace as JSON."""
        return pretty(attempt.trace)
