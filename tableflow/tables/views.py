"""The saved views of a table: what is shown (filter, sort, search), and how (widths, order, hidden, pinned columns).

Every table has one default view, which is made when somebody first looks; it cannot be deleted. Columns come and go:
a layout says nothing of those that are not there when it is read, and a filter that no longer fits is kept as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from tableflow.errors import Conflict, InvalidInput, NotFound
from tableflow.live import marks
from tableflow.tables import filters, names, pages, schema
from tableflow.tables.columns import MAX_COLUMNS
from tableflow.tables.filters import CellPredicate
from tableflow.tables.locks import lock
from tableflow.tables.models import Table, View
from tableflow.tables.schema import Schema

PredicateOf = Callable[[Schema], CellPredicate]
"""Gives what answers a filter's questions about cells."""

DEFAULT_NAME = "All rows"
MAX_VIEWS = 100
MAX_BYTES = 60_000
MAX_POSITION = 10_000
LEAST_WIDTH, MOST_WIDTH = 40, 1200
FIELDS = ("name", "layout", "filter", "sort", "search", "position")
SHOWN = ("filter", "sort", "search")
LISTS = ("order", "hidden", "pinned")
LAYOUT = ("widths", *LISTS)


@dataclass(frozen=True)
class Seen:
    """A view as it is read: its layout of the columns that are there, and (None: nothing) why it cannot be shown."""

    view: View
    layout: dict[str, Any]
    problem: str | None

    @property
    def described(self) -> dict[str, Any]:
        """As the API and the pages give it."""
        own = {name: getattr(self.view, name) for name in ("name", "is_default", *SHOWN, "position")}
        return {"id": self.view.pk, **own, "layout": self.layout, "problem": self.problem}


def listed(table: Table, predicate_of: PredicateOf) -> list[Seen]:
    """The table's views, the default one first."""
    _default(table)
    known = schema.load(table.pk)
    found = View.objects.filter(table=table.pk).order_by("-is_default", "position", "pk")
    return [_seen(known, view, predicate_of) for view in found]


def one(table: Table, view_id: int, predicate_of: PredicateOf) -> Seen:
    """One view of the table. NotFound when there is none of this id."""
    return _seen(schema.load(table.pk), _view(table, view_id), predicate_of)


@transaction.atomic
def create(table: Table, definition: Mapping[str, Any], predicate_of: PredicateOf) -> Seen:
    """A new view out of `{name, layout?, filter?, sort?, search?, position?}`; at the end when no position is given.

    InvalidInput names what is wrong; NotFound when the table was deleted.
    """
    lock(table.pk)
    _default(table)
    standing = View.objects.filter(table=table.pk)
    if standing.count() >= MAX_VIEWS:
        raise InvalidInput.at("name", f"A table has at most {MAX_VIEWS} views.", "too_many")
    names.check_name(definition.get("name"), "name")
    last = standing.order_by("position").values_list("position", flat=True).last() or 0
    view = View(table=table, layout=_layout({}, {}), position=min(last + 1, MAX_POSITION))
    return _write(view, definition, predicate_of)


@transaction.atomic
def change(table: Table, view_id: int, changes: Mapping[str, Any], predicate_of: PredicateOf) -> Seen:
    """Changes the fields that are given, of a layout the parts that are given. NotFound when there is no such view."""
    lock(table.pk)
    return _write(_view(table, view_id), changes, predicate_of)


@transaction.atomic
def delete(table: Table, view_id: int) -> None:
    """Deletes a view. Conflict for the default one; NotFound when there is no such view."""
    lock(table.pk)
    view = _view(table, view_id)
    if view.is_default:
        raise Conflict("The first view of a table stays; it can be renamed and laid out.", "default_view")
    view.delete()
    marks.schema(table.pk)


# Steps


def _default(table: Table) -> None:
    """Makes the default view where there is none yet; of several at once one makes it."""
    View.objects.get_or_create(table=table, is_default=True, defaults={"name": DEFAULT_NAME, "layout": _layout({}, {})})


def _view(table: Table, view_id: int) -> View:
    view = View.objects.filter(table=table.pk, pk=view_id).first()
    if view is None:
        raise NotFound("There is no such view of this table.")
    return view


def _write(view: View, fields: Mapping[str, Any], predicate_of: PredicateOf) -> Seen:
    """Puts the checked fields into the view and saves it. The table is locked."""
    for name in fields:
        if name not in FIELDS:
            raise InvalidInput.at(
                str(name), f"Unknown field {name!r}. A view has: {', '.join(FIELDS)}.", "unknown_field"
            )
    known = schema.load(view.table_id)
    for name in FIELDS:
        if name in fields:
            value = fields[name]
            setattr(view, name, _layout(view.layout, value) if name == "layout" else _CHECKS[name](value, name))
    # What no longer fits may stay: the view can still be renamed and laid out.
    _compile(known, {name: getattr(view, name) for name in SHOWN if name in fields}, predicate_of)
    size = len(json.dumps([view.layout, view.filter, view.sort, view.search]))
    if size > MAX_BYTES:
        raise InvalidInput.at("layout", f"A view is at most {MAX_BYTES} bytes long; this is {size}.", "too_large")
    view.save()
    marks.schema(view.table_id)
    return _seen(known, view, predicate_of)


def _compile(known: Schema, asked: Mapping[str, Any], predicate_of: PredicateOf) -> None:
    """InvalidInput, at filter, sort or search, when the table as it is now cannot be shown so."""
    if asked.get("filter") is not None:
        filters.compile_filter(known, asked["filter"], predicate_of(known))
    pages.shown(known, sort=pages.sort_keys(asked.get("sort", "")), search=asked.get("search"))


def _seen(known: Schema, view: View, predicate_of: PredicateOf) -> Seen:
    live = set(known.keys)
    layout = {
        "widths": {key: width for key, width in view.layout.get("widths", {}).items() if key in live},
        **{name: [key for key in view.layout.get(name, ()) if key in live] for name in LISTS},
    }
    try:
        _compile(known, {name: getattr(view, name) for name in SHOWN}, predicate_of)
    except InvalidInput as error:
        return Seen(view, layout, str(error))
    return Seen(view, layout, None)


# Checks of the fields


def _layout(before: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """The layout with the parts that are given; the others as they were."""
    if not isinstance(value, Mapping):
        raise InvalidInput.at("layout", f"Give an object with {', '.join(LAYOUT)}, or some of them.")
    for name in value:
        if name not in LAYOUT:
            detail = f"Unknown part {name!r}. A layout has: {', '.join(LAYOUT)}."
            raise InvalidInput.at(f"layout.{name}", detail, "unknown_field")
    widths = _widths(value["widths"]) if "widths" in value else before.get("widths", {})
    lists = {name: _keys(value[name], f"layout.{name}") if name in value else before.get(name, []) for name in LISTS}
    return {"widths": widths, **lists}


def _widths(value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or len(value) > MAX_COLUMNS:
        raise InvalidInput.at("layout.widths", "Give an object: column key → width in pixels.")
    for key, width in value.items():
        _check_key(key, "layout.widths")
        if isinstance(width, bool) or not isinstance(width, int) or not LEAST_WIDTH <= width <= MOST_WIDTH:
            detail = f"A width is a whole number of pixels from {LEAST_WIDTH} to {MOST_WIDTH}."
            raise InvalidInput.at(f"layout.widths.{key}", detail, "out_of_range")
    return dict(value)


def _keys(value: Any, attr: str) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_COLUMNS:
        raise InvalidInput.at(attr, f"Give a list of at most {MAX_COLUMNS} column keys.")
    for index, key in enumerate(value):
        _check_key(key, f"{attr}.{index}")
    if len(set(value)) < len(value):
        raise InvalidInput.at(attr, "A column is named twice.", "unique")
    return list(value)


def _check_key(key: Any, attr: str) -> None:
    if not isinstance(key, str) or not 0 < len(key) <= names.MAX_KEY_LENGTH:
        raise InvalidInput.at(attr, "Give the key of a column.")
    names.check_text(key, attr)


def _check_filter(value: Any, attr: str) -> dict[str, Any] | None:
    if value is not None and not isinstance(value, Mapping):
        raise InvalidInput.at(attr, "Give a filter, an object, or null for none.")
    return dict(value) if value is not None else None


def _check_position(value: Any, attr: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_POSITION:
        raise InvalidInput.at(attr, f"A position is a whole number from 0 to {MAX_POSITION}.", "out_of_range")
    return value


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "name": names.check_name,
    "filter": _check_filter,
    "sort": names.check_text,
    "search": names.check_text,
    "position": _check_position,
}
