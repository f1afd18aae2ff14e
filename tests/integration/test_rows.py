"""Rows: inserted in order, patched, deleted and upserted as sets, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tableflow.errors import InvalidInput, NotFound
from tableflow.tables import ids, rows, types
from tableflow.tables.models import Row, Table
from tests.factories import TableFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def table() -> Any:
    return TableFactory.create(
        columns={"name": "text", "age": "number", "done": "boolean", "tags": "multiselect", "raw": "json"}
    )


def names(table: Table) -> list[str]:
    return [row.data["name"] for row in Row.objects.filter(table=table).order_by("position")]


def attrs(error: pytest.ExceptionInfo[InvalidInput]) -> list[str | None]:
    return [problem.attr for problem in error.value.problems]


def count(table: Table) -> int:
    table.refresh_from_db()
    return table.row_count


def test_rows_are_inserted_at_the_end_in_the_order_given(table: Table) -> None:
    rows.insert(table, [{"name": "a"}, {"name": "b"}])
    made = rows.insert(table, [{"name": "c", "age": "12"}])
    assert names(table) == ["a", "b", "c"]
    assert made[0].pk
    assert made[0].data == {"name": "c", "age": 12}
    assert count(table) == 3


def test_rows_go_between_two_others_and_nobody_moves(table: Table) -> None:
    first, last = rows.insert(table, [{"name": "a"}, {"name": "z"}])
    rows.insert(table, [{"name": "b"}, {"name": "c"}], after=first.pk)
    rows.insert(table, [{"name": "zz"}], after=last.pk)
    assert names(table) == ["a", "b", "c", "z", "zz"]
    assert {first.position, last.position} <= set(Row.objects.values_list("position", flat=True))


def test_a_thousand_inserts_into_the_same_gap_stay_ordered(table: Table) -> None:
    first, _last = rows.insert(table, [{"name": "first"}, {"name": "last"}])
    for number in range(1000):
        rows.insert(table, [{"name": f"{number}"}], after=first.pk)
    assert names(table) == ["first", *map(str, reversed(range(1000))), "last"]
    assert count(table) == 1002


def test_inserting_a_thousand_rows_costs_as_many_statements_as_one(
    table: Table, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with CaptureQueriesContext(connection) as one:
        rows.insert(table, [{"name": "a"}])
    with django_assert_num_queries(len(one)):
        rows.insert(table, [{"name": f"{n}"} for n in range(1000)])


def test_a_wrong_value_stops_the_whole_insert_and_is_named(table: Table) -> None:
    with pytest.raises(InvalidInput) as error:
        rows.insert(table, [{"age": 1}, {"age": "old"}, {"done": "perhaps", "nme": 1}, 7])
    assert attrs(error) == ["rows.1.data.age", "rows.2.data.done", "rows.2.data.nme", "rows.3.data"]
    assert "name, age, done, tags, raw" in str(error.value)
    assert not Row.objects.exists()
    assert count(table) == 0


def test_a_single_row_is_named_as_the_caller_names_it(table: Table) -> None:
    with pytest.raises(InvalidInput) as error:
        rows.insert(table, [{"age": []}], attr="data")
    assert attrs(error) == ["data.age"]


@pytest.mark.parametrize("value", ["a\x00b", "\ud800", {"deep": ["\x00"]}, {"\x00": 1}, float("nan")])
def test_what_the_database_cannot_hold_is_refused(table: Table, value: object) -> None:
    with pytest.raises(InvalidInput) as error:
        rows.insert(table, [{"raw": value}])
    assert attrs(error) == ["rows.0.data.raw"]


def test_a_row_that_is_too_large_is_refused(table: Table) -> None:
    for n in range(5):
        table.columns.create(key=f"big{n}", name="Big", type="text", position=9 + n)
    big = "x" * (types.MAX_VALUE_BYTES - 10)
    with pytest.raises(InvalidInput, match="4 MiB"):
        rows.insert(table, [{f"big{n}": big for n in range(5)}])
    (row,) = rows.insert(table, [{f"big{n}": big for n in range(3)}])
    with pytest.raises(InvalidInput, match="4 MiB"):
        rows.update(table, {row.pk: {"big3": big, "big4": big}})


def test_more_than_a_thousand_rows_at_once_are_refused(table: Table) -> None:
    with pytest.raises(InvalidInput, match="at most 1000"):
        rows.insert(table, [{}] * 1001)


@pytest.mark.parametrize("after", [0, -1, 2**70, "1", True, 99999999])
def test_an_unknown_neighbour_is_named(table: Table, after: Any) -> None:
    with pytest.raises(InvalidInput) as error:
        rows.insert(table, [{}], after=after)
    assert attrs(error) == ["after_row"]


def test_a_neighbour_in_another_table_is_unknown(table: Table) -> None:
    (row,) = rows.insert(TableFactory.create(), [{}])
    with pytest.raises(InvalidInput):
        rows.insert(table, [{}], after=row.pk)


def test_a_deleted_table_takes_no_rows(table: Table) -> None:
    Table.objects.filter(pk=table.pk).update(deleted_at="2024-01-01T00:00:00Z")
    with pytest.raises(NotFound):
        rows.insert(table, [{}])


def test_an_update_merges_and_says_what_really_changed(table: Table) -> None:
    a, b, c = rows.insert(table, [{"name": "a", "age": 1}, {"name": "b", "age": 2}, {"name": "c", "done": False}])
    changes = rows.update(
        table, {c.pk: {"done": 0}, a.pk: {"age": "1.0", "name": "A"}, b.pk: {"age": None, "raw": None}}
    )
    assert changes.keys == {a.pk: {"name"}, b.pk: {"age"}}
    assert [row.data for row in changes.rows] == [
        {"name": "c", "done": False},
        {"name": "A", "age": 1},
        {"name": "b", "age": None},
    ]
    assert {row.pk: row.data for row in Row.objects.all()} == {row.pk: row.data for row in changes.rows}


def test_an_update_is_one_statement_for_many_rows(
    table: Table, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = rows.insert(table, [{"age": n} for n in range(500)])
    with django_assert_num_queries(9):
        rows.update(table, {row.pk: {"age": row.data["age"] + 1} for row in made})
    assert sorted(Row.objects.values_list("data__age", flat=True)) == list(range(1, 501))


def test_true_is_not_one(table: Table) -> None:
    (row,) = rows.insert(table, [{"raw": 1}])
    assert rows.update(table, {row.pk: {"raw": True}}).keys == {row.pk: {"raw"}}


def test_an_update_of_an_unknown_row_changes_nothing(table: Table) -> None:
    (row,) = rows.insert(table, [{"name": "a"}])
    (other,) = rows.insert(TableFactory.create(columns={"name": "text"}), [{"name": "o"}])
    with pytest.raises(InvalidInput) as error:
        rows.update(table, {row.pk: {"name": "b"}, other.pk: {"name": "b"}})
    assert attrs(error) == ["rows.1"]
    assert str(other.pk) in str(error.value)
    assert names(table) == ["a"]


def test_rows_are_deleted_by_id_all_or_none(table: Table) -> None:
    a, b, c = rows.insert(table, [{"name": "a"}, {"name": "b"}, {"name": "c"}])
    with pytest.raises(InvalidInput) as error:
        rows.delete(table, [a.pk, 987654321])
    assert attrs(error) == ["rows.1"]
    assert rows.delete(table, [a.pk, c.pk, a.pk]) == 2
    assert names(table) == ["b"]
    assert count(table) == 1
    assert rows.delete(table, [b.pk]) == 1


def test_rows_are_deleted_by_a_condition(table: Table) -> None:
    rows.insert(table, [{"age": n} for n in range(10)])
    rows.insert(TableFactory.create(), [{}])
    assert rows.delete(table, q=Q(data__age__gte=4)) == 6
    assert count(table) == 4
    assert rows.delete(table, q=Q(pk__in=[])) == 0
    assert rows.delete(table, q=Q()) == 4
    assert Row.objects.count() == 1


def test_a_delete_names_rows_or_a_filter(table: Table) -> None:
    with pytest.raises(InvalidInput):
        rows.delete(table)
    with pytest.raises(InvalidInput):
        rows.delete(table, [1], Q())


def test_an_upsert_updates_what_matches_and_appends_the_rest(table: Table) -> None:
    a, _b = rows.insert(table, [{"name": "a", "age": 1}, {"name": "b", "age": 2}])
    outcome = rows.upsert(
        table, ["name"], [{"name": "c", "age": 3}, {"name": "a", "done": True}, {"name": "b", "age": 2}]
    )
    assert [(row.data["name"], what) for row, what in outcome.results] == [
        ("c", "created"),
        ("a", "updated"),
        ("b", "updated"),
    ]
    assert outcome.keys == {a.pk: {"done"}}
    assert [row.data["name"] for row in outcome.created] == ["c"]
    assert names(table) == ["a", "b", "c"]
    assert Row.objects.get(pk=a.pk).data == {"name": "a", "age": 1, "done": True}
    assert count(table) == 3


def test_an_upsert_matches_numbers_and_lists_as_json(table: Table) -> None:
    rows.insert(table, [{"name": "a", "age": 1, "raw": {"x": [1, 2.0]}}, {"name": "b", "age": 1.5, "raw": True}])
    outcome = rows.upsert(
        table,
        ["age", "raw"],
        [
            {"age": 1.0, "raw": {"x": [1.0, 2]}, "name": "A"},
            {"age": "1.50", "raw": True, "name": "B"},
            {"age": 1.5, "raw": 1, "name": "C"},
        ],
    )
    assert [what for _, what in outcome.results] == ["updated", "updated", "created"]
    assert names(table) == ["A", "B", "C"]


def test_of_several_matches_the_first_in_the_visible_order_is_updated(table: Table) -> None:
    first, last = rows.insert(table, [{"name": "x"}, {"name": "x"}])
    (middle,) = rows.insert(table, [{"name": "x"}], after=first.pk)
    outcome = rows.upsert(table, ["name"], [{"name": "x", "age": 5}])
    assert outcome.results[0][0].pk == first.pk
    rows.delete(table, [first.pk])
    outcome = rows.upsert(table, ["name"], [{"name": "x", "age": 6}])
    assert outcome.results[0][0].pk == middle.pk
    assert Row.objects.get(pk=last.pk).data == {"name": "x"}


def test_the_later_of_two_equal_given_rows_updates_the_earlier(table: Table) -> None:
    outcome = rows.upsert(table, ["name"], [{"name": "n", "age": 1}, {"name": "n", "done": True}])
    assert [what for _, what in outcome.results] == ["created", "updated"]
    assert outcome.results[0][0].pk == outcome.results[1][0].pk
    assert Row.objects.get().data == {"name": "n", "age": 1, "done": True}


@pytest.mark.parametrize(
    ("match_on", "data", "attr"),
    [
        ([], [{}], "match_on"),
        (["nope"], [{"name": "a"}], "match_on.0"),
        ([7], [{"name": "a"}], "match_on.0"),
        (["name"], [{"name": "a"}, {"age": 3}], "rows.1.data.name"),
        (["name"], [{"name": ""}], "rows.0.data.name"),
        (["name"], [{"name": "a"}, {"name": "b", "age": "x"}], "rows.1.data.age"),
    ],
)
def test_a_wrong_upsert_is_refused_whole(table: Table, match_on: list[Any], data: list[Any], attr: str) -> None:
    with pytest.raises(InvalidInput) as error:
        rows.upsert(table, match_on, data)
    assert attrs(error) == [attr]
    assert not Row.objects.exists()


@pytest.mark.parametrize(
    "given", ["12", None, {"a": 1}, 7, ["x"], [True], [0], [2**63], [1.0], [[]], list(range(1, 10_002))]
)
def test_ids_that_are_none_are_refused(given: Any) -> None:
    with pytest.raises(InvalidInput) as error:
        ids.listed(given)
    assert str(error.value.problems[0].attr).startswith("rows")


def test_an_upsert_of_nothing_does_nothing(table: Table) -> None:
    assert rows.upsert(table, ["name"], []).results == ()
    assert rows.insert(table, []) == []
    assert rows.update(table, {}).rows == ()
    assert rows.delete(table, []) == 0
