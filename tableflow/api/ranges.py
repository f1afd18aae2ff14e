"""Ranges of a table over HTTP: the ids of their rows, and their values as text."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tableflow.api import access, query, shapes
from tableflow.api.exports import streamed
from tableflow.api.negotiation import JsonAnyway
from tableflow.errors import InvalidInput
from tableflow.tables import ranges, schema, values
from tableflow.tables.pages import MAX_OFFSET
from tableflow.tables.ranges import MAX_ROWS

MEDIA_TYPE = "text/tab-separated-values"

PLACE = [
    OpenApiParameter("offset", {"type": "integer", "minimum": 0, "default": 0}, description="The first row, from 0."),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_ROWS, "default": MAX_ROWS}),
    *query.SHOWN,
]


class TableRange(APIView):
    """A range of a table as text."""

    content_negotiation_class = JsonAnyway

    @extend_schema(parameters=[query.COLUMNS, *PLACE], responses={(200, MEDIA_TYPE): OpenApiTypes.STR})
    def get(self, request: Request, table_id: int) -> StreamingHttpResponse:
        """The values of so many rows from a place on in what filter, sort and search show: a line a row, a tab between
        two cells, as spreadsheets copy and paste. A cell with a tab, a line's end or a quote stands in quotes, and
        quotes in it are doubled.

        Unlike an export it has no header and leaves formulas as they are. For more than 50,000 rows take an export.
        """
        known = schema.load(access.table(request, table_id).pk)
        columns = values.columns_of(known, query.columns(request) or known.keys)
        return streamed(request, ranges.text(_ids(request, known), columns), f"{MEDIA_TYPE}; charset=utf-8")


class TableRowIds(APIView):
    """The rows of a range."""

    @extend_schema(parameters=PLACE, responses=shapes.RowIds)
    def get(self, request: Request, table_id: int) -> Response:
        """The ids of so many rows from a place on in what filter, sort and search show."""
        known = schema.load(access.table(request, table_id).pk)
        return Response({"ids": _ids(request, known)})


def _ids(request: Request, known: schema.Schema) -> list[int]:
    """The rows that are asked for. InvalidInput when they are more than 50,000."""
    offset = query.number(request, "offset", 0, 0, MAX_OFFSET)
    given = query.text(request, "limit")
    if given is not None and given.isascii() and given.isdigit() and len(given) < 20 and int(given) > MAX_ROWS:
        raise _too_many()
    limit = query.number(request, "limit", MAX_ROWS, 1, MAX_ROWS)
    found = ranges.ids(query.shown(request, known), offset, limit + (given is None))
    if len(found) > MAX_ROWS:
        raise _too_many()
    return found


def _too_many() -> InvalidInput:
    detail = f"At most {MAX_ROWS:,} rows can be had at once. For more take an export, or several ranges."
    return InvalidInput.at("limit", detail, "too_many")


urlpatterns = [
    path("tables/<int:table_id>/range/", TableRange.as_view(), name="table-range"),
    path("tables/<int:table_id>/row-ids/", TableRowIds.as_view(), name="table-row-ids"),
]
