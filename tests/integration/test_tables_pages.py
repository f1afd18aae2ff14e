"""Pages of rows: order, cursors, sorting, searching, counting, and the plans of the queries."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tableflow.errors import InvalidInput
from tableflow.tables import pages, rows, schema
from tableflow.tables.models import Column, Row, Table
from tableflow.tables.pages import Page
from tests.factories import ColumnFactory, TableFactory

pytestmark = pytest.mark.django_db


def table_of(data: Sequence[Any], **columns: str) -> Table:
    table = TableFactory.create(columns=columns or {"n": "number"})
    rows.insert(table, list(data))
    return table


def fetch(table: Table, **arguments: Any) -> Page:
    return pages.fetch(schema.load(table.pk), **arguments)


def values(page: Page, key: str = "n") -> list[Any]:
    return [row.data.get(key) for row in page.rows]


def all_pages(table: Table, **arguments: Any) -> list[Any]:
    found: list[Any] = []
    after = None
    while True:
        page = fetch(table, after=after, **arguments)
        found += values(page)
        after = page.next_cursor
        if after is None:
            return found


def test_pages_follow_the_visible_order() -> None:
    table = table_of([{"n": n} for n in range(10)])
    rows.insert(table, [{"n": 4.5}], after=Row.objects.get(data__n=4).pk)
    assert all_pages(table, limit=3) == [0, 1, 2, 3, 4, 4.5, 5, 6, 7, 8, 9]
    assert values(fetch(table, limit=2, offset=4)) == [4, 4.5]
    assert values(fetch(table, offset=100)) == []


def test_the_last_page_has_no_cursor() -> None:
    table = table_of([{"n": n} for n in range(4)])
    first = fetch(table, limit=2)
    assert first.next_cursor is not None
    assert fetch(table, limit=2, after=first.next_cursor).next_cursor is None
    assert fetch(TableFactory.create()) == Page([], 0, None)


def test_a_cursor_is_stable_while_rows_come_and_go() -> None:
    table = table_of([{"n": n} for n in range(10)])
    page = fetch(table, limit=4)
    made = {row.data["n"]: row.pk for row in Row.objects.all()}
    rows.delete(table, [made[0], made[3], made[5]])
    rows.insert(table, [{"n": 0.5}], after=made[1])
    rows.insert(table, [{"n": 4.5}], after=made[4])
    assert values(fetch(table, limit=4, after=page.next_cursor)) == [4, 4.5, 6, 7]


def test_a_cursor_holds_a_position_of_any_length() -> None:
    table = table_of([{"n": 1}, {"n": 99}])
    first = Row.objects.get(data__n=1).pk
    for n in range(60):
        rows.insert(table, [{"n": n}], after=first)
    assert all_pages(table, limit=1) == [1, *reversed(range(60)), 99]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!!!", "a" * 20_000, "ä", base64.b64encode(b"1:abc").decode(), base64.b64encode(b"999:1").decode()],
)
def test_a_cursor_that_is_none_is_refused(cursor: str) -> None:
    table = table_of([{"n": 1}])
    with pytest.raises(InvalidInput) as error:
        fetch(table, after=cursor)
    assert error.value.problems[0].attr == "after"


def test_a_cursor_of_another_table_is_refused() -> None:
    cursor = fetch(table_of([{"n": 1}, {"n": 2}]), limit=1).next_cursor
    with pytest.raises(InvalidInput, match="this table"):
        fetch(table_of([{"n": 1}]), after=cursor)


@pytest.mark.parametrize(
    ("arguments", "attr"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"offset": -1}, "offset"),
        ({"offset": 2**70}, "offset"),
        ({"sort": ["nope"]}, "sort"),
        ({"sort": [""]}, "sort"),
        ({"sort": ["--n"]}, "sort"),
        ({"sort": ["n"] * 17}, "sort"),
        ({"after": "x", "sort": ["n"]}, "after"),
        ({"after": "x", "offset": 1}, "after"),
        ({"search": "x" * 1001}, "search"),
        ({"search": "\x00"}, "search"),
        ({"search": "\ud800"}, "search"),
    ],
)
def test_wrong_questions_are_named(arguments: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidInput) as error:
        fetch(table_of([{"n": 1}]), **arguments)
    assert [problem.attr for problem in error.value.problems] == [attr]


def test_numbers_sort_as_numbers_with_empty_ones_last() -> None:
    table = table_of([{"n": 10}, {"n": None}, {"n": 9}, {}, {"n": -1.5}])
    Row.objects.filter(data={"n": None}).update(data={"n": "odd"})
    assert values(fetch(table, sort=["n"]))[:3] == [-1.5, 9, 10]
    assert values(fetch(table, sort=["-n"])) == [10, 9, -1.5, "odd", None]


def test_text_sorts_without_regard_to_case_and_times_in_time() -> None:
    table = table_of([{"n": "b"}, {"n": "A"}, {"n": ""}, {"n": "c"}, {"n": "a"}], n="text")
    assert values(fetch(table, sort=["n"])) == ["A", "a", "b", "c", None]
    assert values(fetch(table, sort=["-n"])) == ["c", "b", "A", "a", None]
    moments = ["2024-01-01T00:00:00.5Z", "2024-01-01T00:00:01Z", "2024-01-01T00:00:00Z"]
    table = table_of([{"n": moment} for moment in moments], n="datetime")
    assert [moment[17:19] + moment[19:21] for moment in values(fetch(table, sort=["n"]))] == ["00Z", "00.5", "01Z"]


def test_booleans_and_lists_sort() -> None:
    table = table_of([{"n": True}, {}, {"n": False}], n="boolean")
    assert values(fetch(table, sort=["n"])) == [False, True, None]
    table = table_of([{"n": ["b"]}, {"n": []}, {"n": ["a", "c"]}], n="multiselect")
    assert values(fetch(table, sort=["-n"])) == [["b"], ["a", "c"], []]


def test_several_columns_sort_one_after_the_other_and_ties_stay_in_order() -> None:
    data = [{"n": 1, "m": "x"}, {"n": 2, "m": "y"}, {"n": 1, "m": "y"}, {"n": 2, "m": "x"}, {"n": 1, "m": "x"}]
    table = table_of(data, n="number", m="text")
    found = fetch(table, sort=["-m", "n"])
    assert [(row.data["m"], row.data["n"]) for row in found.rows] == [("y", 1), ("y", 2), ("x", 1), ("x", 1), ("x", 2)]
    assert found.rows[2].position < found.rows[3].position


def test_a_search_looks_at_the_values_of_live_columns_only() -> None:
    data = [{"n": "Straße", "m": 17}, {"n": "100%", "m": 1}, {"n": "1000", "m": 2}, {"n": "x", "m": None}]
    table = table_of(data, n="text", m="number")
    assert values(fetch(table, search="STRA")) == ["Straße"]
    assert values(fetch(table, search="17")) == ["Straße"]
    assert values(fetch(table, search="0%")) == ["100%"]
    assert values(fetch(table, search=" 1000 ")) == ["1000"]
    assert values(fetch(table, search="m")) == []
    assert fetch(table, search="  ").count == 4
    Column.objects.filter(key="m").update(deleted_at="2024-01-01T00:00:00Z")
    assert fetch(table, search="17") == Page([], 0, None)


def test_a_search_looks_into_lists_and_objects() -> None:
    table = table_of([{"n": {"deep": ["Needle"]}}, {"n": 5}], n="json")
    assert fetch(table, search="needle").count == 1


def test_the_count_is_that_of_the_filter() -> None:
    table = table_of([{"n": n} for n in range(7)])
    assert fetch(table, limit=2).count == 7
    assert fetch(table, limit=2, q=Q(data__n__gt=3)).count == 3
    page = fetch(table, limit=2, q=Q(data__n__gt=3))
    assert values(fetch(table, limit=2, q=Q(data__n__gt=3), after=page.next_cursor)) == [6]


def test_a_page_costs_two_queries_however_many_rows_it_has(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    table = table_of([{"n": n} for n in range(300)])
    known = schema.load(table.pk)
    with django_assert_num_queries(2):
        assert len(pages.fetch(known, limit=300, search="1").rows) == 138
    with django_assert_num_queries(2):
        assert len(pages.fetch(known, limit=300).rows) == 300


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_paging_walks_the_index_of_positions() -> None:
    for _ in range(3):
        table = TableFactory.create(columns={"n": "number"})
        Row.objects.bulk_create(Row(table=table, position=n, data={"n": n}) for n in range(4000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tables_row")
    known = schema.load(table.pk)
    after = pages.fetch(known, limit=1, offset=2000).next_cursor
    for arguments in ({}, {"after": after}, {"offset": 50}):
        with CaptureQueriesContext(connection) as queries:
            pages.fetch(known, limit=100, **arguments)
        found = plan(queries.captured_queries[-1]["sql"])
        assert "Index Scan using one_row_per_position" in found, found
        assert "Sort" not in found


def test_a_hidden_column_has_no_part_in_the_schema() -> None:
    table = TableFactory.create(columns={"a": "text", "b": "text"})
    ColumnFactory.create(table=table, key="gone", deleted_at="2024-01-01T00:00:00Z")
    known = schema.load(table.pk)
    assert known.keys == ("a", "b")
    assert known.column("gone") is None
