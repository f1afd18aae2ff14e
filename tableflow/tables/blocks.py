"""Blocks: values for some columns of many rows, written at once: what is pasted, filled down, cleared, or put back.

All or nothing, and as many statements for ten thousand rows as for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from tableflow.errors import InvalidInput, Problem
from tableflow.tables import changes, expected, gaps, ids, schema, stored, types, values
from tableflow.tables.locks import lock
from tableflow.tables.models import Row, Table
from tableflow.tables.schema import Schema
from tableflow.tables.stored import Cells

MAX_ROWS = 10_000
MAX_CELLS = 200_000
MAX_BYTES = 32 * 1024 * 1024

Lines = Sequence[Sequence[Any]]
"""A list of values a row, in the order of the columns. Where there are fewer than rows, they begin again."""


@dataclass(frozen=True)
class Block:
    """What is written into which columns, and (None: whatever) what the writer believes to be there."""

    columns: Sequence[str]
    values: Lines
    believed: Lines | None = None


@dataclass(frozen=True)
class Stretch:
    """The rows from a place on in what is shown, which is in its order: so many, or as many as there are values."""

    shown: QuerySet[Row]
    offset: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class Written:
    """How many cells of rows that were there changed, the rows that were made, and what was there before.

    `rows` are those that were there, from the top, and `before` their values in the columns of the block.
    """

    changed: int
    created: tuple[int, ...]
    rows: tuple[int, ...]
    before: tuple[tuple[Any, ...], ...]


@transaction.atomic
def write(table: Table, block: Block, target: Sequence[int] | Stretch, *, append: bool = False) -> Written:
    """Sets the values of the block in these rows (ids), or in a stretch of those that are shown.

    With `append`, values for which no row is left make new rows at the end of the table; else there may be no more of
    them than rows. At most 10,000 rows, 200,000 cells, 32 MiB of new values and of old ones. Conflict, named as
    expected.{row}.{key}, where something else stands than was believed: a new row is empty. InvalidInput names columns,
    values, rows, limit or expected.
    """
    _check(block)
    changes.announce(table.pk, [dict.fromkeys(block.columns)])
    if append or isinstance(target, Stretch):
        lock(table.pk)  # no row comes or goes until this is committed
    known = schema.load(table.pk)
    lines = _checked(known, block)
    named = _ids(block, target, append=append)
    news = _news(block, named, append=append)
    _check_bytes(lines, len(named) + news)
    _check_before(table, named, block.columns)
    found = stored.locked_cells(table.pk, named, block.columns)
    ids.refuse_unknown(ids.placed(named), found)
    _check_believed(known, block, [*(found[row_id].data for row_id in named), *({} for _ in range(news))])
    keys = _patch(table, {row_id: found[row_id] for row_id in named}, lines)
    made = _append(table, lines[len(named) :] if news else [], len(named))
    changes.tell(table.pk, created=[row.pk for row in made], changed=keys)
    before = tuple(tuple(found[row_id].data[key] for key in block.columns) for row_id in named)
    return Written(sum(map(len, keys.values())), tuple(row.pk for row in made), tuple(named), before)


def _check(block: Block) -> None:
    """InvalidInput unless the block has columns, each once, and lists of as many values."""
    if not block.columns:
        raise InvalidInput.at("columns", "Name at least one column.", "required")
    if len(set(block.columns)) < len(block.columns):
        raise InvalidInput.at("columns", "A column is named twice.", "unique")
    if not block.values:
        raise InvalidInput.at("values", "Give at least one list of values.", "required")
    for attr, lines in (("values", block.values), ("expected", block.believed or ())):
        _check_size(attr, len(lines), len(block.columns))
        wrong = [
            Problem(f"Give {len(block.columns)} values, one a column.", f"{attr}.{index}")
            for index, line in enumerate(lines)
            if len(line) != len(block.columns)
        ]
        if wrong:
            raise InvalidInput(wrong[: values.MAX_PROBLEMS])


def _check_size(attr: str, rows: int, columns: int) -> None:
    if rows > MAX_ROWS:
        raise InvalidInput.at(attr, f"At most {MAX_ROWS:,} rows are written at once; these are {rows:,}.", "too_many")
    if rows * columns > MAX_CELLS:
        detail = f"At most {MAX_CELLS:,} cells are written at once; these are {rows * columns:,}."
        raise InvalidInput.at(attr, detail, "too_many")


def _checked(known: Schema, block: Block) -> list[dict[str, Any]]:
    """The values as they are stored, by column key."""
    unknown = [
        values.unknown_column(known, key, f"columns.{index}")
        for index, key in enumerate(block.columns)
        if known.column(key) is None
    ]
    if unknown:
        raise InvalidInput(unknown[: values.MAX_PROBLEMS])
    rows = (dict(zip(block.columns, line, strict=True)) for line in block.values)
    return values.checked(known, ((f"values.{index}", row) for index, row in enumerate(rows)))


def _ids(block: Block, target: Sequence[int] | Stretch, *, append: bool) -> list[int]:
    """The rows that are there, from the top."""
    if isinstance(target, Stretch):
        limit = target.limit if target.limit is not None else len(block.values)
        if append and limit != len(block.values):
            detail = "To append, give a list of values for every row, and no other `limit` than their number."
            raise InvalidInput.at("limit", detail)
        _check_size("limit", limit, len(block.columns))
        return list(target.shown.values_list("pk", flat=True)[target.offset : target.offset + limit])
    if len(set(target)) < len(target):
        raise InvalidInput.at("rows", "A row is named twice.", "unique")
    _check_size("rows", len(target), len(block.columns))
    return list(target)


def _news(block: Block, ids: Sequence[int], *, append: bool) -> int:
    """How many rows are to be made."""
    news = max(0, len(block.values) - len(ids))
    if news and not append:
        detail = f"These are values for {len(block.values)} rows, and there are {len(ids)}. Give `append` to make more."
        raise InvalidInput.at("values", detail, "too_many")
    return news


def _check_believed(known: Schema, block: Block, rows: Sequence[Mapping[str, Any]]) -> None:
    if block.believed is None:
        return
    lines = block.believed
    if not 1 <= len(lines) <= len(rows):
        raise InvalidInput.at("expected", f"Give 1 to {len(rows)} lists of values, as many as rows at most.")
    believed = [dict(zip(block.columns, line, strict=True)) for line in lines]
    cells = ((f"expected.{index}", data, believed[index % len(lines)]) for index, data in enumerate(rows))
    expected.check(known, cells)


def _check_bytes(lines: Sequence[dict[str, Any]], rows: int) -> None:
    """What is filled into many rows is written as often."""
    sizes = [types.row_bytes(line) for line in lines]
    size = sum(sizes) * (rows // len(lines)) + sum(sizes[: rows % len(lines)])
    if size > MAX_BYTES:
        detail = f"At most {MAX_BYTES:,} bytes are written at once; these are {size:,}. Write fewer rows."
        raise InvalidInput.at("values", detail, "too_large")


def _check_before(table: Table, ids: Sequence[int], columns: Sequence[str]) -> None:
    """What is written over is read, and answered: it is measured first."""
    size = stored.bytes_of(table.pk, ids, columns)
    if size > MAX_BYTES:
        detail = f"At most {MAX_BYTES:,} bytes are written over at once; these are {size:,}. Write fewer rows."
        raise InvalidInput.at("values", detail, "too_large")


def _patch(table: Table, rows: Mapping[int, Cells], lines: Sequence[dict[str, Any]]) -> dict[int, frozenset[str]]:
    """Writes what really changes into the rows, which are in the order of the lines; the keys that changed."""
    changed: dict[int, dict[str, Any]] = {}
    for index, (row_id, cells) in enumerate(rows.items()):
        if news := stored.news(cells.data, lines[index % len(lines)]):
            cells.check_size(news, f"values.{index % len(lines)}")
            changed[row_id] = news
    stored.write(table.pk, changed)
    return {row_id: frozenset(news) for row_id, news in changed.items()}


def _append(table: Table, data: Sequence[dict[str, Any]], first: int) -> list[Row]:
    for index, row in enumerate(data, first):
        values.check_size(row, f"values.{index}")
    return stored.place(table, data, gaps.places(table.pk, len(data), None))
