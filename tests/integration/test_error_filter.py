"""The filter `@<group>.error`: which rows it finds, in a list as in a run."""

from __future__ import annotations

from typing import Any

import pytest

from cells.filters import cell_predicate
from cells.models import Execution
from dispatch import scope
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from tableflow.tables import filters, groups, schema
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes

# n → the status and the error of its cell; further rows never ran.
CELLS = {
    1: ("error", "503 Service Unavailable"),
    2: ("error", "503 service unavailable"),
    3: ("error", "100% of it"),
    4: ("error", "100 of it"),
    5: ("error", ""),
    6: ("completed", None),
    7: ("skipped", None),
    8: ("pending", "503 Service Unavailable"),
}
ROWS = set(range(1, 11))


@pytest.fixture
def group(db: None) -> Group:
    """The group whose cells those are."""
    table = scenes.table(len(ROWS))
    made = scenes.group(table, scenes.doubling(table))
    rows = {row.data["n"]: row for row in Row.objects.filter(table=table)}
    Execution.objects.bulk_create(
        Execution(row=rows[n], group=made, position=rows[n].position, status=status, error=error)
        for n, (status, error) in CELLS.items()
    )
    return made


def found(group: Group, op: str, **value: Any) -> set[int]:
    known = schema.load(group.table_id)
    node = {"field": f"@{group.pk}.error", "op": op, **value}
    condition = filters.compile_filter(known, node, cell_predicate(known))
    negated = set(Row.objects.filter(~condition, table=group.table_id).values_list("data__n", flat=True))
    rows = set(Row.objects.filter(condition, table=group.table_id).values_list("data__n", flat=True))
    assert rows | negated == ROWS
    assert not rows & negated
    return rows


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("eq", "503 Service Unavailable", {1}),
        ("eq", "503", set()),
        ("eq", "", {5}),
        ("in", ["100% of it", "100 of it"], {3, 4}),
        ("contains", "SERVICE", {1, 2}),
        ("contains", "0% o", {3}),
        ("contains", "100_of", set()),
        ("starts_with", "503 s", {1, 2}),
        ("ends_with", "OF IT", {3, 4}),
    ],
)
def test_failed_cells_are_found_by_their_message(group: Group, op: str, value: Any, expected: set[int]) -> None:
    assert found(group, op, value=value) == expected
    opposite = {"eq": "ne", "in": "nin", "contains": "ncontains"}.get(op)
    if opposite:
        assert found(group, opposite, value=value) == ROWS - expected


def test_a_cell_that_did_not_fail_has_no_error(group: Group) -> None:
    assert found(group, "is_not_empty") == {1, 2, 3, 4}
    assert found(group, "is_empty") == ROWS - {1, 2, 3, 4}


def test_what_is_cancelled_by_its_message_is_cancelled_alone(group: Group) -> None:
    worker, dispatch = hands.worker(), begin(group.table_id, mode="failed")
    hands.admit(dispatch)
    hands.claim(worker, dispatch, most=1)
    # Rows 2 to 5 are stamped, and show no message any more: nobody means them.
    meant = {"field": f"@{group.pk}.error", "op": "starts_with", "value": "503"}
    assert cancel_runs(group.table_id, filter=meant) == 0
    Execution.objects.filter(group=group, row__data__n=2).update(status="error")
    later = begin(group.table_id, mode="failed", filter=meant)
    assert [window.rows for window in filter(None, [hands.admit(later)])] == [1]


def test_a_run_keeps_its_filter_when_the_column_that_it_names_is_gone(group: Group) -> None:
    meant = {"field": f"@{group.pk}.error", "op": "contains", "value": "service"}
    dispatch = begin(group.table_id, mode="failed", filter=meant)
    groups.delete(Table.objects.get(), group.pk)
    assert set(scope.rows(dispatch).values_list("data__n", flat=True)) == {1, 2}
