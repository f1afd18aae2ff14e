"""The rows of a table: insert, update, delete, upsert. Each is all or nothing, and one statement over its set.

Inserts and deletes hold the table's lock, which keeps positions apart and `row_count` true. A row never moves.
What is written is told to the floors above (changes.py), in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from tableflow.errors import InvalidInput, Problem
from tableflow.live import marks
from tableflow.tables import changes, matches, positions, schema, statements, types, values
from tableflow.tables.locks import lock
from tableflow.tables.models import Row, Table

MAX_ROWS = 1000


@dataclass(frozen=True)
class Changes:
    """The outcome of an update: the rows named, as they are now, and which keys of which rows really changed.

    `keys` has row id → changed column keys; a row that already had every value is not in it.
    """

    rows: tuple[Row, ...]
    keys: Mapping[int, frozenset[str]]


@dataclass(frozen=True)
class Upserts:
    """The outcome of an upsert: per given row the row it became, and whether it was "created" or "updated".

    `created` are the new rows, each once; `keys` has the changed keys of rows that were there before.
    """

    results: tuple[tuple[Row, str], ...]
    created: tuple[Row, ...]
    keys: Mapping[int, frozenset[str]]


@transaction.atomic
def insert(table: Table, data: Sequence[Any], *, after: int | None = None, attr: str = "rows.{}.data") -> list[Row]:
    """New rows, in the order given: after the row of that id, or (None) at the end.

    At most 1,000 at once. InvalidInput names what is wrong by `attr`, where {} is the index; an unknown `after` is
    named `after_row`. NotFound when the table was deleted.
    """
    locked = lock(table.pk)
    _check_number(data)
    places = _attrs(attr, len(data))
    checked = values.checked(schema.load(table.pk), zip(places, data, strict=True))
    for place, row in zip(places, checked, strict=True):
        values.check_size(row, place)
    made = _insert(locked, checked, after)
    changes.tell(table.pk, created=[row.pk for row in made])
    return made


@transaction.atomic
def update(table: Table, patches: Mapping[int, Any], *, attr: str = "rows.{}.data") -> Changes:
    """Merges each patch into its row: keys that are absent are untouched, null empties. All or nothing.

    InvalidInput names unknown rows, unknown columns and wrong values by `attr`, where {} is the index of the row.
    """
    _check_number(patches)
    changes.announce(table.pk, patches.values())
    places = _attrs(attr, len(patches))
    checked = values.checked(schema.load(table.pk), zip(places, patches.values(), strict=True))
    stored = {row.pk: row for row in _locked_rows(table, patches)}
    _refuse_unknown(list(patches), stored)
    keys = _patch(table.pk, stored, dict(zip(patches, checked, strict=True)), places)
    changes.tell(table.pk, changed=keys)
    return Changes(tuple(stored[row_id] for row_id in patches), keys)


@transaction.atomic
def delete(table: Table, ids: Sequence[int] | None = None, q: Q | None = None) -> int:
    """Deletes the rows of these ids, or the rows of the table that the condition holds for; how many they were.

    InvalidInput names ids that are not in the table; then none is deleted.
    """
    if (ids is None) == (q is None):
        raise InvalidInput.at("rows", "Name the rows to delete, or give a filter: one of the two.")
    lock(table.pk)
    doomed = Row.objects.filter(table=table.pk).order_by("pk").select_for_update()
    if ids is not None:
        wanted = list(dict.fromkeys(check_ids(ids)))
        doomed = doomed.filter(pk__in=wanted)
        _refuse_unknown(wanted, set(doomed.values_list("pk", flat=True)))
    deleted = _delete(table.pk, doomed.filter(q) if q is not None else doomed)
    if deleted:
        marks.rows(table.pk, ids)
    return deleted


@transaction.atomic
def upsert(table: Table, match_on: Sequence[str], data: Sequence[Any], *, attr: str = "rows.{}.data") -> Upserts:
    """Updates the rows whose values in the columns `match_on` are those given, and inserts the rest at the end.

    Every given row needs a value in each of these columns. Where several rows match, the first in the visible order
    is updated. Where several given rows match each other, the later ones update what the first became.
    """
    _check_number(data)
    changes.announce(table.pk, data)
    locked = lock(table.pk)
    known = schema.load(table.pk)
    matches.check_columns(known, match_on)
    places = _attrs(attr, len(data))
    checked = values.checked(known, zip(places, data, strict=True))
    for row, place in zip(checked, places, strict=True):
        matches.check_values(row, match_on, place)
    names = [matches.name(row, match_on) for row in checked]
    merged: dict[str, dict[str, Any]] = {}
    for name, row in zip(names, checked, strict=True):
        merged.setdefault(name, {}).update(row)
    stored = matches.find(table.pk, match_on, list(merged.values()))
    place_of = dict(zip(reversed(names), reversed(places), strict=True))
    written = _write_upserts(locked, names, merged, stored, place_of)
    changes.tell(table.pk, created=[row.pk for row in written.created], changed=written.keys)
    return written


def check_ids(ids: Any) -> list[int]:
    """The ids as they came. InvalidInput unless they are a list of at most 1,000 whole numbers."""
    if not isinstance(ids, list | tuple):
        raise InvalidInput.at("rows", "Give a list of row ids.")
    _check_number(ids)
    problems = [
        Problem("A row's id is a whole number.", f"rows.{index}")
        for index, row_id in enumerate(ids)
        if isinstance(row_id, bool) or not isinstance(row_id, int) or not 0 < row_id < 2**63
    ]
    if problems:
        raise InvalidInput(problems[: values.MAX_PROBLEMS])
    return list(ids)


# Steps of the verbs


def _attrs(attr: str, count: int) -> list[str]:
    return [attr.format(index) for index in range(count)]


def _check_number(rows: Sequence[Any] | Mapping[int, Any]) -> None:
    if len(rows) > MAX_ROWS:
        raise InvalidInput.at("rows", f"Give at most {MAX_ROWS} rows at once; here are {len(rows)}.", "too_many")


def _refuse_unknown(wanted: Sequence[int], found: Mapping[int, Row] | set[int]) -> None:
    problems = [
        Problem(f"There is no row {row_id} in this table.", f"rows.{index}", "unknown_row")
        for index, row_id in enumerate(wanted)
        if row_id not in found
    ]
    if problems:
        raise InvalidInput(problems[: values.MAX_PROBLEMS])


def _insert(table: Table, data: list[dict[str, Any]], after: int | None) -> list[Row]:
    """Rows of checked data; the table is locked."""
    if not data:
        return []
    places = positions.between(*_gap(table.pk, after), len(data))
    rows = Row.objects.bulk_create(
        Row(table=table, position=place, data=row) for place, row in zip(places, data, strict=True)
    )
    Table.objects.filter(pk=table.pk).update(row_count=F("row_count") + len(rows), updated_at=Now())
    marks.rows(table.pk, [row.pk for row in rows])
    return rows


def _gap(table_id: int, after: int | None) -> tuple[Decimal | None, Decimal | None]:
    """The positions of the rows on both sides of the place where rows go in; None where there is none."""
    standing = Row.objects.filter(table=table_id).order_by("position").values_list("position", flat=True)
    if after is None:
        return standing.last(), None
    _row_id(after)
    left = standing.filter(pk=after).first()
    if left is None:
        raise InvalidInput.at("after_row", f"There is no row {after} in this table.", "unknown_row")
    return left, standing.filter(position__gt=left).first()


def _row_id(after: Any) -> None:
    if isinstance(after, bool) or not isinstance(after, int) or not 0 < after < 2**63:
        raise InvalidInput.at("after_row", "A row's id is a whole number.")


def _locked_rows(table: Table, ids: Iterable[Any]) -> list[Row]:
    """The rows, locked in the order of their ids, as every writer of several rows locks them."""
    found = Row.objects.filter(table=table.pk, pk__in=check_ids(list(ids))).order_by("pk")
    return list(found.select_for_update(no_key=True))


def _patch(
    table_id: int, stored: Mapping[int, Row], patches: Mapping[int, dict[str, Any]], places: Sequence[str]
) -> dict[int, frozenset[str]]:
    """Writes what the patches really change into the locked rows; row id → the keys that changed."""
    changed: dict[int, dict[str, Any]] = {}
    for (row_id, patch), place in zip(patches.items(), places, strict=True):
        row = stored[row_id]
        news = {key: value for key, value in patch.items() if not types.same(row.data.get(key), value)}
        if news:
            row.data = {**row.data, **news}
            values.check_size(row.data, place)
            changed[row_id] = news
    if changed:
        _write_patches(stored, changed)
        marks.rows(table_id, changed)
    return {row_id: frozenset(news) for row_id, news in changed.items()}


def _write_patches(stored: Mapping[int, Row], changed: Mapping[int, dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        patches: dict[str, Any] = {"ids": list(changed), "patches": [Jsonb(news) for news in changed.values()]}
        cursor.execute(statements.read("patch_rows"), patches)
        for row_id, updated_at in cursor.fetchall():
            stored[row_id].updated_at = updated_at


def _delete(table_id: int, doomed: Any) -> int:
    try:
        sql, params = doomed.values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statements.read("delete_rows").format(doomed=sql), [*params, table_id])
        (count,) = cursor.fetchone()
    return int(count)


def _write_upserts(
    table: Table,
    names: Sequence[str],
    merged: Mapping[str, dict[str, Any]],
    stored: Mapping[str, Row],
    place_of: Mapping[str, str],
) -> Upserts:
    patches = {stored[name].pk: data for name, data in merged.items() if name in stored}
    places = [place_of[name] for name in merged if name in stored]
    keys = _patch(table.pk, {row.pk: row for row in stored.values()}, patches, places)
    news = {name: data for name, data in merged.items() if name not in stored}
    for name, data in news.items():
        values.check_size(data, place_of[name])
    created = dict(zip(news, _insert(table, list(news.values()), None), strict=True))
    seen: set[str] = set()
    results: list[tuple[Row, str]] = []
    for name in names:
        first = name in created and name not in seen
        results.append((created.get(name) or stored[name], "created" if first else "updated"))
        seen.add(name)
    return Upserts(tuple(results), tuple(created.values()), keys)
