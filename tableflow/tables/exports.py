"""Tables to files: csv, jsonl and xlsx, row by row in the visible order, in bounded memory.

Spreadsheets run what looks like a formula. In csv such text gets an apostrophe in front; in xlsx it is a cell of
text that stays text when it is edited. Numbers are numbers, so -5 is left alone. An export is no snapshot: rows that
change meanwhile are written as they are when their turn comes, none twice.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any

import xlsxwriter  # type: ignore[import-untyped]
from django.db.models import Q, QuerySet

from tableflow.errors import InvalidInput
from tableflow.tables import batches, pages, values
from tableflow.tables.batches import Batch
from tableflow.tables.models import Row
from tableflow.tables.schema import ColumnSpec, Schema

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_NUMBER = re.compile(r"[+-]?\d[\d .,]*", re.ASCII)

FILE_BLOCK_BYTES = 256 * 1024

SHEET_ROWS = 1_048_575  # below the header
SHEET_CELL_CHARS = 32_767
SHEET_EXACT_INTEGER = 10**15
_CUT = " … (cut: a cell holds 32,767 characters)"


def stream(
    format_: str,
    schema: Schema,
    q: Q | None = None,
    *,
    sort: Sequence[str] = (),
    search: str | None = None,
    keys: Sequence[str] = (),
) -> Iterator[bytes]:
    """The table as a file of that format (csv, jsonl, xlsx), in blocks; the rows and their order as in pages.shown.

    `keys` are the columns, in their order; all of them when there are none. InvalidInput, before the first block, names
    sort, search or columns, or the format when an xlsx sheet could not hold the rows.
    """
    rows = _Rows(pages.shown(schema, q=q, sort=sort, search=search), is_sorted=bool(sort))
    chosen = replace(schema, columns=tuple(values.columns_of(schema, keys))) if keys else schema
    if format_ == "xlsx":
        return _blocks_of(_workbook(chosen, rows))
    return {"csv": _csv, "jsonl": _jsonl}[format_](chosen, rows)


class _Rows:
    """The rows to write, each once, a few at a time."""

    def __init__(self, found: QuerySet[Row], *, is_sorted: bool) -> None:
        self._found = found
        self._is_sorted = is_sorted

    def are_more_than(self, most: int) -> bool:
        """Whether there are more than that now."""
        return self._found.order_by()[: most + 1].count() > most

    def batches(self) -> Iterator[Batch]:
        """The data of the rows in their order."""
        if not self._is_sorted:
            return batches.by_position(self._found)
        # In an order that no index has: the ids are read at once, 8 bytes each.
        return batches.of(array("q", self._found.values_list("pk", flat=True).iterator()))


def _csv(schema: Schema, rows: _Rows) -> Iterator[bytes]:
    yield _csv_text([[neutral(column.name) for column in schema.columns]])
    for batch in rows.batches():
        yield _csv_text([[_csv_cell(row.get(column.key)) for column in schema.columns] for row in batch])


def _csv_text(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _csv_cell(value: Any) -> str:
    """Text, and lists that are written as text, are made neutral; numbers are not text."""
    return neutral(plain_text(value)) if isinstance(value, str | list) else plain_text(value)


def neutral(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def neutral_unless_number(text: str) -> str:
    """The same for texts that stand for numbers, too: those are left alone."""
    return text if _NUMBER.fullmatch(text) else neutral(text)


def plain_text(value: Any) -> str:
    """The value as one text that an import turns back into it: nothing for null, a list of texts by commas."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) and "," not in item for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _jsonl(schema: Schema, rows: _Rows) -> Iterator[bytes]:
    """An object by column name a line; the key where two columns have the same name."""
    names = _names(schema)
    for batch in rows.batches():
        lines = (json.dumps({name: row.get(key) for key, name in names.items()}, ensure_ascii=False) for row in batch)
        yield "".join(f"{line}\n" for line in lines).encode()


def _names(schema: Schema) -> dict[str, str]:
    every = [column.name for column in schema.columns]
    return {column.key: column.name if every.count(column.name) == 1 else column.key for column in schema.columns}


def _workbook(schema: Schema, rows: _Rows) -> IO[bytes]:
    """The rows as one sheet in a temporary file, written row by row."""
    if rows.are_more_than(SHEET_ROWS):
        raise InvalidInput.at("format", f"An xlsx sheet holds {SHEET_ROWS:,} rows; these are more. Use csv or jsonl.")
    file = tempfile.TemporaryFile()  # noqa: SIM115  (the response closes it)
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    sheet = _Sheet(book, schema)
    for batch in rows.batches():
        for row in batch:
            sheet.write(row)
    book.close()
    return file


class _Sheet:
    """One sheet under way: the header is written at once, then row after row."""

    def __init__(self, book: Any, schema: Schema) -> None:
        self._sheet = book.add_worksheet()
        self._columns = schema.columns
        self._text_stays = book.add_format({"quote_prefix": True})
        self._dates = {
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "datetime": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        self._line = 0
        for place, column in enumerate(schema.columns):
            self._text(place, column.name)

    def write(self, row: Mapping[str, Any]) -> None:
        """Write the row's data on the next line."""
        self._line += 1
        for place, column in enumerate(self._columns):
            if (value := row.get(column.key)) is not None:
                self._cell(place, column, value)

    def _cell(self, place: int, column: ColumnSpec, value: Any) -> None:
        if isinstance(value, bool):
            self._sheet.write_boolean(self._line, place, value)
        elif isinstance(value, int | float) and abs(value) < SHEET_EXACT_INTEGER:
            self._sheet.write_number(self._line, place, value)
        elif (moment := _moment(column.type, value)) is not None:
            self._sheet.write_datetime(self._line, place, moment, self._dates[column.type])
        else:
            self._text(place, plain_text(value))

    def _text(self, place: int, text: str) -> None:
        if len(text) > SHEET_CELL_CHARS:
            text = text[: SHEET_CELL_CHARS - len(_CUT)] + _CUT
        self._sheet.write_string(self._line, place, text, self._text_stays if text.startswith(FORMULA_STARTS) else None)


def _moment(type_: str, value: Any) -> dt.datetime | None:
    """The value as a date of a spreadsheet; None when it is none, or before 1900, where spreadsheets begin."""
    if type_ not in ("date", "datetime") or not isinstance(value, str) or value < "1900-03-01":
        return None
    try:
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


def _blocks_of(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while block := file.read(FILE_BLOCK_BYTES):
            yield block
