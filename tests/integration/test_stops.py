"""Every kind of stop, over cells in every state, of a run under way and of a paused one: what it names, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.db import transaction

from cells import lifecycle as executions
from cells.models import IN_FLIGHT, Approval, Execution, Pause, Status, Worker
from dispatch import edits, inflight, resume, windows
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs
from dispatch.models import Dispatch, Window
from dispatch.pausing import pause_dispatch, resume_dispatch
from dispatch.progress import counts
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes, standing

pytestmark = pytest.mark.django_db

ROWS = range(1, 9)
ADMITTED = 4
Cell = tuple[int, str]


@dataclass
class Scene:
    """One person's run of the columns `a` and `b`, and another's of `c`, in one table of eight rows.

    Of the first, row 1 has a running and a queued cell, row 2 a paused and a stamped one, row 3 one that is completed
    and a stamped one, row 4 two stamped ones; the others lie ahead. Of the second, the first four rows are stamped.
    """

    table: Table
    groups: dict[str, Group]
    mine: Dispatch
    theirs: Dispatch
    worker: Worker
    rows: dict[int, int]

    def states(self) -> dict[Cell, str]:
        """The state of each cell that has an execution."""
        numbers = {row_id: n for n, row_id in self.rows.items()}
        names = {group.pk: name for name, group in self.groups.items()}
        cells = Execution.objects.values_list("row_id", "group_id", "status")
        return {(numbers[row], names[group]): status for row, group, status in cells}


@pytest.fixture
def scene() -> Scene:
    table = scenes.table(len(ROWS))
    groups = {name: scenes.group(table, scenes.doubling(table), name) for name in "abc"}
    mine = begin(table.pk, groups=[groups["a"].pk, groups["b"].pk])
    theirs = begin(table.pk, groups=[groups["c"].pk])
    Dispatch.objects.update(width=ADMITTED)
    worker = hands.worker()
    rows = dict(Row.objects.filter(table=table).values_list("data__n", "pk"))
    made = Scene(table, groups, mine, theirs, worker, rows)
    hands.admit(mine)
    first, second, third = hands.claim(worker, mine, 3)
    hands.finish([hands.ended(third.lead)])
    executions.unqueue([*second.queued.values(), *third.queued.values()])
    _pause(mine, second)
    hands.admit(theirs)
    assert made.states() == {
        (1, "a"): "running", (1, "b"): "queued", (2, "a"): "paused", (2, "b"): "pending",
        (3, "a"): "completed", (3, "b"): "pending", (4, "a"): "pending", (4, "b"): "pending",
        **{(n, "c"): "pending" for n in range(1, ADMITTED + 1)},
    }  # fmt: skip
    assert first.lead.group_id == groups["a"].pk
    return made


def _pause(dispatch: Dispatch, claimed: executions.Claimed) -> None:
    standing._pause(dispatch, [claimed], "approval", standing.far_ahead(), standing.state("approval", "hold"), {})


def eq(n: int) -> dict[str, Any]:
    return {"field": "n", "op": "eq", "value": n}


def every(rows: Any = ROWS, groups: str = "abc") -> set[Cell]:
    return set(product(rows, groups))


STOPS: dict[str, tuple[Callable[[Scene], object], set[Cell]]] = {
    "dispatch": (lambda s: cancel_dispatch(s.mine.pk), every(groups="ab")),
    "table": (lambda s: cancel_runs(s.table.pk), every()),
    "filter": (lambda s: cancel_runs(s.table.pk, filter={"any": [eq(2), eq(4), eq(6)]}), every((2, 4, 6))),
    "filter of a state": (
        lambda s: cancel_runs(
            s.table.pk,
            groups=[s.groups["a"].pk],
            filter={"field": f"@{s.groups['a'].pk}", "op": "eq", "value": "paused"},
        ),
        {(2, "a")},
    ),
    "rows": (lambda s: cancel_runs(s.table.pk, rows=[s.rows[n] for n in (1, 2, 3, 5)]), every((1, 2, 3, 5))),
    "groups": (lambda s: cancel_runs(s.table.pk, groups=[s.groups["a"].pk]), every(groups="a")),
    "their group": (lambda s: cancel_runs(s.table.pk, groups=[s.groups["c"].pk]), every(groups="c")),
    "a running cell": (lambda s: _stop_cell(s, 1, "a"), {(1, "a")}),
    "a queued cell": (lambda s: _stop_cell(s, 1, "b"), {(1, "b")}),
    "a paused cell": (lambda s: _stop_cell(s, 2, "a"), {(2, "a")}),
    "a stamped cell": (lambda s: _stop_cell(s, 4, "a"), {(4, "a")}),
    "a completed cell": (lambda s: _stop_cell(s, 3, "a"), {(3, "a")}),
    "a cell ahead": (lambda s: _stop_cell(s, 6, "b"), {(6, "b")}),
}


def _stop_cell(scene: Scene, n: int, group: str) -> int:
    return cancel_runs(scene.table.pk, rows=[scene.rows[n]], groups=[scene.groups[group].pk])


def run_to_the_end(scene: Scene) -> Iterator[Cell]:
    """Resume what is paused, and end every cell that can be claimed, until nothing is left; gives those."""
    numbers = {row_id: n for n, row_id in scene.rows.items()}
    names = {group.pk: name for name, group in scene.groups.items()}
    mine, theirs = (Dispatch.objects.get(pk=dispatch.pk) for dispatch in (scene.mine, scene.theirs))
    for dispatch in (mine, theirs):
        if dispatch.status == "paused":
            resume_dispatch(dispatch.pk)
    executions.release(scene.worker.pk, Window.objects.values_list("pk", flat=True))
    resume.resume_due(standing.far_ahead())
    more = True
    while more:
        more = False
        for dispatch in (mine, theirs):
            dispatch.refresh_from_db()
            if dispatch.status != "dispatching":
                continue
            claimed = hands.claim(scene.worker, dispatch)
            hands.finish([hands.ended(cell.lead) for cell in claimed])
            executions.unqueue([cell for of_row in claimed for cell in of_row.queued.values()])
            yield from ((numbers[cell.lead.row_id], names[cell.lead.group_id]) for cell in claimed)
            more |= bool(claimed) or hands.admit(dispatch) is not None


@pytest.mark.parametrize("paused", [False, True], ids=["under way", "paused"])
@pytest.mark.parametrize("stop", STOPS)
def test_a_stop_ends_what_it_names_and_nothing_else(scene: Scene, stop: str, paused: bool) -> None:
    act, named = STOPS[stop]
    if paused:
        pause_dispatch(scene.mine.pk)
    before = scene.states()
    act(scene)
    after = scene.states()
    in_flight = {cell for cell, status in before.items() if status in IN_FLIGHT}
    assert {cell for cell, status in after.items() if status == "cancelled" and before.get(cell) in IN_FLIGHT} == (
        in_flight & named
    )
    untouched = before.keys() - (in_flight & named)
    assert {cell: after[cell] for cell in untouched} == {cell: before[cell] for cell in untouched}
    ran = list(run_to_the_end(scene))
    assert sorted(ran) == sorted(every() - named - {(3, "a")})
    assert not any(cell in named for cell in ran)
    for dispatch in (scene.mine, scene.theirs):
        counted = counts([dispatch])[dispatch.pk]
        cells = Execution.objects.filter(dispatch_id=dispatch.pk)
        assert counted.in_flight == 0
        assert counted.completed == cells.filter(status="completed").count()


def test_a_stop_counts_the_cells_in_flight(scene: Scene) -> None:
    assert cancel_runs(scene.table.pk, rows=[scene.rows[n] for n in (1, 2, 3, 6)]) == 5 + 3
    assert cancel_runs(scene.table.pk, groups=[scene.groups["a"].pk]) == 1
    assert cancel_runs(scene.table.pk) == 2
    assert cancel_runs(scene.table.pk) == 0


def test_a_stopped_question_is_withdrawn_and_its_standing_goes(scene: Scene) -> None:
    assert Approval.objects.get().status == "open"
    _stop_cell(scene, 2, "a")
    assert Approval.objects.get().status == "withdrawn"
    assert not Pause.objects.exists()
    assert resume.resume_due(standing.far_ahead()) == 0


def test_a_stopped_run_closes_its_lobby(scene: Scene) -> None:
    cancel_dispatch(scene.mine.pk)
    assert not windows.open_of([scene.mine.pk]).exists()
    scene.mine.refresh_from_db()
    assert (scene.mine.completed, scene.mine.cancelled, scene.mine.total) == (1, 7, 8)


@pytest.mark.parametrize("paused", [False, True], ids=["under way", "paused"])
def test_a_run_of_one_column_takes_over_nothing_of_another(scene: Scene, paused: bool) -> None:
    if paused:
        pause_dispatch(scene.mine.pk)
    before = scene.states()
    begin(scene.table.pk, groups=[scene.groups["c"].pk], mode="all")
    after = scene.states()
    assert {cell: s for cell, s in after.items() if cell[1] != "c"} == {
        cell: s for cell, s in before.items() if cell[1] != "c"
    }
    assert {s for cell, s in after.items() if cell[1] == "c"} == {"cancelled"}


@pytest.mark.parametrize("paused", [False, True], ids=["under way", "paused"])
def test_a_run_of_some_rows_takes_over_exactly_those(scene: Scene, paused: bool) -> None:
    if paused:
        pause_dispatch(scene.mine.pk)
    before = scene.states()
    newer = begin(scene.table.pk, groups=[scene.groups["a"].pk], rows=[scene.rows[n] for n in (1, 2, 3, 6)], mode="all")
    after = scene.states()
    assert {cell for cell in before if before[cell] != after[cell]} == {(1, "a"), (2, "a")}
    hands.admit(newer)
    assert len(hands.claim(scene.worker, newer)) == 3  # in row 1 the older run's other cell has its turn
    assert Dispatch.objects.get(pk=scene.mine.pk).status == ("paused" if paused else "dispatching")


def test_a_run_that_begins_by_itself_takes_over_nothing(scene: Scene) -> None:
    before = scene.states()
    begin(scene.table.pk, mode="new", is_manual=False)
    assert scene.states() == before


@pytest.mark.parametrize("mode", ["new", "failed", "stale"])
def test_a_run_takes_over_nothing_that_it_would_not_run_itself(scene: Scene, mode: str) -> None:
    before = scene.states()
    begin(scene.table.pk, mode=mode)
    assert scene.states() == before


def test_a_run_with_a_limit_takes_over_no_more_rows_than_it_may_run(scene: Scene) -> None:
    begin(scene.table.pk, groups=[scene.groups["c"].pk], mode="all", limit=2)
    states = scene.states()
    assert [states[n, "c"] for n in range(1, ADMITTED + 1)] == ["cancelled", "cancelled", "pending", "pending"]


def test_asking_twice_for_what_failed_runs_it_once() -> None:
    table = scenes.table(3)
    scenes.group(table, scenes.doubling(table))
    first, worker = begin(table.pk), hands.worker()
    hands.admit(first)
    hands.finish([hands.ended(cell.lead, Status.ERROR) for cell in hands.claim(worker, first)])
    again = begin(table.pk, mode="failed")
    hands.admit(again)
    twice = begin(table.pk, mode="failed")
    assert hands.admit(twice) is None
    assert len(hands.claim(worker, again)) == 3


def test_what_was_to_run_by_itself_is_stopped_with_the_rest(scene: Scene) -> None:
    Group.objects.filter(pk=scene.groups["c"].pk).update(auto_run=True)
    with transaction.atomic():
        edits.note(scene.table.pk, {scene.rows[8]: frozenset([scene.groups["c"].pk])})
    known = set(Dispatch.objects.values_list("pk", flat=True))
    cancel_runs(scene.table.pk)
    begun = Dispatch.objects.exclude(pk__in=known).get()
    assert (begun.is_manual, begun.status) == (False, "cancelled")
    assert (8, "c") not in scene.states()


def test_a_stop_of_a_cell_leaves_what_reads_it_to_run_on_what_is_there() -> None:
    table = scenes.table(2)
    scenes.group(table, scenes.doubling(table), "first")
    scenes.group(table, scenes.doubling(table), "reader", reads="first")
    Row.objects.filter(table=table).update(data={"n": 1, "first": 5})
    dispatch, worker = begin(table.pk, mode="all"), hands.worker()
    hands.admit(dispatch)
    (claimed, _) = hands.claim(worker, dispatch)
    cancel_runs(table.pk, rows=[claimed.lead.row_id], groups=[claimed.lead.group_id])
    reader = Execution.objects.get(row=claimed.lead.row_id, group__name="reader")
    assert (reader.status in IN_FLIGHT, reader.dispatch_id) == (True, dispatch.pk)
    executions.release(worker.pk, Window.objects.values_list("pk", flat=True))
    assert claimed.lead.row_id in {cell.lead.row_id for cell in hands.claim(worker, dispatch)}


def test_taking_over_counts_what_it_took(scene: Scene) -> None:
    newer = begin(scene.table.pk, groups=[scene.groups["b"].pk], mode="all")
    assert inflight.take_over(newer) == 0
    assert {s for cell, s in scene.states().items() if cell[1] == "b"} == {"cancelled"}
