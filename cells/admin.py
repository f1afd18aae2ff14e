"""The admin of workflows, workers, attempts and pauses. Executions stand in dispatch/admin.py, with the verbs."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cells.models import Approval, Attempt, Pause, Worker, Workflow, WorkflowVersion
from cells.workflows import versions
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

    def delete_model(self, request: HttpRequest, obj: Workflow) -> None:
        """As over the API."""
        versions.delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> None:
        """As over the API, each."""
        for workflow in queryset:
            versions.delete(workflow)


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


@admin.register(Pause)
class PauseAdmin(Bounded, ReadOnly):
    """Cells that stand still, and where."""

    list_display = ("execution_id", "kind", "step", "due_at", "paused_at", "table_id")
    list_filter = ("kind", ("due_at", admin.EmptyFieldListFilter))
    search_fields = ("=execution_id",)
    search_help_text = "The id of an execution."
    exclude = ("execution", "state", "result")
    readonly_fields = ("execution_id", "standing", "gives")

    @admin.display
    def step(self, pause: Pause) -> str:
        """The id of the step at which it stands."""
        return str(pause.state.get("step", ""))

    @admin.display(description="state")
    def standing(self, pause: Pause) -> SafeString:
        """Where it stands, as JSON."""
        return pretty(pause.state)

    @admin.display(description="result")
    def gives(self, pause: Pause) -> SafeString:
        """What its step gives, as JSON."""
        return pretty(pause.result)


@admin.register(Approval)
class ApprovalAdmin(Bounded, ReadOnly):
    """Questions to people, and their answers. They are answered on their page and over the API."""

    list_display = ("id", "short_prompt", "status", "answered_by", "asked_at", "due_at", "answered_at", "table_id")
    list_filter = ("status",)
    list_select_related = ("answered_by",)
    search_fields = ("=id", "=execution_id")
    search_help_text = "The id of a question, or of an execution."
    exclude = ("fields", "answer")
    readonly_fields = ("asked_for", "given")

    @admin.display(description="prompt")
    def short_prompt(self, approval: Approval) -> str:
        """The beginning of the question."""
        return approval.prompt[:80]

    @admin.display(description="fields")
    def asked_for(self, approval: Approval) -> SafeString:
        """The schema of the form, as JSON."""
        return pretty(approval.fields)

    @admin.display(description="answer")
    def given(self, approval: Approval) -> SafeString:
        """What was filled in, as JSON."""
        return pretty(approval.answer)
