"""What a writer believes to be in the cells that it writes: where somebody was faster, nothing is overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tableflow.errors import Conflict, InvalidInput, Problem
from tableflow.tables import types, values
from tableflow.tables.schema import ColumnSpec, Schema

MAX_SHOWN = 200

Expected = Iterable[tuple[str, Mapping[str, Any], Any]]


def check(schema: Schema, cells: Expected) -> None:
    """Conflict, with one problem a cell, unless every stored value is the one expected.

    `cells` are (attr, data as it is stored, the values expected by column key): attr is the name of what is expected
    in messages. Values are compared as their columns hold them, and what is empty is null. InvalidInput names what is
    no object, and unknown columns.
    """
    unknown: list[Problem] = []
    newer: list[Problem] = []
    for attr, data, expected in cells:
        if not isinstance(expected, Mapping):
            unknown.append(Problem("Give what you expect as an object by column key.", attr))
            continue
        unknown += [values.unknown_column(schema, key, f"{attr}.{key}") for key in expected if not schema.column(key)]
        newer += _newer(schema, attr, data, expected)
        if len(unknown) + len(newer) >= values.MAX_PROBLEMS:
            break
    if unknown:
        raise InvalidInput(unknown[: values.MAX_PROBLEMS])
    if newer:
        raise Conflict(newer[: values.MAX_PROBLEMS])


def _newer(schema: Schema, attr: str, data: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in expected.items():
        column = schema.column(key)
        stored = data.get(key)
        if column is not None and not _same(column, stored, value):
            detail = f"Somebody was faster: the value is {_shown(stored)} now. Nothing was written."
            yield Problem(detail, f"{attr}.{key}", "conflict")


def _same(column: ColumnSpec, stored: Any, expected: Any) -> bool:
    """Whether this is what is stored, as it is or as its column would hold it."""
    if types.same(stored, expected):
        return True
    wanted = _coerced(column, expected)
    return types.same(stored, wanted) or (types.is_empty(stored) and types.is_empty(wanted))


def _coerced(column: ColumnSpec, expected: Any) -> Any:
    try:
        return types.coerce(column.type, column.options, expected)
    except types.CannotCoerce:  # then no cell of the column can hold it
        return expected


def _shown(value: Any) -> str:
    if types.is_empty(value):
        return "empty"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
