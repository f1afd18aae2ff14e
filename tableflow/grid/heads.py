"""The heads of a table's columns: two lines where there are workflow columns, whose head spans what they fill."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from tableflow.tables.schema import ColumnSpec, GroupSpec, Schema

TYPE_NAMES = {
    "text": "Text",
    "number": "Number",
    "boolean": "Checkbox",
    "date": "Date",
    "datetime": "Date and time",
    "json": "JSON",
    "select": "Choice",
    "multiselect": "Choices",
    "url": "Web address",
    "email": "E-mail",
    "currency": "Money",
}


@dataclass(frozen=True)
class Column:
    """A column with its type in words; `group` is the workflow column that fills it, or None."""

    spec: ColumnSpec
    type_name: str
    group: GroupSpec | None

    @property
    def choices(self) -> str:
        """The choices of a select as JSON, for the editor."""
        return json.dumps(self.spec.options.get("choices", []))


@dataclass(frozen=True)
class Span:
    """A head over neighbours: `group` spans its outputs; without one it is one plain column, two lines high."""

    columns: tuple[Column, ...]
    group: GroupSpec | None
    is_first: bool


@dataclass(frozen=True)
class Heads:
    """Both lines: `spans` above, `below` under the spans that are workflow columns."""

    columns: tuple[Column, ...]
    spans: tuple[Span, ...]
    below: tuple[Column, ...]


def heads(schema: Schema) -> Heads:
    """The heads of the live columns, left to right. Outputs that were moved apart get a span each."""
    columns = tuple(column(spec, schema) for spec in schema.columns)
    spans = tuple(_spans(columns))
    return Heads(columns, spans, tuple(c for span in spans if span.group for c in span.columns))


def column(spec: ColumnSpec, schema: Schema) -> Column:
    """A column as its head shows it."""
    group = schema.group(spec.group_id) if spec.group_id is not None else None
    return Column(spec, TYPE_NAMES[spec.type], group)


def _spans(columns: Iterable[Column]) -> Iterable[Span]:
    seen: set[int] = set()
    for group_id, neighbours in groupby(columns, key=lambda c: c.group.id if c.group else None):
        if group_id is None:
            yield from (Span((plain,), None, is_first=True) for plain in neighbours)
            continue
        run = tuple(neighbours)
        yield Span(run, run[0].group, is_first=group_id not in seen)
        seen.add(group_id)
