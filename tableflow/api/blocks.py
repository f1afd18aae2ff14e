"""Blocks of values over HTTP: what is pasted, filled down or cleared."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells.filters import compiled
from tableflow.api import access, shapes
from tableflow.api.fields import Body, Ids, Lines, Object, Text, Texts, Truth, Whole
from tableflow.api.idempotency import once
from tableflow.errors import InvalidInput
from tableflow.tables import blocks, pages, schema
from tableflow.tables.blocks import Block, Stretch
from tableflow.tables.columns import MAX_COLUMNS
from tableflow.tables.models import Table

SHOWN = ("filter", "sort", "search")
OF_STRETCH = ("offset", "limit", *SHOWN)


class NewBlock(Body):
    """Values, and where they go: into these `rows`, or from `offset` on in what filter, sort and search show."""

    columns = Texts(max_length=MAX_COLUMNS, help_text="Keys, each once.")
    values = Lines(help_text="A list a row, one value a column. Fewer lists than rows begin again from the first.")
    rows = Ids(required=False, help_text="The rows, in the order of the values.")
    offset = Whole(required=False, min_value=0, max_value=pages.MAX_OFFSET, help_text="The first row, from 0.")
    limit = Whole(
        required=False, min_value=1, max_value=blocks.MAX_ROWS, help_text="How many rows; as many as values if absent."
    )
    filter = Object(required=False, help_text="As in the list of rows.")
    sort = Text(required=False, allow_blank=True, help_text="As in the list of rows.")
    search = Text(required=False, allow_blank=True, help_text="As in the list of rows.")
    expected = Lines(required=False, help_text="What you believe to be there, as `values`. Where it is not: 409.")
    append = Truth(required=False, default=False, help_text="Values without a row make new rows at the end.")


class TableBlock(APIView):
    """A block of a table's cells."""

    @extend_schema(request=NewBlock, responses=shapes.WrittenBlock)
    @once
    def put(self, request: Request, table_id: int) -> Response:
        """Set the values of up to 10,000 rows and 200,000 cells at once. All or nothing.

        One list of values for many rows fills them all with it; null empties. The answer says what was there before:
        sent as `rows` and `values`, with what was set as `expected`, it takes the block back unless somebody has
        changed it since. With `append` there is no filter, sort or search, and a list of values for every row.
        """
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = NewBlock.read(request)
        block = Block(body["columns"], body["values"], body.get("expected"))
        written = blocks.write(table, block, _target(table, body), append=body["append"])
        return Response(
            {
                "changed": written.changed,
                "created": written.created,
                "before": {"rows": written.rows, "values": written.before},
            }
        )


def _target(table: Table, body: dict[str, Any]) -> list[int] | Stretch:
    """The rows that are named, or a stretch of those that are shown."""
    if ("rows" in body) == ("offset" in body):
        raise InvalidInput.at("rows", "Give either `rows`, a list of ids, or `offset`.", "required")
    if "rows" in body:
        _refuse(body, OF_STRETCH, "With `rows` there is none: these are the rows, in this order.")
        return list(body["rows"])
    if body["append"]:
        _refuse(body, SHOWN, "Only the whole table in its own order can be appended to; leave it out.")
    known = schema.load(table.pk)
    q = compiled(known, body["filter"]) if "filter" in body else None
    sort, search = pages.sort_keys(body.get("sort", "")), body.get("search")
    return Stretch(pages.shown(known, q=q, sort=sort, search=search), body["offset"], body.get("limit"))


def _refuse(body: dict[str, Any], names: tuple[str, ...], detail: str) -> None:
    for name in names:
        if body.get(name) not in (None, ""):
            raise InvalidInput.at(name, detail, "conflict")


urlpatterns = [path("tables/<int:table_id>/block/", TableBlock.as_view(), name="table-block")]
