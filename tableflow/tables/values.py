"""What people write into rows, checked against the columns: keys that exist, values of their types, sizes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from tableflow.errors import InvalidInput, Problem
from tableflow.tables import types
from tableflow.tables.schema import ColumnSpec, Schema

MAX_PROBLEMS = 100


def checked(schema: Schema, rows: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    """The data of each row as it is stored. `rows` are (attr, data): attr is the name of the data in messages.

    InvalidInput names every unknown column and every value that its column cannot hold, the first hundred of them.
    """
    problems: list[Problem] = []
    found: list[dict[str, Any]] = []
    for attr, data in rows:
        found.append(_row(schema, data, attr, problems))
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise InvalidInput(problems[:MAX_PROBLEMS])
    return found


def check_size(data: Mapping[str, Any], attr: str) -> None:
    """InvalidInput when the whole row is too large to store."""
    size = types.row_bytes(data)
    if size > types.MAX_ROW_BYTES:
        refuse_size(size, attr)


def refuse_size(size: int, attr: str) -> NoReturn:
    """InvalidInput that says how large the row is."""
    detail = f"The row is {size} bytes long; at most {types.MAX_ROW_BYTES} (4 MiB) can be stored."
    raise InvalidInput.at(attr, detail, "too_large")


def _row(schema: Schema, data: Any, attr: str, problems: list[Problem]) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        problems.append(Problem("Give the row's data as an object by column key.", attr))
        return {}
    row: dict[str, Any] = {}
    for key, value in data.items():
        column = schema.column(key)
        if column is None:
            problems.append(unknown_column(schema, key, f"{attr}.{key}"))
            continue
        try:
            row[key] = types.coerce(column.type, column.options, value)
        except types.CannotCoerce as error:
            problems.append(Problem(error.detail, f"{attr}.{key}"))
    return row


def columns_of(schema: Schema, keys: Sequence[str], attr: str = "columns") -> list[ColumnSpec]:
    """The columns of these keys, each once. InvalidInput, by `attr`, names those that there are none of."""
    unknown = [unknown_column(schema, key, attr) for key in keys if schema.column(key) is None]
    if unknown:
        raise InvalidInput(unknown[:MAX_PROBLEMS])
    return [schema.by_key[key] for key in dict.fromkeys(keys)]


def unknown_column(schema: Schema, key: object, attr: str) -> Problem:
    """What to say of a key that no live column has."""
    known = ", ".join(schema.keys) or "none"
    return Problem(f"There is no column {key!r}. The columns are: {known}.", attr, "unknown_column")
