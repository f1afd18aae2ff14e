"""Lessons about the engine that no other test tells by itself."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cells.models import Attempt, WorkflowVersion
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from tableflow.tables import rows
from tableflow.tables.models import Row
from tests import hands, scenes
from tests.laws.world import GroupPlan, World, small

pytestmark = pytest.mark.django_db(transaction=True)

PLAIN = GroupPlan("n", (), False)
ALL = {"kind": "all"}


@pytest.fixture
def world():
    """Makes a world of these groups and so many rows."""
    with small():
        yield World


def work(world: World, outcomes: list[str]) -> None:
    """Every message comes, those that come of it too, and every draw has a turn in which its cells end so."""
    for _ in range(2):
        for _ in list(world.messages):
            world.deliver(0, 1)
    for draw in list(world.draws):
        world.turn(world.draws.index(draw), outcomes)


def run(world: World, outcome: str, mode: str = "all", **scope: object) -> None:
    """A run from its beginning to its end, in which every cell ends so."""
    world.begin(mode, {**ALL, **scope}, [], {})
    for _ in range(40):
        if not world.active:
            return
        work(world, [outcome] * 3)
    raise AssertionError("the run does not end")


def attempts(world: World) -> list[int]:
    """How often each group's cells ran, from left to right."""
    return [Attempt.objects.filter(execution__group=group).count() for group in world.groups]


def statuses(world: World, row: int) -> list[str | None]:
    """The statuses of a row's cells, from left to right."""
    cells = [world.view.at.get((row, group.pk)) for group in world.groups]
    return [cell.status if cell else None for cell in cells]


def test_an_incomplete_run_leaves_a_completed_cell_alone_though_its_output_is_blank(world):
    world = world([PLAIN], 2)
    run(world, "blank")
    run(world, "complete", mode="incomplete")
    assert attempts(world) == [2]
    assert scenes.values(world.table, "a") == [None, None]


def test_groups_that_stay_blank_run_once_each_in_a_run(world):
    world = world([PLAIN, GroupPlan("a", (), False), GroupPlan("b", (), False)], 2)
    run(world, "blank")
    assert attempts(world) == [2, 2, 2]


def test_a_completed_siblings_value_is_never_lost(world):
    world = world([PLAIN, PLAIN], 1)
    run(world, "complete")
    (old,) = scenes.values(world.table, "b")
    world.begin("all", ALL, [0], {})
    for _ in range(4):
        work(world, ["error"])
    run(world, "complete", mode="incomplete")
    assert scenes.values(world.table, "b") == [old]
    assert attempts(world) == [3, 1]


def test_a_slow_cell_holds_one_slot_and_no_window(world):
    world = world([PLAIN], 9)
    world.begin("all", ALL, [], {})
    work(world, [])
    slow = world.draws[0].leads[0].row_id
    for _ in range(20):
        for draw in list(world.draws):
            outcomes = ["keep" if claim.row_id == slow else "complete" for claim in draw.leads]
            world.turn(world.draws.index(draw), outcomes)
        for _ in list(world.messages):
            world.deliver(0, 1)
    states = [statuses(world, row) for row in world.row_ids]
    assert states.count(["completed"]) == 8
    assert statuses(world, slow) == ["running"]


@pytest.mark.parametrize("scope", [{"kind": "all", "limit": 2}, {"kind": "filter", "over": -1}])
def test_a_run_is_not_barred_from_what_it_takes_over(world, scope):
    world = world([PLAIN], 2)
    world.begin("all", ALL, [], {})
    work(world, [])
    assert [statuses(world, row) for row in world.row_ids] == [["running"]] * 2
    run(world, "complete", **scope)
    assert [statuses(world, row) for row in world.row_ids] == [["completed"]] * 2


def test_stopping_one_cell_of_a_row_ahead_leaves_the_others_of_the_row(world):
    world = world([PLAIN, PLAIN], 5)
    world.begin("all", ALL, [], {})
    world.stop({"kind": "rows", "rows": [4]}, [0])
    for _ in range(20):
        work(world, ["complete"] * 3)
    assert [statuses(world, row) for row in world.row_ids] == [["completed"] * 2] * 4 + [["cancelled", "completed"]]


def test_a_row_inserted_ahead_of_the_cursor_runs_in_its_place():
    table = scenes.table(30)
    scenes.group(table, scenes.doubling(table), concurrency=5)
    dispatch = begin(table.pk)
    assert hands.admit(dispatch).rows == 20
    after = Row.objects.get(table=table, data__n=25)
    rows.insert(table, [{"n": 25.5}], after=after.pk)
    hands.admit(dispatch)
    worker = hands.worker()
    claimed = [claimed.row["n"] for _ in range(31) for claimed in hands.claim(worker, dispatch, most=1)]
    assert claimed == [*range(1, 26), 25.5, *range(26, 31)]


def test_each_group_runs_its_own_workflows_version():
    table = scenes.table(1)
    works = [scenes.doubling(table), scenes.doubling(table)]
    WorkflowVersion.objects.create(
        workflow=works[1], number=2, inputs=["n"], steps=[], outputs={"out": "{{ inputs.n }}"}
    )
    works[1].version = 2
    works[1].save()
    for work_, key in zip(works, "ab", strict=True):
        scenes.group(table, work_, key)
    pinned = begin(table.pk).plan
    assert [group["version"] for group in pinned] == [1, 2]
    assert len({group["version_id"] for group in pinned}) == 2


def statements(table, count: int) -> int:
    """How many statements it takes to stop so many rows of a run."""
    begin(table.pk)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        cancel_runs(table.pk, rows=list(Row.objects.filter(table=table).values_list("pk", flat=True)[:count]))
    return len(captured)


def test_stopping_many_rows_takes_as_many_statements_as_stopping_few():
    table = scenes.table(200)
    scenes.group(table, scenes.doubling(table))
    few = statements(table, 2)
    cancel_runs(table.pk)
    assert statements(table, 200) == few
