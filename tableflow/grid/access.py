"""What every page asks first: who is there, and what that user may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from tableflow.errors import NotFound
from tableflow.tables import schema as schemas
from tableflow.tables.models import Row, Table
from tableflow.tables.schema import GroupSpec, Schema

P = ParamSpec("P")

# Whatever has no more digits fits a bigint.
MOST_DIGITS = 18
POLICY = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Cell:
    """A cell of a workflow column, with what it is in."""

    table: Table
    schema: Schema
    row: Row
    group: GroupSpec


class SignedIn(HttpRequest):
    """A request of somebody who has logged in."""

    user: User


def page(
    view: Callable[Concatenate[SignedIn, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A page for people who have logged in, that runs nothing but the project's own scripts and is not cached."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return strict(view(request, *args, **kwargs))  # type: ignore[arg-type]  # login_required has seen to it
        except NotFound as error:
            raise Http404(str(error)) from error  # deleted since it was looked for

    return require_safe(login_required(cache_control(private=True, no_cache=True)(guarded)))


def strict(response: HttpResponse) -> HttpResponse:
    """The answer with the content security policy of the pages."""
    response["Content-Security-Policy"] = POLICY
    return response


def visible_table(request: SignedIn, table_id: int) -> Table:
    """The table, or a 404 where the user may not see it."""
    return get_object_or_404(Table.objects.visible_to(request.user), pk=table_id)


def visible_row(table: Table, row_id: int) -> Row:
    """The row of the table, or a 404 where it has gone."""
    return get_object_or_404(Row, pk=row_id, table=table)


def visible_cell(request: SignedIn, table_id: int, row_id: int, group_id: int) -> Cell:
    """The cell, or a 404 where its table is none that the user may see, or its row or workflow column has gone."""
    table = visible_table(request, table_id)
    row = visible_row(table, row_id)
    schema = schemas.load(table.pk)
    group = schema.group(group_id)
    if group is None:
        raise Http404("There is no such workflow column.")
    return Cell(table, schema, row, group)


def asked_id(request: HttpRequest, name: str) -> int | None:
    """The id that the address gives as `?name=`; None when that is no number, a 404 when no id has so many digits."""
    wanted = request.GET.get(name, "")
    if not wanted.isdecimal():
        return None
    if len(wanted) > MOST_DIGITS:
        raise Http404
    return int(wanted)


def may_edit(request: SignedIn, table: Table) -> bool:
    """Whether the user may change the table."""
    return Table.objects.editable_by(request.user).filter(pk=table.pk).exists()
