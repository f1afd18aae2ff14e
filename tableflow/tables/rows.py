"""The rows of a table: insert, update, delete, upsert. Each is all or nothing, and one statement over its set.

Inserts and deletes hold the table's lock, which keeps positions apart and `row_count` true. A row never moves.
What is written is told to the floors above (changes.py), in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Q

from tableflow.errors import InvalidInput
from tableflow.live import marks
from tableflow.tables import changes, expected, gaps, ids, matches, schema, statements, stored, values
from tableflow.tables.gaps import Afters
from tableflow.tables.locks import lock
from tableflow.tables.models import Row, Table

MAX_ROWS = 1000
NOTHING: Mapping[int, Any] = MappingProxyType({})


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
def insert(
    table: Table,
    data: Sequence[Any],
    *,
    after: int | None = None,
    afters: Afters = gaps.NONE,
    attr: str = "rows.{}.data",
) -> list[Row]:
    """New rows, in the order given: after the row of that id, or (None) at the end.

    `afters` (index → row id, None: at the top) gives some of them places of their own, which those that follow them
    share. At most 1,000 at once. InvalidInput names what is wrong by `attr`, where {} is the index; an unknown `after`
    is named `after_row`, of `afters` rows.{}.after_row. NotFound when the table was deleted.
    """
    locked = lock(table.pk)
    _check_number(data)
    places = _attrs(attr, len(data))
    checked = values.checked(schema.load(table.pk), zip(places, data, strict=True))
    for place, row in zip(places, checked, strict=True):
        values.check_size(row, place)
    made = stored.place(locked, checked, gaps.places(table.pk, len(checked), after, afters))
    changes.tell(table.pk, created=[row.pk for row in made])
    return made


@transaction.atomic
def update(
    table: Table,
    patches: Mapping[int, Any],
    *,
    believed: Mapping[int, Any] = NOTHING,
    attr: str = "rows.{}.{}",
) -> Changes:
    """Merges each patch into its row: keys that are absent are untouched, null empties. All or nothing.

    `believed` has what the writer believes to be in some cells, by row id and column key: Conflict where it is not,
    and then nothing is written. InvalidInput names unknown rows, unknown columns and wrong values. What is named is
    named by `attr`, where the braces are the index of the row, and data or expected.
    """
    _check_number(patches)
    changes.announce(table.pk, patches.values())
    named = list(patches)
    ids.check(ids.placed(named))
    known = schema.load(table.pk)
    places = [attr.format(index, "data") for index in range(len(named))]
    checked = values.checked(known, zip(places, patches.values(), strict=True))
    found = stored.locked(table.pk, named)
    ids.refuse_unknown(ids.placed(named), found)
    asked = ((attr.format(index, "expected"), row_id) for index, row_id in enumerate(named) if row_id in believed)
    expected.check(known, ((place, found[row_id].data, believed[row_id]) for place, row_id in asked))
    keys = stored.patch(table.pk, found, dict(zip(named, checked, strict=True)), places)
    changes.tell(table.pk, changed=keys)
    return Changes(tuple(found[row_id] for row_id in named), keys)


@transaction.atomic
def delete(table: Table, rows: Sequence[int] | None = None, q: Q | None = None) -> int:
    """Deletes the rows of these ids, or the rows of the table that the condition holds for; how many they were.

    InvalidInput names ids that are not in the table; then none is deleted.
    """
    if (rows is None) == (q is None):
        raise InvalidInput.at("rows", "Name the rows to delete, or give a filter: one of the two.")
    lock(table.pk)
    doomed = Row.objects.filter(table=table.pk).order_by("pk").select_for_update()
    if rows is not None:
        wanted = list(dict.fromkeys(ids.listed(rows)))
        doomed = doomed.filter(pk__in=wanted)
        ids.refuse_unknown(ids.placed(wanted), set(doomed.values_list("pk", flat=True)))
    deleted = _delete(table.pk, doomed.filter(q) if q is not None else doomed)
    if deleted:
        marks.rows(table.pk, rows)
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
    standing = matches.find(table.pk, match_on, list(merged.values()))
    place_of = dict(zip(reversed(names), reversed(places), strict=True))
    written = _write_upserts(locked, names, merged, standing, place_of)
    changes.tell(table.pk, created=[row.pk for row in written.created], changed=written.keys)
    return written


# Steps of the verbs


def _attrs(attr: str, count: int) -> list[str]:
    return [attr.format(index) for index in range(count)]


def _check_number(rows: Sequence[Any] | Mapping[int, Any]) -> None:
    if len(rows) > MAX_ROWS:
        raise InvalidInput.at("rows", f"Give at most {MAX_ROWS} rows at once; here are {len(rows)}.", "too_many")


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
    standing: Mapping[str, Row],
    place_of: Mapping[str, str],
) -> Upserts:
    patches = {standing[name].pk: data for name, data in merged.items() if name in standing}
    places = [place_of[name] for name in merged if name in standing]
    keys = stored.patch(table.pk, {row.pk: row for row in standing.values()}, patches, places)
    news = {name: data for name, data in merged.items() if name not in standing}
    for name, data in news.items():
        values.check_size(data, place_of[name])
    made = stored.place(table, list(news.values()), gaps.places(table.pk, len(news), None))
    created = dict(zip(news, made, strict=True))
    seen: set[str] = set()
    results: list[tuple[Row, str]] = []
    for name in names:
        first = name in created and name not in seen
        results.append((created.get(name) or standing[name], "created" if first else "updated"))
        seen.add(name)
    return Upserts(tuple(results), tuple(created.values()), keys)
