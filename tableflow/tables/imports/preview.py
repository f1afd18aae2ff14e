"""What an import of a file would do, told from its beginning. Nothing is kept."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from tableflow.errors import InvalidInput
from tableflow.tables import exports, schema, types
from tableflow.tables.imports import looks, upload
from tableflow.tables.imports.convert import converter
from tableflow.tables.imports.detect import ARCHIVE
from tableflow.tables.imports.looks import Look
from tableflow.tables.imports.plan import Plan, Target, leads
from tableflow.tables.imports.rejected import Rejected
from tableflow.tables.imports.upload import Wish
from tableflow.tables.imports.workbooks import cell_text
from tableflow.tables.models import Import, Table
from tableflow.tables.schema import ColumnSpec

MAX_WORKBOOK_BYTES = 16 * 1024 * 1024
SHOWN_ROWS = 20
SHOWN_SAMPLES = 3
SHOWN_PROBLEMS = 20
SHOWN_CHARS = 200


@dataclass(frozen=True)
class PreviewColumn:
    """A field of the file: the column that it would go to (its key, or None), or whether a new one would be made.

    `type` is the one that a new column has, or would have.
    """

    header: str
    type: str
    column: str | None
    create: bool
    samples: list[str]


@dataclass(frozen=True)
class Preview:
    """What was seen. `problems` are of the wish (line None) and of the first records; `rejected` counts the latter,
    of `sampled` that were tried. `rows` are texts, None where a cell is empty.
    """

    format: Import.Format
    encoding: str
    delimiter: str | None
    sheet: str | None
    sheets: tuple[str, ...]
    rows_total: int | None
    columns: list[PreviewColumn]
    rows: list[list[str | None]]
    sampled: int
    rejected: int
    problems: list[dict[str, Any]]


def preview(file: IO[bytes], file_name: str, *, table: Table | None = None, wish: Wish | None = None) -> Preview:
    """Look at the first SAMPLE_BYTES of a file, or at a whole workbook. InvalidInput and TooLarge as for an import."""
    wish = wish or Wish()
    seen = looks.look_at(_beginning(file), file_name, wish.sheet)
    existing = schema.load(table.pk).columns if table else ()
    problems: list[dict[str, Any]] = []
    try:
        found = upload.wanted_targets(seen, table, wish)
    except InvalidInput as error:
        problems += [{"line": None, "attr": problem.attr, "detail": problem.detail} for problem in error.problems]
        found = leads(seen.names, existing, wish.mapping, new=wish.types, is_new_table=table is None)
    specs = [_spec(seen, target, existing, wish) for target in found]
    rejected = _rejected(seen, specs)
    return Preview(
        seen.format,
        seen.encoding,
        seen.delimiter,
        seen.sheet,
        seen.sheets,
        seen.rows_total,
        [_column(seen, target, spec) for target, spec in zip(found, specs, strict=True)],
        [_shown_row(record[1], seen.names) for record in seen.records if not isinstance(record, Rejected)][:SHOWN_ROWS],
        len(seen.records),
        len(rejected),
        [*problems, *(_problem(line, found, specs) for line in rejected)][:SHOWN_PROBLEMS],
    )


def _beginning(file: IO[bytes]) -> IO[bytes]:
    """The file, of a text that was cut off only its whole lines."""
    size = file.seek(0, 2)
    file.seek(0)
    is_workbook = file.read(len(ARCHIVE)) == ARCHIVE
    most = MAX_WORKBOOK_BYTES if is_workbook else looks.SAMPLE_BYTES
    if size > most:
        raise upload.TooLarge(
            f"For a preview give the first {looks.SAMPLE_BYTES:,} bytes, or a workbook of {MAX_WORKBOOK_BYTES:,}."
        )
    file.seek(0)
    if is_workbook or size < looks.SAMPLE_BYTES:
        return file
    head = file.read()
    whole = head[: head.rfind(b"\n") + 1]
    return io.BytesIO(whole if whole and b"\x00" not in head else head)


def _spec(seen: Look, target: Target, existing: Sequence[ColumnSpec], wish: Wish) -> ColumnSpec | None:
    """The column that the field goes to, as it is or as it would be made; None when it is left out."""
    if target.create is not None:
        given = wish.types.get(target.field)
        type_ = given if given in types.TYPES else seen.type_of(target.field).value
        return ColumnSpec(f"+{target.field}", target.create, type_, types.check_options(type_, None), 0, None)
    return next((column for column in existing if column.key == target.key), None)


def _rejected(seen: Look, specs: Sequence[ColumnSpec | None]) -> list[Rejected]:
    """Those of the first records that would be rejected."""
    fields = tuple((name, spec.key if spec else None) for name, spec in zip(seen.names, specs, strict=True))
    plan = Plan(seen.encoding, seen.delimiter, fields, seen.sheet)
    convert = converter(plan, {spec.key: spec for spec in specs if spec is not None})
    outcomes = [record if isinstance(record, Rejected) else convert(*record) for record in seen.records]
    return [outcome for outcome in outcomes if isinstance(outcome, Rejected)]


def _problem(line: Rejected, found: Sequence[Target], specs: Sequence[ColumnSpec | None]) -> dict[str, Any]:
    """The problem, by the file's own name of the column."""
    pairs = zip(found, specs, strict=True)
    header = next((target.field for target, spec in pairs if spec and spec.key == line.attr), None)
    return {"line": line.line, "attr": header, "detail": line.detail}


def _column(seen: Look, target: Target, spec: ColumnSpec | None) -> PreviewColumn:
    filled = [text for value in seen.samples[target.field] if (text := _shown(value))]
    is_new = target.create is not None
    return PreviewColumn(
        header=target.field,
        type=spec.type if spec and is_new else seen.type_of(target.field).value,
        column=target.key if spec and not is_new else None,
        create=is_new,
        samples=list(dict.fromkeys(filled))[:SHOWN_SAMPLES],
    )


def _shown_row(values: Any, names: Sequence[str]) -> list[str | None]:
    if isinstance(values, Mapping):
        return [_shown(values.get(name)) for name in names]
    return [_shown(value) for value in [*values, *[None] * len(names)][: len(names)]]


def _shown(value: Any) -> str | None:
    """The beginning of the value as a text; None for an empty one."""
    if value is None or value == "":
        return None
    text = exports.plain_text(value) if isinstance(value, list | dict) else cell_text(value)
    shown = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return shown if len(shown) <= SHOWN_CHARS else f"{shown[:SHOWN_CHARS]}…"
