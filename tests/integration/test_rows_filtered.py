"""Filters against the database: the same rows as plain Python finds, whatever odd values are stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q

from tableflow.tables import filters, pages, schema, types
from tableflow.tables.models import Row, Table
from tableflow.tables.schema import Schema
from tests.factories import TableFactory

pytestmark = pytest.mark.django_db

# What a column of any type may hold by accident, besides its own values.
ODD: list[Any] = [None, "", [], {}, 0, 1, 1.5, True, False, "1", "x", "2024-01-01", ["a"], {"a": 1}, "NaN", "Ä%_\\"]
STORED: dict[str, list[Any]] = {
    "text": ["a", "A", "b", "100%", "1000", "a_c", "abc", "back\\slash", "Émile", "émile", "zz top", "a\nb"],
    "number": [0, -1, 1, 1.0, 2, 10, 1e22, 10**22, 0.1, 3.5],
    "boolean": [True, False],
    "date": ["2024-01-01", "2024-02-29", "1999-12-31"],
    "datetime": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.500000Z", "2024-01-01T00:00:01Z", "2023-06-01T12:00:00Z"],
    "json": [{"a": 1.0}, [1, 2], [2, 1], "text", 7],
    "select": ["a", "b", "Abc"],
    "multiselect": [["a"], ["b", "a"], ["a", "b"], ["b"], ["Abc"]],
    "url": ["https://example.com/", "http://Example.org/a"],
    "email": ["a@example.com", "B@example.org"],
    "currency": [1, 2.5, 100],
}
ASKED: dict[str, list[Any]] = {
    "text": ["a", "A", "%", "_", "\\", "émile", "1000", "b"],
    "number": [0, 1, "1.0", 10**22, 0.1, 2],
    "boolean": [True, "no"],
    "date": ["2024-01-01", "2024-02-29"],
    "datetime": ["2024-01-01", "2024-01-01T01:00:00.5+01:00", "2024-01-01T00:00:01Z"],
    "json": [{"a": 1}, [1, 2], "text", 7, True],
    "select": ["a", "Abc"],
    "multiselect": ["a", "b"],
    "url": ["https://example.com/"],
    "email": ["a@example.com"],
    "currency": [2.5, "€ 100"],
}
OPTIONS = {"choices": ["a", "b", "Abc"]}


def text(value: Any) -> str | None:
    """The value as PostgreSQL's ->> writes it, for those that the tests look into."""
    if value is None or isinstance(value, str):
        return value
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else None


def moment(value: str) -> str:
    return value.rstrip("Z")


def ordered(type_: str, stored: Any, asked: Any, holds: Callable[[Any, Any], bool]) -> bool:
    if type_ in types.NUMERIC_TYPES:
        return isinstance(stored, int | float) and not isinstance(stored, bool) and holds(stored, asked)
    return isinstance(stored, str) and holds(moment(stored), moment(asked))


def has(type_: str, stored: Any, asked: Any) -> bool:
    if type_ == "multiselect":
        return isinstance(stored, list) and asked[0] in stored
    return asked.upper() in (text(stored) or "").upper()


def equal(type_: str, stored: Any, asked: Any) -> bool:
    if type_ == "multiselect":
        return isinstance(stored, list) and set(stored) == set(asked)
    return types.same(stored, asked)


def one_of(type_: str, stored: Any, asked: list[Any]) -> bool:
    return any((has if type_ == "multiselect" else equal)(type_, stored, item) for item in asked)


PYTHON: dict[str, Callable[[str, Any, Any], bool]] = {
    "eq": equal,
    "ne": lambda t, s, a: not equal(t, s, a),
    "gt": lambda t, s, a: ordered(t, s, a, lambda x, y: x > y),
    "gte": lambda t, s, a: ordered(t, s, a, lambda x, y: x >= y),
    "lt": lambda t, s, a: ordered(t, s, a, lambda x, y: x < y),
    "lte": lambda t, s, a: ordered(t, s, a, lambda x, y: x <= y),
    "contains": has,
    "ncontains": lambda t, s, a: not has(t, s, a),
    "starts_with": lambda _t, s, a: (text(s) or "").upper().startswith(a.upper()),
    "ends_with": lambda _t, s, a: (text(s) or "").upper().endswith(a.upper()),
}


def no_cell(_group_id: int, _part: str, _op: str, _value: Any) -> Q:
    raise AssertionError("no cell is asked for here")


def found(known: Schema, filter_json: Any) -> list[int]:
    condition = filters.compile_filter(known, filter_json, no_cell)
    return list(Row.objects.filter(condition, table=known.table_id).order_by("id").values_list("id", flat=True))


def one_column(type_: str) -> tuple[Schema, dict[int, Any]]:
    """A table of one column with all values of its type, all odd ones, and a row without the value."""
    table = TableFactory.create()
    table.columns.create(key="v", name="V", type=type_, options=OPTIONS, position=0)
    data = [{"v": value} for value in (*STORED[type_], *ODD)]
    made = Row.objects.bulk_create(Row(table=table, position=n, data=d) for n, d in enumerate([*data, {}]))
    return schema.load(table.pk), {row.pk: row.data.get("v") for row in made}


@pytest.mark.parametrize("type_", types.TYPES)
def test_conditions_find_the_same_rows_as_python(type_: str) -> None:
    known, stored = one_column(type_)
    looks_into_text = [row_id for row_id, value in stored.items() if isinstance(value, str | bool | None)]
    for op in filters.ops_of(type_):
        if op not in PYTHON:
            continue
        for asked in ASKED[type_]:
            as_text = op in ("contains", "ncontains", "starts_with", "ends_with") and type_ != "multiselect"
            if as_text and not isinstance(asked, str):
                continue
            coerced = asked if as_text else types.coerce(type_, OPTIONS, asked)
            compared = looks_into_text if as_text else stored
            expected = [row_id for row_id in compared if PYTHON[op](type_, stored[row_id], coerced)]
            got = found(known, {"field": "v", "op": op, "value": asked})
            assert [row_id for row_id in got if row_id in compared] == expected, (op, asked)


@pytest.mark.parametrize("type_", types.TYPES)
def test_lists_of_values_find_the_same_rows_as_python(type_: str) -> None:
    known, stored = one_column(type_)
    asked = ASKED[type_][:2]
    coerced = [types.coerce(type_, OPTIONS, value) for value in asked]
    inside = [row_id for row_id, value in stored.items() if one_of(type_, value, coerced)]
    assert found(known, {"field": "v", "op": "in", "value": asked}) == inside
    outside = [row_id for row_id in stored if row_id not in inside]
    assert found(known, {"field": "v", "op": "nin", "value": asked}) == outside


@pytest.mark.parametrize("type_", types.TYPES)
def test_empty_is_null_missing_blank_or_an_empty_list(type_: str) -> None:
    known, stored = one_column(type_)
    empty = [row_id for row_id, value in stored.items() if types.is_empty(value)]
    full = [row_id for row_id in stored if row_id not in empty]
    assert found(known, {"field": "v", "op": "is_empty"}) == empty
    assert found(known, {"field": "v", "op": "eq", "value": None}) == empty
    assert found(known, {"field": "v", "op": "is_not_empty"}) == full
    assert found(known, {"field": "v", "op": "ne", "value": None}) == full


def test_a_requirement_in_sql_is_the_requirement_in_python() -> None:
    from tableflow.tables import conditions

    _known, stored = one_column("json")
    met = Row.objects.filter(conditions.requirement_met("v")).values_list("id", flat=True)
    assert set(met) == {row_id for row_id, value in stored.items() if types.requirement_met(value)}


def test_all_and_any_nest_and_negate() -> None:
    table = TableFactory.create(columns={"a": "number", "b": "text"})
    data = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3}, {"b": "x"}]
    one, two, three, four = (
        row.pk for row in Row.objects.bulk_create(Row(table=table, position=n, data=d) for n, d in enumerate(data))
    )
    known = schema.load(table.pk)
    low = {"field": "a", "op": "lt", "value": 3}
    is_x = {"field": "b", "op": "eq", "value": "x"}
    assert found(known, {"all": [low, is_x]}) == [one]
    assert found(known, {"any": [low, is_x]}) == [one, two, four]
    assert found(known, {"all": [{"any": [low, is_x]}, {"field": "b", "op": "ne", "value": "x"}]}) == [two]
    condition = filters.compile_filter(known, low, no_cell)
    assert set(Row.objects.filter(~condition).values_list("id", flat=True)) == {three, four}


def test_a_key_of_digits_or_quotes_is_a_key() -> None:
    table = TableFactory.create(columns={"1": "text"})
    row = Row.objects.create(table=table, position=1, data={"1": "x"})
    assert found(schema.load(table.pk), {"field": "1", "op": "contains", "value": "X"}) == [row.pk]


def test_a_condition_can_be_embedded_in_a_larger_statement() -> None:
    known, _stored = one_column("text")
    everything = {"any": [{"field": "v", "op": op, "value": "%a"} for op in filters.ops_of("text") if op in PYTHON]}
    condition = filters.compile_filter(
        known, {"all": [everything, {"field": "v", "op": "in", "value": ["a", "b"]}]}, no_cell
    )
    condition &= pages.search_condition(known, "a%")
    sql, params = Row.objects.filter(condition, table=known.table_id).values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"WITH picked AS ({sql}) SELECT count(*) FROM picked", params)
        assert cursor.fetchone() == (Row.objects.filter(condition).count(),)


def test_a_filter_stays_within_its_table() -> None:
    known, _ = one_column("text")
    other: Table = TableFactory.create()
    Row.objects.create(table=other, position=1, data={"v": "a"})
    assert found(known, {"field": "v", "op": "eq", "value": "a"}) != []
    assert not Row.objects.filter(table=other, pk__in=found(known, {"field": "v", "op": "eq", "value": "a"})).exists()
