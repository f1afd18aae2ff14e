"""Workflow columns over HTTP."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells import binding, counts, proposals, usage
from dispatch import cancel
from tableflow.api import access, answers, query, removal, shapes
from tableflow.api.fields import Body, Id, Object, Text, Texts, Truth, Value, Whole
from tableflow.api.idempotency import once, once_outside
from tableflow.errors import InvalidInput, NotFound
from tableflow.tables import groups, schema
from tableflow.tables.models import Group, Row, Table

BOUND = ("workflow", "inputs", "outputs", "run_if")
AUTO_RUN = (
    "Whether new rows, and rows in which a value that it reads changes, run by themselves. Turning it on starts "
    "nothing by itself. Turning it off cancels what runs, or is about to, by itself in this workflow column."
)


class NewGroupOutput(Body):
    """Which output of the workflow fills which column."""

    column = Value(help_text="The key of a column, or {name, type, key?, options?} of one to make.")

    def get_fields(self) -> dict[str, Any]:
        """`from` is a word of Python."""
        return {"from": Text(help_text="The workflow's output."), **super().get_fields()}


class GroupChanges(Body):
    """What to change of a workflow column."""

    name = Text(required=False, max_length=128)
    workflow = Id(required=False)
    inputs = Object(required=False, help_text="Input of the workflow → column key, or template.")
    outputs = NewGroupOutput(many=True, required=False)
    run_after = Texts(required=False, help_text="Keys of columns that must have a value first.")
    auto_run = Truth(required=False, help_text=AUTO_RUN)
    run_if = Text(required=False, allow_blank=True, allow_null=True, trim_whitespace=False, help_text="A template.")
    concurrency = Whole(required=False, allow_null=True, min_value=1, help_text="Cells at once.")


class NewGroup(GroupChanges):
    """A workflow column to make; its name is the workflow's where none is given."""

    workflow = Id()
    outputs = NewGroupOutput(many=True)


class Proposed(Body):
    """A workflow column as somebody is about to make it. Anything may stand in it: what is wrong is the answer."""

    workflow = Value(
        required=False,
        allow_null=True,
        help_text="The id of a workflow, or one that is not saved: {inputs, steps, outputs}.",
    )
    group = Id(required=False, help_text="The workflow column that is to be changed into this; none: it is to be made.")
    name = Value(required=False, allow_null=True)
    inputs = Value(required=False, allow_null=True, help_text="Input of the workflow → column key, or template.")
    outputs = Value(required=False, allow_null=True, help_text="As for a workflow column that is made.")
    run_after = Value(required=False, allow_null=True, help_text="Keys of columns that must have a value first.")
    auto_run = Value(required=False, allow_null=True)
    run_if = Value(required=False, allow_null=True, help_text="A template.")
    concurrency = Value(required=False, allow_null=True)


class Tried(Proposed):
    """The same, to be run once for a row."""

    row = Id()


class Condition(Body):
    """A condition to be counted."""

    run_if = Text(allow_blank=True, trim_whitespace=False, help_text="A template over `row`. Empty: it always holds.")


class Groups(APIView):
    """The workflow columns of a table."""

    @extend_schema(request=NewGroup, responses={201: shapes.Group})
    @once
    def post(self, request: Request, table_id: int) -> Response:
        """Bind a workflow to the table. The columns that it reads stand left of those that it fills."""
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = NewGroup.read(request)
        with transaction.atomic():
            made = groups.create(table, body, default_name=_workflow_name(request, body["workflow"]))
            answer = _checked(request, table, made)
        return Response(answer, status=status.HTTP_201_CREATED)


class GroupCheck(APIView):
    """A look at a workflow column before it is made."""

    @extend_schema(request=Proposed, responses=shapes.Problems)
    def post(self, request: Request, table_id: int) -> Response:
        """Everything for which it would be refused, each problem at its own place; nothing is saved.

        Problems of a workflow that is not saved stand below `workflow`. There is also, with the code `no_column`, what
        the workflow reads of columns that the table does not have: such cells fail, but nothing is refused for it.
        Quick enough to be asked while somebody types.
        """
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = Proposed.read(request)
        known = schema.load(table.pk)
        proposal, problems = proposals.judge(known, body, request.user, _own(table, body))
        missing = proposals.missing_columns(known, proposal) if proposal else []
        return Response(answers.problems([*problems, *missing]))


class GroupTry(APIView):
    """A trial run on a row."""

    @extend_schema(request=Tried, responses=shapes.GroupTry)
    @once_outside
    def post(self, request: Request, table_id: int) -> Response:
        """Run it once for a row, for two minutes at most, and answer with the trace and what the columns would get.

        Nothing is saved: no execution, no value. The steps are really done: what they send is sent. Waits and questions
        end it as they end the test of a workflow.
        """
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = Tried.read(request)
        row = _tried_row(table, body.pop("row"))
        known = schema.load(table.pk)
        proposal, problems = proposals.judge(known, body, request.user, _own(table, body))
        if proposal is None or problems:
            raise InvalidInput(problems)
        return Response(proposals.try_on(proposal, {key: row.data.get(key) for key in known.keys}))


class GroupRunIf(APIView):
    """For how many rows a workflow column would run."""

    @extend_schema(request=Condition, responses=shapes.Matching)
    def post(self, request: Request, table_id: int) -> Response:
        """How many of the first thousand rows, in the visible order, a `run_if` holds for.

        `is_all` says whether these are all rows. It takes two seconds at most, and looks at fewer rows then. What is
        wrong with the template is told in `problem`.
        """
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = Condition.read(request)
        found = proposals.matching(schema.load(table.pk), body["run_if"], table.row_count)
        return Response(answers.matching(found))


class GroupDetail(APIView):
    """One workflow column."""

    @extend_schema(
        parameters=[OpenApiParameter("columns", enum=["keep", "drop"])], request=GroupChanges, responses=shapes.Group
    )
    def patch(self, request: Request, table_id: int, group_id: int) -> Response:
        """Change the fields that are given: `outputs` are all of them, so that one which is missing is taken out.

        Columns that it no longer fills stay as ordinary ones with their values (`keep`) or are deleted (`drop`).

        Turning `auto_run` off cancels what runs by itself in this workflow column; a dispatch that somebody asked for
        goes on. Turning it on starts nothing by itself: rows run that come or change.
        """
        table = access.editable_table(request, table_id)
        columns = query.choice(request, "columns", ("keep", "drop")) or "keep"
        body: dict[str, Any] = GroupChanges.read(request)
        with transaction.atomic():
            changed = _changed(table, group_id, body, columns_too=columns == "drop")
            is_bound_anew = any(field in body for field in BOUND)
            answer = _checked(request, table, changed) if is_bound_anew else _answer(table, changed)
        return Response(answer)

    @extend_schema(parameters=[OpenApiParameter("columns", enum=["keep", "drop"])], responses={204: None})
    def delete(self, request: Request, table_id: int, group_id: int) -> Response:
        """Delete the workflow column; what runs in it is cancelled. Its output columns stay (`keep`) or go (`drop`)."""
        table = access.editable_table(request, table_id)
        columns = query.choice(request, "columns", ("keep", "drop")) or "keep"
        removal.delete_group(table, access.group(table, group_id).pk, columns_too=columns == "drop")
        return Response(status=status.HTTP_204_NO_CONTENT)


class GroupCounts(APIView):
    """How many cells of a workflow column there are."""

    @extend_schema(responses=shapes.GroupCounts)
    def get(self, request: Request, table_id: int, group_id: int) -> Response:
        """Its cells by status, those that never ran and those that are stale. Null: not counted in a few seconds."""
        table = access.table(request, table_id)
        found = access.group(table, group_id)
        used = usage.of(schema.load(table.pk)).get(found.pk)
        if used is None:
            raise NotFound("There is no such workflow column in this table.")
        return Response(answers.group_counts(counts.of_group(table.pk, found.pk, used)))


def _own(table: Table, body: dict[str, Any]) -> int | None:
    """The workflow column that is to be changed, taken out of the body; None when one is to be made."""
    group_id = body.pop("group", None)
    return None if group_id is None else access.group(table, group_id).pk


def _tried_row(table: Table, row_id: int) -> Row:
    try:
        return access.row(table, row_id)
    except NotFound as error:
        raise InvalidInput.at("row", str(error), "does_not_exist") from error


def _changed(table: Table, group_id: int, body: dict[str, Any], *, columns_too: bool) -> Group:
    if body.get("auto_run") is not False:
        return groups.change(table, group_id, body, columns_too, binding.row_keys)
    cancel.hold_still(table.pk)
    changed = groups.change(table, group_id, body, columns_too, binding.row_keys)
    # After the change: of what is pending, only the other workflow columns begin.
    cancel.cancel_automatic(table.pk, groups=[group_id])
    return changed


def _workflow_name(request: Request, workflow_id: int) -> str:
    try:
        return access.workflow(request, workflow_id).name
    except NotFound as error:
        raise InvalidInput.at("workflow", f"There is no workflow {workflow_id}.", "does_not_exist") from error


def _checked(request: Request, table: Table, group: Group) -> answers.Answer:
    """The answer for a group as it was written, once its bond to the workflow holds; else InvalidInput."""
    definition = {
        "workflow": group.workflow_id,
        "inputs": group.inputs,
        "outputs": group.outputs,
        "run_if": group.run_if,
    }
    binding.check(schema.load(table.pk), definition, request.user)
    return _answer(table, group)


def _answer(table: Table, group: Group) -> answers.Answer:
    spec = schema.load(table.pk).group(group.pk)
    if spec is None:
        raise NotFound("There is no such workflow column in this table.")
    return answers.group(spec)


urlpatterns = [
    path("tables/<int:table_id>/groups/", Groups.as_view(), name="groups"),
    path("tables/<int:table_id>/groups/check/", GroupCheck.as_view(), name="group-check"),
    path("tables/<int:table_id>/groups/try/", GroupTry.as_view(), name="group-try"),
    path("tables/<int:table_id>/groups/run-if/", GroupRunIf.as_view(), name="group-run-if"),
    path("tables/<int:table_id>/groups/<int:group_id>/", GroupDetail.as_view(), name="group"),
    path("tables/<int:table_id>/groups/<int:group_id>/counts/", GroupCounts.as_view(), name="group-counts"),
]
