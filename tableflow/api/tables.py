"""Tables over HTTP."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dispatch import cancel
from tableflow.api import access, answers, removal, shapes
from tableflow.api.fields import Body, Object, Text, Truth
from tableflow.api.idempotency import once
from tableflow.api.pagination import Pages, paged
from tableflow.tables import tables
from tableflow.tables.models import ColumnType, Table


class NewColumn(Body):
    """A column to make. Its key is made from its name where none is given, and never changes."""

    name = Text(max_length=128)
    type = serializers.ChoiceField(ColumnType.choices)
    key = Text(required=False, max_length=64)
    options = Object(required=False, help_text="choices (select, multiselect), precision (number), currency.")


class NewTable(Body):
    """A table to make."""

    name = Text(max_length=128)
    description = Text(required=False, allow_blank=True, trim_whitespace=False)
    columns = NewColumn(many=True, required=False)


class TableChanges(Body):
    """What to change of a table."""

    name = Text(required=False, max_length=128)
    description = Text(required=False, allow_blank=True, trim_whitespace=False)
    auto_run = Truth(
        required=False, help_text="Whether the workflow columns whose own `auto_run` is on run by themselves."
    )


class Tables(APIView):
    """The caller's tables."""

    pagination_class = Pages

    @extend_schema(responses=shapes.Table(many=True))
    def get(self, request: Request) -> Response:
        """The tables that you own or are a member of."""
        return paged(request, Table.objects.visible_to(request.user).order_by("pk"), answers.tables)

    @extend_schema(request=NewTable, responses={201: shapes.Table})
    @once
    def post(self, request: Request) -> Response:
        """Make a table with its columns."""
        body: dict[str, Any] = NewTable.read(request)
        made = tables.create(access.user(request), body["name"], body.get("description", ""), body.get("columns", ()))
        made.refresh_from_db()
        return Response(answers.table(made), status=status.HTTP_201_CREATED)


class TableDetail(APIView):
    """One table."""

    @extend_schema(responses=shapes.Table)
    def get(self, request: Request, table_id: int) -> Response:
        """The table with its columns and workflow columns."""
        return Response(answers.table(access.table(request, table_id)))

    @extend_schema(request=TableChanges, responses=shapes.Table)
    def patch(self, request: Request, table_id: int) -> Response:
        """Change its name, description, or whether anything in it runs by itself.

        Turning `auto_run` off cancels what runs, or is about to, by itself in the table; a dispatch that somebody
        asked for goes on. Turning it on starts nothing by itself: rows run that come or change.
        """
        found = access.editable_table(request, table_id)
        body: dict[str, Any] = TableChanges.read(request)
        with transaction.atomic():
            if body.get("auto_run") is False:
                cancel.cancel_automatic(found.pk)
            changed = tables.change(found, body)
        return Response(answers.table(changed))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, table_id: int) -> Response:
        """Delete the table: what runs in it is cancelled, and it is gone for everybody at once."""
        removal.delete_table(access.editable_table(request, table_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("tables/", Tables.as_view(), name="tables"),
    path("tables/<int:table_id>/", TableDetail.as_view(), name="table"),
]
