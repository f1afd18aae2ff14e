"""Which rows an upsert means: those whose values in some columns are the ones given, compared as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from tableflow.errors import InvalidInput
from tableflow.tables import statements, types, values
from tableflow.tables.models import Row
from tableflow.tables.schema import Schema

MAX_COLUMNS = 10


def check_columns(schema: Schema, match_on: Sequence[Any]) -> None:
    """InvalidInput unless these are one to ten columns of the table."""
    if not 1 <= len(match_on) <= MAX_COLUMNS:
        raise InvalidInput.at("match_on", f"Name 1 to {MAX_COLUMNS} columns to match on.")
    problems = [
        values.unknown_column(schema, key, f"match_on.{index}")
        for index, key in enumerate(match_on)
        if not isinstance(key, str) or schema.column(key) is None
    ]
    if problems:
        raise InvalidInput(problems)


def name(row: Mapping[str, Any], match_on: Sequence[str]) -> str:
    """One text for the values that a row is matched by: equal exactly when the values are equal as JSON."""
    return json.dumps([_canonical(row.get(key)) for key in match_on], sort_keys=True)


def check_values(row: Mapping[str, Any], match_on: Sequence[str], attr: str) -> None:
    """InvalidInput where the row has no value in one of the columns: what is empty matches nothing."""
    for key in match_on:
        if types.is_empty(row.get(key)):
            detail = "A row to upsert needs a value in every column of match_on."
            raise InvalidInput.at(f"{attr}.{key}", detail, "required")


def find(table_id: int, match_on: Sequence[str], wanted: Sequence[Mapping[str, Any]]) -> dict[str, Row]:
    """The rows, locked, that match one of the wanted ones, by match name: of several the first in the visible order."""
    sql = statements.read("match_rows").format(values=", ".join(["r.data -> %s::text"] * len(match_on)))
    lists: list[Any] = [Jsonb([row[key] for key in match_on]) for row in wanted]
    with connection.cursor() as cursor:
        cursor.execute(sql, [table_id, *match_on, lists])
        ids = [row_id for (row_id,) in cursor.fetchall()]
    found: dict[str, Row] = {}
    for row in Row.objects.filter(pk__in=ids).order_by("position"):
        found.setdefault(name(row.data, match_on), row)
    return found


def _canonical(value: Any) -> Any:
    """The value with whole floats as integers, as the database compares numbers."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [_canonical(item) for item in value]
        case dict():
            return {key: _canonical(item) for key, item in value.items()}
    return value
