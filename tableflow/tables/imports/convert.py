"""Fields or cells of a record to the JSON that a row stores, at the speed of COPY; or the reason why not."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import orjson

from tableflow.tables import types
from tableflow.tables.imports.plan import Plan
from tableflow.tables.imports.rejected import Rejected
from tableflow.tables.schema import ColumnSpec

Convert = Callable[[int, Any], bytes | Rejected]
Coerce = Callable[[str], Any]
Value = Coerce | None  # None: the text as it is

_MAX_REMEMBERED = 20_000
_MAX_REMEMBERED_CHARS = 40

# What coercion would keep as it is or read the same way; a test compares the two.
_PLAIN_DECIMAL = re.compile(r"-?\d{1,15}\.\d{1,20}", re.ASCII)
_PLAIN_EMAIL = re.compile(
    r"[a-z0-9_+-]{1,32}(?:\.[a-z0-9_+-]{1,32})?@(?:[a-z0-9]{1,32}\.){1,4}[a-z]{2,16}", re.IGNORECASE | re.ASCII
)
_PLAIN_URL = re.compile(r"https?://(?:[a-z0-9-]{1,60}\.){1,5}[a-z]{2,16}(?:/[!-Z^-z]{0,500})?", re.ASCII)


def converter(plan: Plan, columns: Mapping[str, ColumnSpec]) -> Convert:
    """The function (line, fields, cells or object) → the row's data as JSON, or Rejected. `columns` are by key.

    Missing and empty values are left out of the data. Fields beyond the header reject the line unless they are
    all empty; so does an object's field that the header (the fields of the first objects) does not name.
    """
    values = {key: _value_of(columns[key]) for _, key in plan.fields if key is not None}
    if plan.sheet is not None:
        return _cells_converter(plan, values, columns)
    if plan.delimiter is None:
        return _object_converter(dict(plan.fields), values, columns)
    return _fields_converter(plan, values)


def _fields_converter(plan: Plan, values: Mapping[str, Value]) -> Convert:
    width = len(plan.fields)
    taken = [(index, key, values[key]) for index, (_, key) in enumerate(plan.fields) if key is not None]

    def convert(line: int, fields: Sequence[str]) -> bytes | Rejected:
        data: dict[str, Any] = {}
        key = None
        if len(fields) != width:
            if len(fields) > width and any(fields[width:]):
                return Rejected(line, f"The line has {len(fields)} fields; the header has {width}.")
            fields = [*fields, *[""] * (width - len(fields))]
        try:
            for index, key, value in taken:
                raw = fields[index]
                if raw and not raw.isspace():
                    data[key] = raw if value is None else value(raw)
        except types.CannotCoerce as error:
            return Rejected(line, error.detail, key)
        return _stored(line, data)

    return convert


def _cells_converter(plan: Plan, values: Mapping[str, Value], columns: Mapping[str, ColumnSpec]) -> Convert:
    width = len(plan.fields)
    taken = [(index, columns[key], values[key]) for index, (_, key) in enumerate(plan.fields) if key is not None]

    def convert(line: int, cells: Sequence[Any]) -> bytes | Rejected:
        data: dict[str, Any] = {}
        key = None
        if len(cells) > width:
            return Rejected(line, f"The row has a value in column {len(cells)}; the header has {width} columns.")
        try:
            for index, column, value in taken:
                if index < len(cells) and (raw := cells[index]) is not None:
                    key = column.key
                    data[key] = _object_value(column, value, _fit_for(column, raw))
        except types.CannotCoerce as error:
            return Rejected(line, error.detail, key)
        return _stored(line, {key: value for key, value in data.items() if value is not None})

    return convert


def _fit_for(column: ColumnSpec, raw: Any) -> Any:
    """Days and moments are texts to columns that hold neither."""
    is_day = isinstance(raw, dt.date) and column.type not in ("date", "datetime")
    return str(types.plain(raw)) if is_day else raw


def _object_converter(
    keys: Mapping[str, str | None], values: Mapping[str, Value], columns: Mapping[str, ColumnSpec]
) -> Convert:
    def convert(line: int, record: Mapping[str, Any]) -> bytes | Rejected:
        data: dict[str, Any] = {}
        key = None
        try:
            for name, raw in record.items():
                key = keys.get(name, "")
                if key == "":
                    return Rejected(line, f"No column was made for the field {name[:100]!r}; add one and map it.")
                if key is not None and raw is not None:
                    data[key] = _object_value(columns[key], values[key], raw)
        except types.CannotCoerce as error:
            return Rejected(line, error.detail, key)
        return _stored(line, {key: value for key, value in data.items() if value is not None})

    return convert


def _object_value(column: ColumnSpec, value: Value, raw: Any) -> Any:
    if not isinstance(raw, str):
        return types.coerce(column.type, column.options, raw)
    if not raw or raw.isspace():
        return None
    return raw if value is None else value(raw)


def _stored(line: int, data: dict[str, Any]) -> bytes | Rejected:
    """The data as JSON text, when jsonb can hold it."""
    try:
        text = orjson.dumps(data)
    except TypeError:
        return _stored_slowly(line, data)
    if len(text) > types.MAX_VALUE_BYTES or b"\\u0000" in text:
        return _stored_slowly(line, data)
    return text


def _stored_slowly(line: int, data: dict[str, Any]) -> bytes | Rejected:
    """The same with every value looked at: for odd characters, long rows and integers beyond 64 bits."""
    for key, value in data.items():
        try:
            types.plain(value)
        except types.CannotCoerce as error:
            half = "half of a surrogate" in error.detail
            return Rejected(
                line, "There are bytes here that are not of the file's encoding." if half else error.detail, key
            )
    size = types.row_bytes(data)
    if size > types.MAX_ROW_BYTES:
        return Rejected(line, f"The row is {size:,} bytes long; at most {types.MAX_ROW_BYTES:,} can be stored.")
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _value_of(column: ColumnSpec) -> Value:
    """A quick `types.coerce` of texts that are not blank: the common spellings at once, the others by coercion."""
    coerce = partial(types.coerce, column.type, column.options)
    match column.type:
        case "text":
            # What is wrong with a text is found when the whole row is written (_stored).
            return None
        case "number":
            return _number_of(coerce)
        case "email":
            return _unless_plain(_PLAIN_EMAIL, coerce)
        case "url":
            return _unless_plain(_PLAIN_URL, coerce)
        case "boolean" | "date" | "select":
            return _Remembering(coerce).value
    return coerce


def _number_of(coerce: Coerce) -> Coerce:
    plain_decimal = _PLAIN_DECIMAL.fullmatch

    def value(raw: str) -> Any:
        if raw.isdecimal() and raw.isascii() and len(raw) < 16:
            return int(raw)
        return float(raw) if plain_decimal(raw) else coerce(raw)

    return value


def _unless_plain(plain: re.Pattern[str], coerce: Coerce) -> Coerce:
    is_plain = plain.fullmatch
    return lambda raw: raw if is_plain(raw) else coerce(raw)


class _Remembering:
    """Coercion of short texts, remembered: such columns repeat their values. Bounded."""

    def __init__(self, coerce: Coerce) -> None:
        self._coerce = coerce
        self._known: dict[str, Any] = {}

    def value(self, raw: str) -> Any:
        found = self._known.get(raw)
        if found is None:
            found = self._coerce(raw)
            if len(raw) <= _MAX_REMEMBERED_CHARS and len(self._known) < _MAX_REMEMBERED:
                self._known[raw] = found
        return found
