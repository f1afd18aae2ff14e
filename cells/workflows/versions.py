"""Workflows and their versions: written here only. A version never changes; every change makes the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from django.db import transaction
from django.db.models import F, QuerySet

from cells.models import Workflow, WorkflowVersion
from cells.workflows import definition
from tableflow.errors import InvalidInput, NotFound, Problem
from tableflow.live import marks
from tableflow.tables.models import Group, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

NAME_LIMIT = 128
DRAFT = ("name", "inputs", "steps", "outputs")


class Viewer(Protocol):
    """Whoever asks; a superuser sees everything."""

    pk: Any


def visible_to(user: Viewer) -> QuerySet[Workflow]:
    """The workflows that the user owns; a superuser sees all."""
    if getattr(user, "is_superuser", False):
        return Workflow.objects.all()
    return Workflow.objects.filter(owner=user.pk)


def create(
    owner: User, name: str, inputs: Sequence[str], steps: Sequence[Mapping[str, Any]], outputs: Mapping[str, str]
) -> Workflow:
    """A new workflow with its version 1. Raises InvalidInput with everything that is wrong."""
    _check(name, inputs, steps, outputs)
    with transaction.atomic():
        workflow = Workflow.objects.create(name=name.strip(), owner=owner)
        _add(workflow, 1, owner, inputs, steps, outputs)
    return workflow


def change(
    workflow: Workflow,
    *,
    user: User,
    name: str | None = None,
    inputs: Sequence[str] | None = None,
    steps: Sequence[Mapping[str, Any]] | None = None,
    outputs: Mapping[str, str] | None = None,
) -> Workflow:
    """The workflow with what is given put in place of what was; None leaves a part as it is.

    A new version is made only when the inputs, steps or outputs differ: a new name is none. Changes of one workflow
    come one after the other, by a lock on its row. Raises InvalidInput, and NotFound when it was deleted meanwhile.
    """
    with transaction.atomic():
        locked = Workflow.objects.select_for_update().filter(pk=workflow.pk).first()
        if locked is None:
            raise NotFound("The workflow was deleted.")
        last = WorkflowVersion.objects.get(workflow=locked, number=locked.version)
        inputs = last.inputs if inputs is None else inputs
        steps = last.steps if steps is None else steps
        outputs = last.outputs if outputs is None else outputs
        _check(locked.name if name is None else name, inputs, steps, outputs)
        if name is not None:
            locked.name = name.strip()
        if (inputs, steps, outputs) != (last.inputs, last.steps, last.outputs):
            locked.version += 1
            _add(locked, locked.version, user, inputs, steps, outputs)
            _mark_cells(locked.pk)
        locked.save(update_fields=["name", "version", "updated_at"])
        _mark_schemas(locked.pk)
    return locked


def delete(workflow: Workflow) -> None:
    """Delete the workflow and its versions. Workflow columns that use it stay, and say so when they run."""
    with transaction.atomic():
        _mark_cells(workflow.pk)
        _mark_schemas(workflow.pk)
        workflow.delete()


def newest(workflow_id: int) -> WorkflowVersion | None:
    """The newest version; None when the workflow was deleted."""
    return WorkflowVersion.objects.filter(workflow=workflow_id, number=F("workflow__version")).first()


def listing(workflow: Workflow) -> QuerySet[WorkflowVersion]:
    """Every version, the newest first."""
    return WorkflowVersion.objects.filter(workflow=workflow).select_related("created_by")


def draft_problems(draft: Mapping[str, Any]) -> list[Problem]:
    """Everything for which a workflow `{name?, inputs?, steps, outputs?}` would be refused. Without a name it is only
    not to be kept.
    """
    unknown = [
        Problem(f"A workflow has no {key!r}; it has {', '.join(DRAFT)}.", key, "unknown_field")
        for key in draft
        if key not in DRAFT
    ]
    if "steps" not in draft:
        unknown.append(Problem("A workflow needs steps.", "steps", "required"))
    named = _name_problems(draft["name"]) if draft.get("name") is not None else []
    found = definition.problems(draft.get("inputs", []), draft.get("steps", []), draft.get("outputs", {}))
    return [*unknown, *named, *found]


def unsaved(draft: Mapping[str, Any]) -> WorkflowVersion:
    """A draft as a version that is in no database; a part of it that cannot be used is empty."""
    inputs, steps, outputs = draft.get("inputs"), draft.get("steps"), draft.get("outputs")
    return WorkflowVersion(
        inputs=[name for name in inputs if isinstance(name, str)] if isinstance(inputs, list) else [],
        steps=steps if isinstance(steps, list) else [],
        outputs=outputs if isinstance(outputs, dict) else {},
    )


def uses(workflow: Workflow, user: User) -> QuerySet[Group]:
    """The workflow columns that use it, in the tables that the user may see, each with its table."""
    seen = Table.objects.visible_to(user)
    return Group.objects.filter(workflow_id=workflow.pk, deleted_at=None, table__in=seen).select_related("table")


def _add(
    workflow: Workflow,
    number: int,
    user: User,
    inputs: Sequence[str],
    steps: Sequence[Mapping[str, Any]],
    outputs: Mapping[str, str],
) -> None:
    WorkflowVersion.objects.create(
        workflow=workflow, number=number, inputs=inputs, steps=steps, outputs=outputs, created_by=user
    )


def _mark_cells(workflow_id: int) -> None:
    """What its cells show is stale from now on."""
    for table_id in _tables(workflow_id):
        marks.cells(table_id, None, {})


def _mark_schemas(workflow_id: int) -> None:
    """Workflow columns are shown with their workflow's name and version."""
    for table_id in _tables(workflow_id):
        marks.schema(table_id)


def _tables(workflow_id: int) -> QuerySet[Group, int]:
    """The ids of the tables that use it."""
    groups = Group.objects.filter(workflow_id=workflow_id, deleted_at=None)
    return groups.order_by().values_list("table_id", flat=True).distinct()


def _check(name: Any, inputs: Any, steps: Any, outputs: Any) -> None:
    problems = [*_name_problems(name), *definition.problems(inputs, steps, outputs)]
    if problems:
        raise InvalidInput(problems)


def _name_problems(name: Any) -> list[Problem]:
    if not isinstance(name, str) or not name.strip() or len(name.strip()) > NAME_LIMIT or "\0" in name:
        return [Problem(f"The name is a text of 1 to {NAME_LIMIT} characters.", "name")]
    return []
