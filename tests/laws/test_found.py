"""What the machine has found, each as it was reduced."""

from __future__ import annotations

import pytest

from dispatch.models import Window
from tests.laws.world import GroupPlan, World, small

pytestmark = pytest.mark.django_db(transaction=True)

PLAIN = GroupPlan("n", (), False)


@pytest.fixture
def world():
    """Makes a world of these groups and so many rows."""
    with small():
        yield World


def work(world: World, outcomes: list[str] | None = None) -> None:
    """Every message comes, those that come of it too, and every draw has a turn."""
    for _ in range(2):
        for _ in list(world.messages):
            world.deliver(0, 1)
    for draw in list(world.draws):
        world.turn(world.draws.index(draw), outcomes or [])


def statuses(world: World, row: int = 0) -> list[str | None]:
    """The statuses of a row's cells, from left to right."""
    cells = [world.view.at.get((world.row_ids[row], group.pk)) for group in world.groups]
    return [cell.status if cell else None for cell in cells]


def drawing(world: World) -> int:
    """The number of the draw that runs something."""
    return next(number for number, draw in enumerate(world.draws) if draw.leads)


def test_a_cell_that_pauses_after_its_run_was_stopped_leaves_no_open_window(world):
    world = world([PLAIN], 1)
    world.begin("all", {"kind": "all"}, [], {})
    work(world)
    assert statuses(world) == ["running"]
    world.stop_dispatch(0)
    world.turn(drawing(world), ["wait"])
    assert not Window.objects.filter(closed_at=None).exists()
    world.drain()


def test_a_reader_of_a_cell_that_paused_while_its_run_was_paused_does_not_come_before_it(world):
    world = world([PLAIN, GroupPlan("a", ("a",), False)], 1)
    world.begin("all", {"kind": "all"}, [], {})
    for _ in range(3):
        work(world, ["complete"])
    assert statuses(world) == ["completed", "completed"]
    world.drain()
    world.begin("all", {"kind": "all"}, [], {})
    work(world)
    assert statuses(world) == ["running", "queued"]
    world.pause_dispatch(0)
    world.turn(drawing(world), ["wait"])
    world.resume_dispatch(0)
    work(world)
    world.drain()
    assert statuses(world) == ["completed", "completed"]


def test_a_stamp_that_is_taken_back_from_a_cell_that_was_recalled_leaves_it_unmarked(world):
    world = world([PLAIN, GroupPlan("n", ("go",), False)], 1)
    world.begin("all", {"kind": "all"}, [], {})
    for _ in range(3):
        work(world, ["complete"])
    world.drain()
    world.begin("all", {"kind": "all"}, [], {})
    work(world)
    world.turn(drawing(world), ["wait"])
    assert statuses(world) == ["paused", "running"]
    world.edit([0], {"n": 7})
    assert statuses(world) == ["pending", "pending"]
    world.turn(drawing(world), ["abort"])
    for _ in range(3):
        work(world)
    assert statuses(world) == ["running", "queued"]
    world.edit([0], {"go": False})
    world.turn(drawing(world), ["complete"])
    assert statuses(world) == ["completed", "cancelled"]
    world.drain()


def test_a_reader_that_runs_by_itself_follows_a_manual_run_that_passes_it_over(world):
    world = world([GroupPlan("n", (), True), GroupPlan("a", ("a",), True)], 1)
    world.gather()
    for _ in range(3):
        work(world, ["complete"])
    world.edit([0], {"n": 7})
    world.gather()
    for _ in range(3):
        work(world, ["error"])
    assert statuses(world) == ["error", "completed"]
    world.begin("incomplete", {"kind": "all"}, [], {})
    for _ in range(3):
        work(world, ["complete"])
    assert statuses(world) == ["completed", "completed"]
    world.drain()
