"""Rows over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from cells.filters import compiled
from tableflow.api import access, answers, query, removal, shapes
from tableflow.api.fields import Body, Id, Ids, Object, Texts, Truth, Value
from tableflow.api.idempotency import once
from tableflow.errors import InvalidInput
from tableflow.tables import pages, rows, schema
from tableflow.tables.models import Row, Table
from tableflow.tables.pages import DEFAULT_LIMIT, MAX_LIMIT, MAX_OFFSET

QUERY = [
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
    OpenApiParameter("offset", {"type": "integer", "minimum": 0, "default": 0}),
    OpenApiParameter("after", OpenApiTypes.STR, description="The `next_cursor` of the page before."),
    *query.SHOWN,
]


class RowData(Body):
    """The values of a row."""

    data = Object(help_text="Values by column key.")  # type: ignore[assignment]


class PlacedRow(RowData):
    """The values of one of many new rows, and where it goes when not below the one before it."""

    after_row = Id(
        required=False,
        allow_null=True,
        help_text="It goes below this row of the table, null: at the top; and those that follow it below it.",
    )


class NewRows(Body):
    """One row (`data`) or up to 1,000 (`rows`), and where they go."""

    data = Object(required=False, help_text="Values by column key.")  # type: ignore[assignment]
    rows = PlacedRow(many=True, required=False, max_length=rows.MAX_ROWS)  # type: ignore[call-arg]
    after_row = Id(required=False, allow_null=True, help_text="They go below this row; at the end when absent.")


class RowChanges(RowData):
    """What to change of a row's values."""

    data = Object(help_text="Values by column key; what is absent stays.")
    expected = Object(
        required=False,
        help_text="What you believe to be there, by column key; null is empty. Where it is not, 409 says what is.",
    )


class ChangedRow(RowChanges):
    """A row and what to change of its values."""

    id = Id()


class ChangedRows(Body):
    """Up to 1,000 rows and what to change of their values."""

    rows = ChangedRow(many=True, max_length=rows.MAX_ROWS)  # type: ignore[call-arg]


class DoomedRows(Body):
    """Rows to delete: up to 1,000 ids, or a filter, or all; of these two without those that are left out."""

    rows = Value(required=False)
    filter = Object(required=False)
    all = Truth(required=False, help_text="True: every row of the table.")
    exclude_rows = Ids(required=False, help_text="They stay; with `filter` or `all`.")


class Upsert(Body):
    """Rows to update where they are there, and to make where not."""

    match_on = Texts(help_text="The keys of the columns that tell rows apart.")
    rows = RowData(many=True, max_length=rows.MAX_ROWS)  # type: ignore[call-arg]


class Rows(APIView):
    """The rows of a table."""

    body_of_delete = DoomedRows

    @extend_schema(parameters=QUERY, responses=shapes.RowPage, operation_id="rows_list")
    def get(self, request: Request, table_id: int) -> Response:
        """A page of rows with the states of their cells: in the visible order, or sorted."""
        table = access.table(request, table_id)
        known = schema.load(table.pk)
        page = pages.fetch(
            known,
            limit=query.number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT),
            offset=query.number(request, "offset", 0, 0, MAX_OFFSET),
            after=query.text(request, "after"),
            q=query.condition(request, known),
            sort=query.sort(request),
            search=query.text(request, "search"),
        )
        return Response(_page(request, page, answers.rows(known, page.rows)))

    @extend_schema(request=NewRows, responses={201: shapes.NEW_ROWS})
    @once
    def post(self, request: Request, table_id: int) -> Response:
        """Make a row, or many: at the end, or below another row. All or nothing.

        Of many rows each goes below the one before it. One with an `after_row` of its own goes below that row of the
        table, or (null) to the top, so that rows which were deleted at several places come back in one request. Those
        with the same `after_row` stand in the order given.
        """
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = NewRows.read(request)
        if ("data" in body) == ("rows" in body):
            raise InvalidInput.at("data", "Give either `data` for one row, or `rows` for many.", "required")
        if "data" in body:
            made = rows.insert(table, [body["data"]], after=body.get("after_row"), attr="data")
            return Response(_answer(table, made)[0], status=status.HTTP_201_CREATED)
        afters = {index: row["after_row"] for index, row in enumerate(body["rows"]) if "after_row" in row}
        made = rows.insert(table, [row["data"] for row in body["rows"]], after=body.get("after_row"), afters=afters)
        return Response({"rows": _answer(table, made)}, status=status.HTTP_201_CREATED)

    @extend_schema(request=ChangedRows, responses=shapes.Rows, operation_id="rows_change")
    def patch(self, request: Request, table_id: int) -> Response:
        """Change values of many rows. All or nothing: 409 where a value is not the one that is `expected`."""
        table = access.editable_table(request, table_id)
        named = ChangedRows.read(request)["rows"]
        patches = {row["id"]: row["data"] for row in named}
        if len(patches) < len(named):
            raise InvalidInput.at("rows", "A row is named twice.", "unique")
        believed = {row["id"]: row["expected"] for row in named if "expected" in row}
        return Response({"rows": _answer(table, rows.update(table, patches, believed=believed).rows)})

    @extend_schema(responses={200: shapes.Deleted}, operation_id="rows_delete")
    def delete(self, request: Request, table_id: int) -> Response:
        """Delete rows by id, or those that a filter names, or all, but for some. All or nothing; what runs in them is
        cancelled.
        """
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = DoomedRows.read(request)
        _check_doomed(body)
        if "rows" in body:
            return Response({"deleted": removal.delete_rows(table, body["rows"])})
        condition = compiled(schema.load(table.pk), body["filter"]) if "filter" in body else Q()
        left_out = Q(pk__in=body.get("exclude_rows", ()))
        return Response({"deleted": removal.delete_rows_where(table, condition & ~left_out)})


class RowDetail(APIView):
    """One row."""

    @extend_schema(responses=shapes.Row)
    def get(self, request: Request, table_id: int, row_id: int) -> Response:
        """The row with the states of its cells."""
        table = access.table(request, table_id)
        return Response(_answer(table, [access.row(table, row_id)])[0])

    @extend_schema(request=RowChanges, responses=shapes.Row)
    def patch(self, request: Request, table_id: int, row_id: int) -> Response:
        """Change values; keys that are absent stay as they are, null empties. 409 where a value is not the one that is
        `expected`: then nothing was written, and each error says what the value is now.
        """
        table = access.editable_table(request, table_id)
        row = access.row(table, row_id)
        body = RowChanges.read(request)
        believed = {row.pk: body["expected"]} if "expected" in body else {}
        changes = rows.update(table, {row.pk: body["data"]}, believed=believed, attr="{1}")
        return Response(_answer(table, changes.rows)[0])

    @extend_schema(responses={204: None})
    def delete(self, request: Request, table_id: int, row_id: int) -> Response:
        """Delete the row; what runs in it is cancelled."""
        table = access.editable_table(request, table_id)
        removal.delete_rows(table, [access.row(table, row_id).pk])
        return Response(status=status.HTTP_204_NO_CONTENT)


class RowUpsert(APIView):
    """Rows that are made or changed, whichever they need."""

    @extend_schema(request=Upsert, responses=shapes.Upserts)
    @once
    def post(self, request: Request, table_id: int) -> Response:
        """Update the rows whose values in `match_on` are those given, and make the others. All or nothing."""
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = Upsert.read(request)
        upserts = rows.upsert(table, body["match_on"], [row["data"] for row in body["rows"]])
        answered = _answer(table, [row for row, _ in upserts.results])
        results = [result for _, result in upserts.results]
        return Response(
            {
                "created": results.count("created"),
                "updated": results.count("updated"),
                "rows": [{**row, "result": result} for row, result in zip(answered, results, strict=True)],
            }
        )


def _check_doomed(body: dict[str, Any]) -> None:
    """InvalidInput unless exactly one thing says which rows: what is not named is never taken for everything."""
    ways = [name for name in ("rows", "filter", "all") if name in body and body[name] is not False]
    if not ways:
        raise InvalidInput.at("rows", "Give either `rows`, a list of ids, or `filter`, or `all`.", "required")
    if len(ways) > 1:
        raise InvalidInput.at(ways[1], f"Give either `{ways[0]}` or `{ways[1]}`, not both.", "conflict")
    if ways == ["rows"] and "exclude_rows" in body:
        raise InvalidInput.at("exclude_rows", "With `rows` there is none: leave the ids out of `rows`.", "conflict")


def _answer(table: Table, found: Any) -> list[answers.Answer]:
    return answers.rows(schema.load(table.pk), list[Row](found))


def _page(request: Request, page: pages.Page, results: list[answers.Answer]) -> answers.Answer:
    return {
        "count": page.count,
        "next": _next(request, page),
        "previous": _previous(request),
        "next_cursor": page.next_cursor,
        "results": results,
    }


def _next(request: Request, page: pages.Page) -> str | None:
    """By offset where one was asked for or the rows are sorted; else after the last row, which rows that come or go
    do not upset.
    """
    url = request.build_absolute_uri()
    asked = request.query_params
    if "offset" not in asked and not asked.get("sort"):
        return replace_query_param(url, "after", page.next_cursor) if page.next_cursor else None
    reached = query.number(request, "offset", 0, 0, MAX_OFFSET) + len(page.rows)
    return replace_query_param(url, "offset", reached) if page.rows and reached < page.count else None


def _previous(request: Request) -> str | None:
    offset = query.number(request, "offset", 0, 0, MAX_OFFSET)
    if not offset:
        return None
    before = offset - query.number(request, "limit", DEFAULT_LIMIT, 1, MAX_LIMIT)
    url = request.build_absolute_uri()
    return replace_query_param(url, "offset", before) if before > 0 else remove_query_param(url, "offset")


urlpatterns = [
    path("tables/<int:table_id>/rows/", Rows.as_view(), name="rows"),
    path("tables/<int:table_id>/rows/upsert/", RowUpsert.as_view(), name="row-upsert"),
    path("tables/<int:table_id>/rows/<int:row_id>/", RowDetail.as_view(), name="row"),
]
