"""Stale cells: what makes a finished one stale, what does not, and that mode stale runs those and no other."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cells.models import Attempt, Execution, Workflow
from cells.workflows import versions
from dispatch import effective
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.tables import columns, groups, rows, schema
from tableflow.tables.models import Column, Group, Row, Table
from tests import scenes

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 6


@pytest.fixture
def group(shared_worker: Any) -> Group:
    """A group that doubles n in each row, once run; m is a column that nobody reads."""
    table = scenes.table(ROWS)
    Column.objects.create(table=table, key="m", name="M", type="text", position=9)
    made = scenes.group(table, scenes.doubling(table))
    scenes.until_ended(begin(table.pk))
    assert stale(table) == []
    return made


def stale(table: Table, key: str = "out") -> list[int]:
    """The places of the rows whose cell is shown stale, from 1."""
    found = list(Row.objects.filter(table=table).order_by("position"))
    known = schema.load(table.pk)
    column = known.column(key)
    assert column is not None
    assert column.group_id is not None
    states = effective.states(known, found)
    return [place for place, row in enumerate(found, 1) if states[row.pk][column.group_id].stale]


def edit(table: Table, place: int, **data: Any) -> None:
    """Write values into a row, as somebody does."""
    row = Row.objects.filter(table=table).order_by("position")[place - 1]
    rows.update(table, {row.pk: data})


def run_stale(table: Table, **options: Any) -> Dispatch:
    """Run what is stale, to its end."""
    return scenes.until_ended(begin(table.pk, mode="stale", **options))


def attempts(group: Group) -> list[int]:
    """How often each row's cell was tried, in the visible order."""
    return list(Execution.objects.filter(group=group).order_by("position").values_list("attempt", flat=True))


def test_only_the_cell_whose_input_was_edited_is_stale_and_only_it_runs(group: Group) -> None:
    edit(group.table, 3, n=30)
    assert stale(group.table) == [3]
    assert scenes.values(group.table) == [2, 4, 6, 8, 10, 12]
    dispatch = run_stale(group.table)
    assert (dispatch.total, dispatch.completed, dispatch.waiting) == (1, 1, 0)
    assert scenes.values(group.table) == [2, 4, 60, 8, 10, 12]
    assert stale(group.table) == []
    assert attempts(group) == [1, 1, 2, 1, 1, 1]
    assert run_stale(group.table).completed == 0
    assert Attempt.objects.count() == ROWS + 1


def test_cells_that_never_ran_are_not_stale(group: Group) -> None:
    scenes.add_rows(group.table, 2)
    assert stale(group.table) == []
    assert run_stale(group.table).completed == 0
    assert Execution.objects.count() == ROWS


def test_a_value_that_is_edited_and_edited_back_is_not_stale(group: Group) -> None:
    edit(group.table, 2, n=20)
    edit(group.table, 2, n=2)
    assert stale(group.table) == []


def test_what_nobody_reads_changes_nothing(group: Group, user: User) -> None:
    edit(group.table, 1, m="other")
    columns.create(group.table, {"name": "Another", "type": "text"})
    columns.change(group.table, "n", {"name": "Number of it"})
    groups.change(group.table, group.pk, {"name": "Twice", "auto_run": True, "concurrency": 2})
    versions.change(Workflow.objects.get(), user=user, name="Double it")
    columns.reorder(group.table, ["m", "n", "another", "out"])
    assert stale(group.table) == []


@pytest.fixture
def user() -> User:
    """Whoever changes the workflow."""
    return User.objects.create_user("editor")


def test_a_new_version_of_the_workflow_makes_every_cell_stale(group: Group, user: User) -> None:
    steps = [{"id": "triple", "type": "template", "config": {"template": "{{ inputs.n * 3 }}"}}]
    versions.change(Workflow.objects.get(), user=user, steps=steps, outputs={"out": "{{ steps.triple }}"})
    assert stale(group.table) == list(range(1, ROWS + 1))
    assert run_stale(group.table).completed == ROWS
    assert scenes.values(group.table) == [3, 6, 9, 12, 15, 18]
    assert stale(group.table) == []


@pytest.mark.parametrize(
    "change", [{"inputs": {"n": "{{ row.n + 1 }}"}}, {"run_if": "{{ row.n > 0 }}"}], ids=["inputs", "run_if"]
)
def test_another_binding_of_the_group_makes_every_cell_stale(group: Group, change: dict[str, Any]) -> None:
    groups.change(group.table, group.pk, change)
    assert stale(group.table) == list(range(1, ROWS + 1))
    run_stale(group.table)
    assert stale(group.table) == []
    assert attempts(group) == [2] * ROWS


def test_a_stale_run_reaches_the_groups_that_read_what_it_gave(group: Group) -> None:
    table = group.table
    scenes.group(table, scenes.doubling(table), "again", reads="out")
    scenes.until_ended(begin(table.pk))
    edit(table, 2, n=7)
    assert (stale(table), stale(table, "again")) == ([2], [])
    run_stale(table)
    assert scenes.values(table, "again") == [4, 28, 12, 16, 20, 24]
    assert (stale(table), stale(table, "again")) == ([], [])


def test_a_filter_by_the_mark_is_the_scope_of_a_run_as_it_was_when_that_began(group: Group) -> None:
    for place in (2, 5):
        edit(group.table, place, n=place * 10)
    is_stale = {"field": f"@{group.pk}", "op": "eq", "value": "stale"}
    dispatch = scenes.until_ended(begin(group.table_id, mode="all", filter=is_stale))
    assert (dispatch.completed, attempts(group)) == (2, [1, 2, 1, 1, 2, 1])
    rest = {"field": f"@{group.pk}", "op": "ne", "value": "stale"}
    assert scenes.until_ended(begin(group.table_id, mode="all", filter=rest)).completed == ROWS


def test_a_stale_run_takes_a_limit_and_named_rows(group: Group) -> None:
    for place in range(1, ROWS + 1):
        edit(group.table, place, n=place * 10)
    assert run_stale(group.table, limit=2).completed == 2
    assert stale(group.table) == [3, 4, 5, 6]
    last = Row.objects.filter(table=group.table).order_by("-position")[:1]
    assert run_stale(group.table, rows=[last[0].pk]).completed == 1
    assert stale(group.table) == [3, 4, 5]
