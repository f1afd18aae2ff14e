"""The questions that wait for a person, and those that were answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import render

from cells import approvals
from cells.models import Approval
from tableflow.grid import values
from tableflow.grid.access import SignedIn, page
from tableflow.grid.paging import paging
from tableflow.grid.questions import Field, form
from tableflow.tables.models import Column, Group, Row, Table

PAGE_QUESTIONS = 50


@dataclass(frozen=True)
class Question:
    """A question as it is shown: what it is about, its form where the user may answer, the answer as JSON."""

    approval: Approval
    table: str
    group: str
    about: str
    may_answer: bool
    form: tuple[Field, ...]
    answer: str

    @property
    def is_open(self) -> bool:
        """Whether somebody is still to answer."""
        return self.approval.status == Approval.Status.OPEN


@page
def open_ones(request: SignedIn) -> HttpResponse:
    """What waits for an answer, the oldest first."""
    return _listing(request, "open")


@page
def answered(request: SignedIn) -> HttpResponse:
    """What was answered, the newest first."""
    return _listing(request, "answered")


def question(user: User, approval_id: int) -> Question | None:
    """One question that the user may see; None when there is none."""
    found = approvals.visible_to(user).filter(pk=approval_id)
    return next(iter(_questions(user, list(found))), None)


def _listing(request: SignedIn, status: str) -> HttpResponse:
    found = approvals.listing(request.user, status)
    pages = paging(request.GET.get("page", ""), size=PAGE_QUESTIONS, count=found.count())
    asked = _questions(request.user, list(found[pages.offset : pages.offset + pages.size]))
    context = {"questions": asked, "paging": pages, "status": status, "section": "approvals"}
    return render(request, "grid/approvals.html", context)


def _questions(user: User, asked: Sequence[Approval]) -> list[Question]:
    tables = dict(Table.objects.filter(pk__in={a.table_id for a in asked}).values_list("pk", "name"))
    groups = dict(Group.objects.filter(pk__in={a.group_id for a in asked}).values_list("pk", "name"))
    about = _about(asked)
    answerable = approvals.answerable(user, asked)
    return [
        Question(
            approval,
            tables.get(approval.table_id, ""),
            groups.get(approval.group_id, ""),
            about.get(approval.row_id, ""),
            approval.pk in answerable,
            form(approval.fields),
            json.dumps(approval.answer, indent=2, ensure_ascii=False) if approval.answer else "",
        )
        for approval in asked
    ]


def _about(asked: Sequence[Approval]) -> dict[int, str]:
    """What each row is, by the first column of its table."""
    columns = Column.objects.filter(table__in={a.table_id for a in asked}, deleted_at=None)
    first = {column.table_id: column for column in columns.order_by("-position", "-pk")}
    found = {}
    for row in Row.objects.filter(pk__in={a.row_id for a in asked}).only("pk", "table_id", "data"):
        column = first.get(row.table_id)
        if column is not None:
            shown = values.shown(column.type, column.options, row.data.get(column.key))
            found[row.pk] = shown.text or ", ".join(shown.tags)
    return found
