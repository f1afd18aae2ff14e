"""Columns over HTTP."""

from __future__ import annotations

from dataclasses import asdict

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells import binding
from tableflow.api import access, answers, removal, shapes
from tableflow.api.fields import Body, Object, Text, Texts
from tableflow.api.idempotency import once
from tableflow.api.query import flag
from tableflow.api.tables import NewColumn
from tableflow.errors import InvalidInput
from tableflow.tables import columns, restoring, schema
from tableflow.tables.models import ColumnType


class ColumnChanges(Body):
    """What to change of a column."""

    name = Text(required=False, max_length=128)
    type = serializers.ChoiceField(ColumnType.choices, required=False)
    options = Object(required=False)


class ColumnKeys(Body):
    """All column keys in their new order."""

    columns = Texts()


class Columns(APIView):
    """The columns of a table."""

    @extend_schema(request=NewColumn, responses={201: shapes.Column})
    @once
    def post(self, request: Request, table_id: int) -> Response:
        """Add a column at the right end."""
        table = access.editable_table(request, table_id)
        made = columns.create(table, NewColumn.read(request))
        return Response(answers.column(schema.column_spec(made)), status=status.HTTP_201_CREATED)


class ColumnDetail(APIView):
    """One column, addressed by its key."""

    @extend_schema(
        request=ColumnChanges,
        parameters=[OpenApiParameter("dry_run", OpenApiTypes.BOOL, description="Only say what would be lost.")],
        responses=shapes.ChangedColumn,
    )
    def patch(self, request: Request, table_id: int, key: str) -> Response:
        """Change its name, options or type. Values that the new type cannot hold become null, and are listed."""
        table = access.editable_table(request, table_id)
        dry_run = flag(request, "dry_run")
        changed = columns.change(table, key, ColumnChanges.read(request), dry_run=dry_run)
        return Response(answers.changed_column(changed, dry_run=dry_run))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, table_id: int, key: str) -> Response:
        """Delete the column and its values; it can be restored for a while. 409 when a workflow column has it as an
        input, or in a template.
        """
        table = access.editable_table(request, table_id)
        if flag(request, "dry_run"):
            raise InvalidInput.at("dry_run", "Only a change of type can be tried first; nothing was deleted.")
        removal.delete_column(table, key)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ColumnRestore(APIView):
    """A deleted column."""

    @extend_schema(request=None, responses=shapes.Column)
    @once
    def post(self, request: Request, table_id: int, key: str) -> Response:
        """Take back its deletion: it has its values, its place, and its part in workflow columns again, where these
        still stand as they did. For half an hour at least; then 409 while its values are being removed, and 404.
        """
        table = access.editable_table(request, table_id)
        return Response(answers.column(restoring.restore(table, key, binding.row_keys, binding.gives)))


class ColumnOrder(APIView):
    """The order of the columns."""

    @extend_schema(request=ColumnKeys, responses=shapes.ColumnOrder)
    def put(self, request: Request, table_id: int) -> Response:
        """Put the columns into this order. Dependencies that would now point right are dropped, and listed."""
        table = access.editable_table(request, table_id)
        dropped = columns.reorder(table, ColumnKeys.read(request)["columns"], binding.row_keys)
        known = schema.load(table.pk)
        return Response(
            {
                "columns": [answers.column(spec) for spec in known.columns],
                "dropped": [asdict(dependency) for dependency in dropped],
            }
        )


urlpatterns = [
    path("tables/<int:table_id>/columns/", Columns.as_view(), name="columns"),
    path("tables/<int:table_id>/columns/<str:key>/", ColumnDetail.as_view(), name="column"),
    path("tables/<int:table_id>/columns/<str:key>/restore/", ColumnRestore.as_view(), name="column-restore"),
    path("tables/<int:table_id>/column-order/", ColumnOrder.as_view(), name="column-order"),
]
