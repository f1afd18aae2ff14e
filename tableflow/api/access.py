"""Who may see and change what: 404 for what the caller may not see, 403 for what it may see but not change."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from cells import approvals
from cells.models import Approval, Workflow
from cells.workflows import versions
from dispatch.models import Dispatch
from tableflow.errors import NotFound
from tableflow.tables.models import Group, Row, Table


def user(request: Request) -> User:
    """Who asks: views let nobody in who is not somebody."""
    return cast("User", request.user)


def table(request: Request, table_id: int) -> Table:
    """The table, when the caller may see it."""
    found = Table.objects.visible_to(request.user).filter(pk=table_id).first()
    if found is None:
        raise NotFound("There is no such table.")
    return found


def editable_table(request: Request, table_id: int) -> Table:
    """The table, when the caller may change it and run it."""
    found = table(request, table_id)
    if not Table.objects.editable_by(request.user).filter(pk=found.pk).exists():
        raise PermissionDenied("You may look at this table, but not change it.")
    return found


def row(of: Table, row_id: int) -> Row:
    """The row of this table."""
    found = Row.objects.filter(table=of.pk, pk=row_id).first()
    if found is None:
        raise NotFound("There is no such row in this table.")
    return found


def group(of: Table, group_id: int) -> Group:
    """The live workflow column of this table."""
    found = Group.objects.filter(table=of.pk, pk=group_id, deleted_at=None).first()
    if found is None:
        raise NotFound("There is no such workflow column in this table.")
    return found


def workflow(request: Request, workflow_id: int) -> Workflow:
    """The workflow, when the caller may see it: then it may also change it."""
    found = versions.visible_to(request.user).filter(pk=workflow_id).first()
    if found is None:
        raise NotFound("There is no such workflow.")
    return found


def approval(request: Request, approval_id: int) -> Approval:
    """The question of a table that the caller may see."""
    found = approvals.visible_to(user(request)).filter(pk=approval_id).first()
    if found is None:
        raise NotFound("There is no such question.")
    return found


def dispatch(request: Request, dispatch_id: int) -> Dispatch:
    """The dispatch of a table that the caller may see."""
    seen = Dispatch.objects.filter(table__in=Table.objects.visible_to(request.user))
    found = seen.select_related("requested_by").filter(pk=dispatch_id).first()
    if found is None:
        raise NotFound("There is no such dispatch.")
    return found
