"""Workflows and step types over HTTP."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells.steps import registry
from cells.workflows import trial, versions
from tableflow.api import access, answers, shapes
from tableflow.api.fields import Body, Object, Text, Texts, Value, Whole
from tableflow.api.idempotency import once, once_outside
from tableflow.api.pagination import Pages, paged
from tableflow.errors import Conflict, InvalidInput


class Retry(Body):
    """How often a step is tried."""

    attempts = Whole(required=False)
    backoff_seconds = serializers.FloatField(required=False)


class Step(Body):
    """One step, for the OpenAPI document: what is wrong in steps is told by those who know their types."""

    id = Text()
    type = Text()
    config = Object()
    retry = Retry(required=False)
    timeout = serializers.FloatField(required=False, help_text="Seconds.")
    on_error = serializers.ChoiceField(["fail", "continue"], required=False)

    def get_fields(self) -> dict[str, Any]:
        """`if` is a word of Python."""
        return {**super().get_fields(), "if": Text(required=False, allow_null=True, help_text="A template.")}


@extend_schema_field(Step(many=True))
class Steps(serializers.ListField):
    """A list of steps."""

    child = Object()


class WorkflowChanges(Body):
    """What to change of a workflow; a change of anything but its name makes a new version."""

    name = Text(required=False, max_length=versions.NAME_LIMIT)
    inputs = Texts(required=False, help_text="The names of its inputs.")
    steps = Steps(required=False)
    outputs = Object(required=False, help_text="A template by name.")


class NewWorkflow(WorkflowChanges):
    """A workflow to make."""

    name = Text(max_length=versions.NAME_LIMIT)
    steps = Steps()


class TestInputs(Body):
    """Values for a trial run."""

    inputs = Object(required=False, help_text="A value by input; what is absent is null.")


class WorkflowDraft(Body):
    """A workflow as somebody is writing it. Anything may stand in it: what is wrong is the answer."""

    name = Value(required=False, allow_null=True, help_text="Its name; without one it is not looked at.")
    inputs = Value(required=False, allow_null=True, help_text="The names of its inputs.")
    steps = Value(required=False, allow_null=True, help_text="A list of steps.")
    outputs = Value(required=False, allow_null=True, help_text="A template by name.")


class StepTypes(APIView):
    """What steps there are."""

    pagination_class = Pages

    @extend_schema(responses=shapes.StepType(many=True))
    def get(self, request: Request) -> Response:
        """The step types, with the JSON Schemas that a form can be built from."""
        return paged(request, registry.step_types(), lambda kinds: [answers.step_type(kind) for kind in kinds])


class Workflows(APIView):
    """The caller's workflows."""

    pagination_class = Pages

    @extend_schema(responses=shapes.Workflow(many=True))
    def get(self, request: Request) -> Response:
        """Your workflows as they are now."""
        return paged(request, versions.visible_to(request.user).order_by("pk"), answers.workflows)

    @extend_schema(request=NewWorkflow, responses={201: shapes.Workflow})
    @once
    def post(self, request: Request) -> Response:
        """Make a workflow; all of it is checked first, templates included."""
        body: dict[str, Any] = NewWorkflow.read(request)
        made = versions.create(
            access.user(request), body["name"], body.get("inputs", []), body["steps"], body.get("outputs", {})
        )
        return Response(answers.workflow(made), status=status.HTTP_201_CREATED)


class WorkflowCheck(APIView):
    """A look at a workflow before it is made."""

    @extend_schema(request=WorkflowDraft, responses=shapes.Problems)
    def post(self, request: Request) -> Response:
        """Everything for which a workflow would be refused, each problem at its own place; nothing is saved.

        Templates are compiled and the names in them looked up. Quick enough to be asked while somebody types.
        """
        return Response(answers.problems(versions.draft_problems(WorkflowDraft.read(request))))


class WorkflowDetail(APIView):
    """One workflow."""

    @extend_schema(responses=shapes.Workflow)
    def get(self, request: Request, workflow_id: int) -> Response:
        """The workflow as it is now."""
        return Response(answers.workflow(access.workflow(request, workflow_id)))

    @extend_schema(request=WorkflowChanges, responses=shapes.Workflow)
    def patch(self, request: Request, workflow_id: int) -> Response:
        """Change it. Runs that have begun go on with the version they began with."""
        found = access.workflow(request, workflow_id)
        changed = versions.change(found, user=access.user(request), **WorkflowChanges.read(request))
        return Response(answers.workflow(changed))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, workflow_id: int) -> Response:
        """Delete it. Workflow columns that use it stay, and say so when they run."""
        versions.delete(access.workflow(request, workflow_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class WorkflowVersions(APIView):
    """The versions of a workflow."""

    pagination_class = Pages

    @extend_schema(responses=shapes.WorkflowVersion(many=True))
    def get(self, request: Request, workflow_id: int) -> Response:
        """Every version, the newest first."""
        found = versions.listing(access.workflow(request, workflow_id))
        return paged(request, found, lambda page: [answers.workflow_version(version) for version in page])


class WorkflowUses(APIView):
    """Where a workflow is used."""

    pagination_class = Pages

    @extend_schema(responses=shapes.WorkflowUse(many=True))
    def get(self, request: Request, workflow_id: int) -> Response:
        """The workflow columns that use it, in the tables that you may see."""
        found = versions.uses(access.workflow(request, workflow_id), access.user(request)).order_by("table", "pk")
        return paged(request, found, lambda page: [answers.workflow_use(group) for group in page])


class WorkflowTest(APIView):
    """A trial run."""

    @extend_schema(request=TestInputs, responses=shapes.WorkflowTest)
    @once_outside
    def post(self, request: Request, workflow_id: int) -> Response:
        """Run the newest version once without a table, for two minutes at most, and answer with the trace.

        It waits where a step waits, as far as the two minutes go; a longer wait, and a question to a person, end it
        with the status `paused`.
        """
        workflow = access.workflow(request, workflow_id)
        inputs: dict[str, Any] = TestInputs.read(request).get("inputs", {})
        version = versions.newest(workflow.pk)
        if version is None:
            raise Conflict("The workflow was deleted.", "deleted")
        unknown = [name for name in inputs if name not in version.inputs]
        if unknown:
            known = ", ".join(version.inputs) or "none"
            detail = f"The workflow has no input {unknown[0]!r}; it has: {known}."
            raise InvalidInput.at(f"inputs.{unknown[0]}", detail, "unknown")
        return Response(trial.test(version, inputs))


urlpatterns = [
    path("step-types/", StepTypes.as_view(), name="step-types"),
    path("workflows/", Workflows.as_view(), name="workflows"),
    path("workflows/check/", WorkflowCheck.as_view(), name="workflow-check"),
    path("workflows/<int:workflow_id>/", WorkflowDetail.as_view(), name="workflow"),
    path("workflows/<int:workflow_id>/versions/", WorkflowVersions.as_view(), name="workflow-versions"),
    path("workflows/<int:workflow_id>/uses/", WorkflowUses.as_view(), name="workflow-uses"),
    path("workflows/<int:workflow_id>/test/", WorkflowTest.as_view(), name="workflow-test"),
]
