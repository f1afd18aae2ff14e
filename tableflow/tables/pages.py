"""Pages of rows: in the visible order or sorted, by offset or after a cursor, filtered and searched."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, OrderBy, Q, QuerySet, When
from django.db.models.functions import Lower

from tableflow.errors import InvalidInput
from tableflow.tables import conditions, filters, types
from tableflow.tables.models import Row, Table
from tableflow.tables.schema import ColumnSpec, Schema

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
MAX_OFFSET = 10**9
MAX_SORTS = 16
MAX_CURSOR_LENGTH = 12_000

_CURSOR = re.compile(r"(\d{1,19}):(-?\d{1,6000}(?:\.\d{1,6000})?)", re.ASCII)


@dataclass(frozen=True)
class Page:
    """Some rows, how many there are in all, and the cursor of what follows (None at the end)."""

    rows: list[Row]
    count: int
    next_cursor: str | None


def fetch(
    schema: Schema,
    *,
    limit: int = DEFAULT_LIMIT,
    offset: int = 0,
    after: str | None = None,
    q: Q | None = None,
    sort: Sequence[str] = (),
    search: str | None = None,
) -> Page:
    """At most `limit` rows, in two queries.

    `q` is a compiled filter. `sort` has keys, `-key` for descending: numbers as numbers, text without regard to case,
    empty cells last either way, ties in the visible order. `after` is a cursor of an earlier page; it stands for a
    place in the visible order, so it stays right while rows come and go, and cannot be had together with `sort` or
    `offset`. InvalidInput names limit, offset, after, sort or search.
    """
    _check(limit, offset, after, sort)
    found = shown(schema, q=q, sort=sort, search=search)
    count = _count(schema, found, is_whole=q is None and not (search and search.strip()))
    if after is not None:
        found = found.filter(position__gt=_position(schema, after))
    page = list(found[offset : offset + limit + 1])
    more = len(page) > limit and not sort
    return Page(page[:limit], count, _cursor(schema, page[limit - 1]) if more else None)


def shown(schema: Schema, *, q: Q | None = None, sort: Sequence[str] = (), search: str | None = None) -> QuerySet[Row]:
    """The rows that these show, in their order; each as in `fetch`. InvalidInput names sort or search."""
    found = Row.objects.filter(table=schema.table_id)
    found = found.filter(q) if q is not None else found
    found = found.filter(search_condition(schema, search)) if search and search.strip() else found
    return found.order_by(*order(schema, sort))


def search_condition(schema: Schema, search: str) -> Q:
    """Some value of a live column contains the text, without regard to case."""
    return filters.any_column(schema, search, "search")


def _check(limit: int, offset: int, after: str | None, sort: Sequence[str]) -> None:
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput.at("limit", f"The limit is 1 to {MAX_LIMIT} rows.")
    if not 0 <= offset <= MAX_OFFSET:
        raise InvalidInput.at("offset", f"The offset is 0 to {MAX_OFFSET}.")
    if after is not None and sort:
        raise InvalidInput.at("after", "`after` cannot be used together with `sort`; page sorted rows with `offset`.")
    if after is not None and offset:
        raise InvalidInput.at("after", "`after` cannot be used together with `offset`; use one of the two.")


def _count(schema: Schema, found: QuerySet[Row], *, is_whole: bool) -> int:
    if is_whole:
        return Table.objects.values_list("row_count", flat=True).filter(pk=schema.table_id).first() or 0
    return found.count()


def sort_keys(sort: str) -> list[str]:
    """The keys of a sort as it is written: with commas, -key for descending."""
    return [key.strip() for key in sort.split(",")] if sort else []


def order(schema: Schema, sort: Sequence[str]) -> list[OrderBy]:
    """By these keys, then in the visible order. InvalidInput names sort."""
    if len(sort) > MAX_SORTS:
        raise InvalidInput.at("sort", f"Sort by at most {MAX_SORTS} columns.")
    wanted: list[OrderBy] = []
    for item in sort:
        column = schema.column(item.removeprefix("-"))
        if column is None:
            known = ", ".join(schema.keys) or "none"
            raise InvalidInput.at("sort", f"There is no column {item.removeprefix('-')!r}. The columns are: {known}.")
        wanted.append(OrderBy(_sort_value(column), descending=item.startswith("-"), nulls_last=True))
    return [*wanted, OrderBy(F("position"))]


def _sort_value(column: ColumnSpec) -> Any:
    """What a column is sorted by; NULL for an empty cell."""
    if column.type in types.NUMERIC_TYPES:
        return Case(When(conditions.has_json_type(column.key, "number"), then=conditions.value_of(column.key)))
    if column.type == "boolean":
        return Case(When(conditions.has_json_type(column.key, "boolean"), then=conditions.value_of(column.key)))
    text = conditions.ordered_text(column)
    bare = text if column.type in ("date", "datetime") else Lower(text)
    return Case(When(~conditions.is_empty(column.key), then=bare))


def _cursor(schema: Schema, row: Row) -> str:
    """An opaque text for the place after the row."""
    plain = f"{schema.table_id}:{row.position:f}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def _position(schema: Schema, cursor: str) -> Decimal:
    """The position that a cursor of this table holds. InvalidInput when it is none."""
    wrong = InvalidInput.at("after", "This is no cursor of this table; start again without `after`.")
    if len(cursor) > MAX_CURSOR_LENGTH:
        raise wrong
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise wrong from error
    found = _CURSOR.fullmatch(plain)
    if found is None or int(found.group(1)) != schema.table_id:
        raise wrong
    return Decimal(found.group(2))
