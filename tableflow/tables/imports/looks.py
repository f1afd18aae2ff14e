"""What the beginning of a file shows: its format, its fields, and the values of each in the first records."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from tableflow.errors import InvalidInput
from tableflow.tables.imports import chunks, delimited, detect, objects, workbooks
from tableflow.tables.imports.cells import Row
from tableflow.tables.imports.lines import lines
from tableflow.tables.imports.plan import MAX_FIELDS, field_names, usable_name
from tableflow.tables.imports.reading import Record
from tableflow.tables.imports.rejected import Rejected
from tableflow.tables.models import ColumnType, Import

SAMPLE_BYTES = 1024 * 1024
SAMPLE_SHEET_BYTES = 64 * 1024 * 1024
SAMPLE_RECORDS = 1_000
SAMPLE_CHARS = 2_000
SAMPLE_CELL_CHARS = 4 * 1024 * 1024


@dataclass(frozen=True)
class Look:
    """What was seen. `records` are the first ones below the header; `sheets` are a workbook's, `sheet` the one read.

    `rows_total` is how many records a workbook says that it has; None where it says nothing, and for other files.
    """

    format: Import.Format
    encoding: str
    delimiter: str | None
    names: list[str]
    samples: dict[str, list[Any]]
    records: list[Record]
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    rows_total: int | None = None

    def type_of(self, field: str) -> ColumnType:
        """The type that a new column for this field gets."""
        return detect.column_type(usable_name(field, 0), self.samples[field])


def look_at(file: IO[bytes], file_name: str, sheet: str = "") -> Look:
    """Look at a seekable file. InvalidInput (`file`, `sheet`) when it cannot be read or there is no header."""
    file.seek(0)
    head = file.read(SAMPLE_BYTES)
    if not head:
        raise InvalidInput.at("file", "The file is empty.", "empty")
    format_ = detect.format_of(file_name, head)
    if format_ == Import.Format.XLSX:
        return _look_at_workbook(file, sheet)
    if sheet:
        raise InvalidInput.at("sheet", "Only workbooks (xlsx) have sheets.")
    encoding = detect.encoding_of(blocks(file))
    cut = len(head) == SAMPLE_BYTES
    text = list(lines([head], encoding))[: -1 if cut else None]
    if format_ == Import.Format.JSONL:
        names, samples, records = _look_at_objects(text)
        return Look(format_, encoding, None, names, samples, records)
    delimiter = "\t" if format_ == Import.Format.TSV else detect.delimiter_of("".join(text[:200]))
    names, records = _look_at_fields(text, delimiter)
    return Look(format_, encoding, delimiter, names, _samples(names, records), records)


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The file from its beginning, in blocks as they are kept."""
    file.seek(0)
    while block := file.read(chunks.CHUNK_BYTES):
        yield block


def _look_at_workbook(file: IO[bytes], sheet: str) -> Look:
    book = workbooks.opened(file)
    sheet = sheet or next(iter(book.sheets))
    rows = book.rows(sheet, SAMPLE_SHEET_BYTES)
    header = next(rows, None)
    if header is None:
        raise InvalidInput.at(
            "file", f"The sheet {sheet!r} begins with no header row with the names of its columns.", "no_header"
        )
    line, cells = header
    names = field_names(["" if cell is None else workbooks.cell_text(cell) for cell in cells])
    records = list(_within(SAMPLE_CELL_CHARS, itertools.islice(rows, SAMPLE_RECORDS)))
    height = book.height(sheet, SAMPLE_SHEET_BYTES)
    return Look(
        Import.Format.XLSX,
        "utf-8",
        None,
        names,
        _samples(names, records),
        records,
        sheet,
        tuple(book.sheets),
        None if height is None else max(0, height - line),
    )


def _within(most_chars: int, rows: Iterator[Row]) -> Iterator[Record]:
    """The rows, until their texts have so many characters: those of a workbook are not cut from its beginning."""
    chars = 0
    for line, cells in rows:
        yield line, cells
        chars += sum(len(cell) for cell in cells if isinstance(cell, str))
        if chars > most_chars:
            return


def _look_at_fields(text: list[str], delimiter: str) -> tuple[list[str], list[Record]]:
    found = delimited.records(text, delimiter)
    header = next(found, None)
    if header is None:
        raise InvalidInput.at("file", "The file has no header line with the names of its columns.", "no_header")
    if isinstance(header, Rejected):
        raise InvalidInput.at("file", f"The header (line {header.line}) cannot be read: {header.detail}", "no_header")
    return field_names(header[1]), list(itertools.islice(found, SAMPLE_RECORDS))


def _samples(names: list[str], records: list[Record]) -> dict[str, list[Any]]:
    rows = [record[1] for record in records if not isinstance(record, Rejected)]
    return {name: [_sample(row[place]) for row in rows if place < len(row)] for place, name in enumerate(names)}


def _sample(value: Any) -> Any:
    """A cell that was cut off or is far too long says nothing about its column."""
    return value[:SAMPLE_CHARS] if isinstance(value, str) else value


def _look_at_objects(text: list[str]) -> tuple[list[str], dict[str, list[Any]], list[Record]]:
    samples: dict[str, list[Any]] = {}
    records = list(itertools.islice(objects.records(text), SAMPLE_RECORDS))
    first_problem = ""
    for record in records:
        if isinstance(record, Rejected):
            first_problem = first_problem or f" Line {record.line}: {record.detail}"
            continue
        for name, value in record[1].items():
            if "\x00" not in name:  # no column can have it; the load rejects the line
                samples.setdefault(name, []).append(value)
    if not samples:
        raise InvalidInput.at("file", f"No line of the file is a JSON object with fields.{first_problem}", "no_header")
    if len(samples) > MAX_FIELDS:
        detail = f"The file's objects have more than {MAX_FIELDS} fields; at most that many columns can be imported."
        raise InvalidInput.at("file", detail, "too_many")
    return list(samples), samples, records
