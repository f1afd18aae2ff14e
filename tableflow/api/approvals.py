"""Questions to people over HTTP, and the version with which a paused cell goes on."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells import approvals, traces
from dispatch import resume
from tableflow.api import access, answers, query, shapes
from tableflow.api.fields import MAX_ID, Body, Object
from tableflow.api.idempotency import once
from tableflow.api.pagination import Pages, paged
from tableflow.errors import NotFound

STATUS = OpenApiParameter("status", enum=approvals.LISTS, description="open when absent; answered: by somebody.")
TABLE = OpenApiParameter("table", int, description="The questions of this table only.")


class Decision(Body):
    """An answer. Who rejects need not fill in what the form requires."""

    decision = serializers.ChoiceField([status.value for status in approvals.ANSWERS])
    fields = Object(required=False, help_text="The form, as its JSON Schema has it.")  # type: ignore[assignment]


class Approvals(APIView):
    """The questions that wait for a person."""

    pagination_class = Pages

    @extend_schema(parameters=[STATUS, TABLE], responses=shapes.Approval(many=True))
    def get(self, request: Request) -> Response:
        """The questions of the tables that you may see: open ones the oldest first, others the newest first."""
        status = query.choice(request, "status", approvals.LISTS) or "open"
        table = query.number(request, "table", 0, 1, MAX_ID) or None
        user = access.user(request)
        asked = approvals.listing(user, status, table)
        return paged(request, asked, lambda page: answers.approvals(page, user))


class ApprovalDetail(APIView):
    """One question."""

    @extend_schema(responses=shapes.Approval)
    def get(self, request: Request, approval_id: int) -> Response:
        """The question, and the answer when there is one."""
        return Response(answers.approval(access.approval(request, approval_id), access.user(request)))

    @extend_schema(request=Decision, responses=shapes.AnsweredApproval)
    @once
    def post(self, request: Request, approval_id: int) -> Response:
        """Answer it, so that its cell goes on. It is answered once: a later answer changes nothing, and gets the
        one that counted, with `taken` false. 409 when nobody waits for it any more: `withdrawn` with its cell, or
        `expired`.
        """
        asked = access.approval(request, approval_id)
        user = access.user(request)
        if asked.pk not in approvals.answerable(user, [asked]):
            raise PermissionDenied("This question is for others to answer.")
        body: dict[str, Any] = Decision.read(request)
        taken = resume.answer(asked, user, body["decision"], body.get("fields"))
        return Response({**answers.approval(asked, user), "taken": taken})


class NewestVersion(APIView):
    """The version with which a paused cell goes on."""

    @extend_schema(request=None, responses=shapes.Attempt)
    @once
    def post(self, request: Request, table_id: int, row_id: int, group_id: int) -> Response:
        """Have a paused cell go on with the newest version of its workflow. 409 when it is not paused, or when that
        version has no such step, has other steps before it, or lacks an output that the column takes.
        """
        table = access.editable_table(request, table_id)
        row, group = access.row(table, row_id), access.group(table, group_id)
        resume.move_to_newest(table.pk, row.pk, group.pk)
        latest = traces.latest(row.pk, group.pk)
        if latest is None:
            raise NotFound("This cell has never run.")
        return Response(latest)


urlpatterns = [
    path("approvals/", Approvals.as_view(), name="approvals"),
    path("approvals/<int:approval_id>/", ApprovalDetail.as_view(), name="approval"),
    path(
        "tables/<int:table_id>/rows/<int:row_id>/executions/<int:group_id>/newest-version/",
        NewestVersion.as_view(),
        name="newest-version",
    ),
]
