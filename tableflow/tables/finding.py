"""Finding a text in what is shown: which rows have it, where they stand there, and in which columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, Window
from django.db.models.functions import RowNumber

from tableflow.tables import conditions, filters, pages, statements
from tableflow.tables.schema import Schema

MAX_MATCHES = 1000


@dataclass(frozen=True)
class Match:
    """A row in which the text occurs, its place in what is shown (from 0), and the keys of the columns where."""

    row: int
    offset: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """The first 1,000 rows that have the text, and whether these are all."""

    matches: tuple[Match, ...]
    is_all: bool


def find(
    schema: Schema, text: str, *, q: Q | None = None, sort: Sequence[str] = (), search: str | None = None
) -> Found:
    """The rows of what is shown (as pages.shown) in which some value has the text, as `search` has it; in one query.

    InvalidInput names q (the text), sort or search.
    """
    try:
        sql, params = statement(schema, text, q=q, sort=sort, search=search)
    except EmptyResultSet:
        return Found((), is_all=True)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchall()
    matches = (Match(row, offset, tuple(k for k in schema.keys if k in keys)) for row, offset, keys in found)
    return Found(tuple(matches)[:MAX_MATCHES], is_all=len(found) <= MAX_MATCHES)


def statement(
    schema: Schema, text: str, *, q: Q | None = None, sort: Sequence[str] = (), search: str | None = None
) -> tuple[str, list[Any]]:
    """The query of `find` with its parameters. EmptyResultSet when nothing can be shown."""
    wanted = filters.searched(text, "q")
    shown = pages.shown(schema, q=q, sort=sort, search=search)
    hits = shown.filter(conditions.any_value_contains(schema.keys, wanted))[: MAX_MATCHES + 1]
    places = shown.order_by().annotate(place=Window(RowNumber(), order_by=pages.order(schema, sort)) - 1)
    hits_sql, hits_params = hits.values("id").query.sql_with_params()
    shown_sql, shown_params = places.values("id", "place").query.sql_with_params()
    sql = statements.read("find_text").format(hits=hits_sql, shown=shown_sql)
    return sql, [*hits_params, *shown_params, list(schema.keys), f"%{conditions.escaped(wanted)}%"]
