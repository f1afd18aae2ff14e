"""The next rows of a dispatch: which, in which order, and how little of the table is touched to find them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from cells.models import Execution
from dispatch import scope
from dispatch.begin import begin
from dispatch.models import Dispatch
from dispatch.pick import by_index, pick, statement
from tableflow.tables.models import Group, Row, Table
from tests import scenes
from tests.plans import explained, indexes, touched

pytestmark = pytest.mark.django_db

MANY = 50_000


def numbers(dispatch: Dispatch, most: int = 1000) -> list[int]:
    """The picked rows, by their column `n`."""
    ids = [row.id for row in pick(dispatch, most)]
    found = dict(Row.objects.filter(pk__in=ids).values_list("pk", "data__n"))
    return [found[pk] for pk in ids]


def scene(rows: int, *keys: str, **options: Any) -> tuple[Table, list[Group]]:
    table = scenes.table(rows)
    return table, [scenes.group(table, scenes.doubling(table), key, **options) for key in keys or ("out",)]


def ran(group: Group, of: str, status: str = "completed") -> None:
    """Let the group have run in the rows for which the condition on `r.n` holds, long ago."""
    chosen = of.replace("%", "%%")
    with connection.cursor() as cursor:
        # Nothing is known yet of rows that were just made: taken for few, they would be joined one by one.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(
            f"""
            WITH r AS (SELECT id, position, (data ->> 'n')::int AS n FROM tables_row WHERE table_id = %s),
            done AS (
              UPDATE tables_row t SET done = t.done | %s FROM r WHERE %s AND t.id = r.id AND ({chosen})
            )
            INSERT INTO cells_execution (row_id, group_id, position, status, fence, sequence, attempt, losses)
            SELECT r.id, %s, r.position, %s, 1, 0, 1, 0 FROM r WHERE {chosen}
            """,
            [group.table_id, 1 << group.bit, status == "completed", group.pk, status],
        )
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def test_rows_come_in_the_visible_order_after_the_cursor():
    table, _ = scene(6)
    Row.objects.create(table=table, position="2.5", data={"n": 100})
    dispatch = begin(table.pk, mode="all")
    assert numbers(dispatch) == [1, 2, 100, 3, 4, 5, 6]
    assert numbers(dispatch, 3) == [1, 2, 100]
    dispatch.cursor = 2
    assert numbers(dispatch, 2) == [100, 3]
    dispatch.cursor = 6
    assert numbers(dispatch) == []


@pytest.mark.parametrize("mode", ["all", "incomplete", "new", "failed"])
def test_each_mode_picks_its_rows_in_order_whatever_their_done_bits(mode):
    table, (one, other) = scene(12, "one", "other")
    ran(one, "r.n % 3 = 0")
    ran(one, "r.n % 3 = 1", "error")
    ran(other, "r.n % 2 = 0")
    expected = {
        "all": list(range(1, 13)),
        "incomplete": [n for n in range(1, 13) if n % 3],
        "new": [n for n in range(1, 13) if n % 3 == 2],
        "failed": [n for n in range(1, 13) if n % 3 == 1],
    }
    dispatch = begin(table.pk, mode=mode, groups=[one.pk])
    assert numbers(dispatch) == expected[mode]
    assert numbers(dispatch, 2) == expected[mode][:2]
    dispatch.cursor = 4
    assert numbers(dispatch) == [n for n in expected[mode] if n > 4]


def test_a_row_says_which_of_several_groups_are_eligible_in_it():
    table, (one, two, three) = scene(4, "one", "two", "three")
    Group.objects.filter(pk=three.pk).update(run_after=["one"])
    ran(one, "r.n IN (1, 3)")
    ran(two, "r.n IN (1, 2)")
    ran(three, "r.n = 1")
    Row.objects.filter(table=table, data__n=3).update(data={"n": 3, "one": 9})
    picked = pick(begin(table.pk), 10)
    assert [row.groups for row in picked] == [(one.pk,), (two.pk, three.pk), (one.pk, two.pk)]


def test_rows_whose_dependencies_are_unmet_are_passed_over():
    table, _ = scene(4, run_after=["n"])
    Row.objects.filter(table=table, data__n=2).update(data={"n": ""})
    dispatch = begin(table.pk)
    assert [row.position for row in pick(dispatch, 10)] == [1, 3, 4]


def test_a_limit_counts_rows_and_none_are_picked_when_none_are_wanted():
    table, _ = scene(4)
    assert pick(begin(table.pk), 0) == []


def plan(dispatch: Dispatch, most: int, end: Decimal | None = None) -> dict[str, Any]:
    sql, params = statement(dispatch, scope.planned(dispatch), most, end)
    with by_index():
        return explained(sql, params)


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tables_row, cells_execution")


def test_what_is_picked_of_a_big_table_is_found_by_an_index_and_not_by_a_walk():
    table, (group,) = scene(MANY)
    ran(group, "r.n % 5000 <> 0")
    analyze()

    incomplete = begin(table.pk)
    assert numbers(incomplete) == list(range(5000, MANY + 1, 5000))
    found = plan(incomplete, 100)
    assert "rows_by_done" in indexes(found)
    assert touched(found) < 100

    new = begin(table.pk, mode="new")
    assert touched(plan(new, 100)) < 100

    Execution.objects.filter(group=group, row__data__n__in=[7, 30_001]).update(status="error")
    failed = begin(table.pk, mode="failed")
    assert numbers(failed) == [7, 30_001]
    found = plan(failed, 100)
    assert "failed_executions" in indexes(found)
    assert touched(found) < 100

    everything = begin(table.pk, mode="all")
    everything.cursor = 20_000
    assert numbers(everything, 3) == [20_001, 20_002, 20_003]
    found = plan(everything, 100)
    assert "one_row_per_position" in indexes(found)
    assert touched(found) < 500


def test_few_rows_left_over_by_several_groups_are_found_by_the_index_too():
    table, groups = scene(MANY, "one", "two")
    ran(groups[0], "r.n % 10000 <> 0")
    ran(groups[1], "r.n % 12500 <> 0")
    analyze()
    dispatch = begin(table.pk)
    assert numbers(dispatch) == [10_000, 12_500, 20_000, 25_000, 30_000, 37_500, 40_000, 50_000]
    assert touched(plan(dispatch, 100)) < 200


def test_other_statements_of_the_transaction_are_planned_as_before():
    table, _ = scene(1)
    pick(begin(table.pk), 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM pg_settings WHERE name LIKE 'enable_%' AND setting = 'off' AND boot_val = 'on'"
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT setting = reset_val FROM pg_settings WHERE name = 'work_mem'")
        assert cursor.fetchone() == (True,)
