"""A page of a table as it is drawn: heads, rows of cells, and the run chip. Read anew for every answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial

from django.utils.safestring import SafeString

from dispatch import effective, progress
from dispatch.effective import CellState
from dispatch.models import DispatchStatus
from tableflow.grid import markup
from tableflow.grid.chips import Chip, chip
from tableflow.grid.faces import BLANK, Face, face
from tableflow.grid.heads import Column, Heads, heads
from tableflow.grid.paging import Paging, paging
from tableflow.grid.values import NOTHING, Shown, shown
from tableflow.grid.widths import width
from tableflow.tables import pages
from tableflow.tables.models import Row, Table
from tableflow.tables.schema import Schema
from tableflow.tables.types import is_empty

PAGE_ROWS = 100
SHORT_CHARACTERS = 12


@dataclass(frozen=True)
class Line:
    """A row; `number` is its place in the table, from 1; `cells` are their markup."""

    id: int
    number: int
    cells: tuple[SafeString, ...]


@dataclass(frozen=True)
class Runs:
    """What runs in the table: the ids of the dispatches that go on, of those that are paused, and why they are."""

    chip: Chip
    going_on: list[int]
    paused: list[int]
    because: str


@dataclass(frozen=True)
class Sheet:
    """What the page shows of a table now. `widths` are the columns', in rem; `shape` changes when the columns do."""

    schema: Schema
    heads: Heads
    widths: tuple[int, ...]
    lines: tuple[Line, ...]
    paging: Paging
    runs: Runs | None
    shape: str

    @property
    def sized_columns(self) -> list[tuple[Column, int]]:
        """The columns, each with its width."""
        return list(zip(self.heads.columns, self.widths, strict=True))

    @property
    def has_plain_start(self) -> bool:
        """Whether the first column is a plain one: then it stays in sight when the others are scrolled."""
        return bool(self.heads.columns) and self.heads.columns[0].group is None

    @property
    def count(self) -> str:
        """How many rows there are, in words."""
        return f"{self.paging.count:,} {'row' if self.paging.count == 1 else 'rows'}"


def sheet(table: Table, schema: Schema, wanted_page: str) -> Sheet:
    """A page of the table's rows with their effective states."""
    number = paging(wanted_page, size=PAGE_ROWS, count=table.row_count)
    page = pages.fetch(schema, limit=PAGE_ROWS, offset=number.offset)
    states = effective.states(schema, page.rows)
    head = heads(schema)
    names = {spec.key: spec.name for spec in schema.columns}
    values = [[_shown(column, row) for column in head.columns] for row in page.rows]
    widths = tuple(width(column, [row[place] for row in values]) for place, column in enumerate(head.columns))
    lines = tuple(
        Line(row.pk, number.offset + place, tuple(map(partial(_cell, states[row.pk], names), head.columns, cells)))
        for place, (row, cells) in enumerate(zip(page.rows, values, strict=True), start=1)
    )
    return Sheet(schema, head, widths, lines, number, runs(table.pk), shape(schema))


def runs(table_id: int) -> Runs | None:
    """What runs in the table now; None when nothing does."""
    state = progress.run_state(table_id)
    paused = [dispatch for dispatch in state.dispatches if dispatch.status == DispatchStatus.PAUSED]
    counts = progress.counts(state.dispatches).values()
    told = chip(counts, state.running, paused=len(paused) == len(state.dispatches), waiting=state.paused)
    if told is None:
        return None
    reasons = dict.fromkeys(dispatch.paused_because or "" for dispatch in paused)
    return Runs(
        told,
        [dispatch.pk for dispatch in state.dispatches if dispatch not in paused],
        [dispatch.pk for dispatch in paused],
        " ".join(reasons),
    )


def shape(schema: Schema) -> str:
    """A digest of the columns and workflow columns: the heads are drawn anew when it differs."""
    plain = json.dumps(asdict(schema), sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _shown(column: Column, row: Row) -> Shown:
    value = row.data.get(column.spec.key)
    return NOTHING if is_empty(value) else shown(column.spec.type, column.spec.options, value)


def _cell(states: Mapping[int, CellState], names: Mapping[str, str], column: Column, what: Shown) -> SafeString:
    if column.group is None:
        its = BLANK if what is NOTHING else Face("value")
        return markup.cell(what, its, title=_title(what), has_trace=False)
    state = states[column.group.id]
    its = face(state, has_value=what is not NOTHING, names=names)
    return markup.cell(what, its, title=its.detail or _title(what), has_trace=state.attempt > 0)


def _title(what: Shown) -> str:
    """What the pointer shows where the cell may be too narrow."""
    full = what.text or ", ".join(what.tags)
    return full if len(full) > SHORT_CHARACTERS else ""
