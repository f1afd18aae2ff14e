"""Going on in a row: which cell comes next, and what is left for the next owner."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import transaction

from cells import lifecycle as executions
from cells.cascade import Cascade
from cells.draw import Tally
from cells.lifecycle import Suspended
from cells.models import IN_FLIGHT, Execution, Status
from cells.work import GroupRun
from dispatch import lifecycle, scope, windows
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from dispatch.models import Dispatch, Window
from dispatch.sweep import sweep
from tableflow.tables.models import Row
from tests import hands, scenes

pytestmark = pytest.mark.django_db


class Chain:
    """One row under way in a dispatch over these groups: key → the columns it runs after."""

    def __init__(self, groups: dict[str, list[str]], **options) -> None:
        self.table = scenes.table(1)
        work = scenes.doubling(self.table)
        self.groups = {
            key: scenes.group(self.table, work, key, run_after=run_after) for key, run_after in groups.items()
        }
        self.worker = hands.worker()
        self.dispatch = begin(self.table.pk, **options)
        self.begin_again(self.dispatch)

    def begin_again(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self.cascade = Cascade([GroupRun.of(p) for p in dispatch.plan], scope.request(dispatch))
        hands.admit(dispatch)
        (self.now,) = hands.claim(self.worker, dispatch)

    @property
    def running(self) -> str | None:
        """The key of the cell that runs."""
        return next((key for key, group in self.groups.items() if group.pk == self.now.lead.group_id), None)

    def end(self, status: Status = Status.COMPLETED, value: object = 1) -> str | None:
        """End the running cell as a draw does; gives the key of the one that was started after it."""
        output = {self.running: value} if status == Status.COMPLETED else {}
        ends = [hands.ended(self.now.lead, status, output=output)]
        with transaction.atomic():
            lifecycle.share(self.table.pk)
            won = hands.finish(ends, cascade=True)
            left = self.cascade.left(self.now, won[0].row if won else None, owned=bool(won))
            step = self.cascade.go_on([left], self.worker.pk)
            windows.tally(Tally(cells=step.cells))
        if not step.rows:
            return None
        (self.now,) = step.rows
        return self.running

    def pause(self) -> str | None:
        """Pause the running cell as a draw does; gives the key of the one that was started after it."""
        state = {"step": "wait", "inputs": {}, "given": {}, "trace": [], "tries": 0}
        with transaction.atomic():
            lifecycle.share(self.table.pk)
            lobby = windows.lobby(self.dispatch.pk)
            suspended = [Suspended(self.now.lead, "wait", state)]
            (won,) = executions.pause(suspended, table_id=self.table.pk, lobby=lobby, cascade=True)
            step = self.cascade.go_on([self.cascade.left(self.now, won.row, owned=True)], self.worker.pk)
            windows.tally(Tally(cells=Counter({lobby: 1}) + step.cells))
            windows.tally(Tally(cells=Counter({won.window_id: -1})))
        if not step.rows:
            return None
        (self.now,) = step.rows
        return self.running

    def resume(self, key: str) -> None:
        """Let a paused cell go on, and claim its row again."""
        cell = Execution.objects.get(group=self.groups[key])
        with transaction.atomic():
            window = windows.open_resumed(self.dispatch.pk, [(cell.row_id, cell.position)])
            ((_, lobby),) = executions.resume([cell.pk], window)
            windows.tally(Tally(cells=Counter({window: 1, lobby: -1})))
        (self.now,) = hands.claim(self.worker, self.dispatch)

    def statuses(self) -> dict[str, str]:
        found = dict(Execution.objects.values_list("group__name", "status"))
        return {key: found.get(key) for key in self.groups}


def test_cells_run_from_left_to_right_one_at_a_time():
    chain = Chain({"a": [], "b": ["a"], "c": []})
    assert (chain.running, chain.statuses()) == ("a", {"a": "running", "b": None, "c": "queued"})
    assert chain.end() == "b"
    assert chain.statuses() == {"a": "completed", "b": "running", "c": "queued"}
    assert chain.end() == "c"
    assert chain.end() is None
    assert Window.objects.values_list("cells", "completed").get() == (3, 3)


def test_an_error_does_not_stop_the_groups_beside_it():
    chain = Chain({"a": [], "b": ["a"], "c": []})
    assert chain.end(Status.ERROR) == "c"
    assert chain.end() is None
    assert chain.statuses() == {"a": "error", "b": None, "c": "completed"}


def test_what_reads_a_paused_cell_comes_after_it_and_what_does_not_goes_on():
    chain = Chain({"a": [], "b": ["a"], "c": []}, mode="all")
    Row.objects.update(data={"n": 1, "a": 7})  # an old value: the reader is stamped, and must not run by it
    assert chain.pause() == "c"
    assert chain.statuses() == {"a": "paused", "b": None, "c": "running"}
    assert chain.end() is None
    chain.resume("a")
    assert (chain.running, chain.now.lead.attempt, chain.now.lead.standing.kind) == ("a", 1, "wait")
    assert chain.end(value=8) == "b"
    assert chain.now.row["a"] == 8
    assert chain.end() is None
    assert chain.statuses() == dict.fromkeys("abc", "completed")


def test_a_reader_with_an_earlier_result_keeps_it_until_what_it_reads_has_gone_on():
    chain = Chain({"a": [], "b": ["a"]})
    chain.end()
    chain.end(value=5)
    chain.begin_again(begin(chain.table.pk, mode="all"))
    assert chain.statuses() == {"a": "running", "b": "queued"}
    assert chain.pause() is None
    assert chain.statuses() == {"a": "paused", "b": "completed"}
    chain.resume("a")
    assert chain.end() == "b"


def test_nothing_starts_in_a_row_while_the_dispatch_is_held():
    chain = Chain({"a": [], "b": []})
    chain.cascade.hold_back([chain.cascade.left(chain.now, None, owned=True)])
    assert chain.statuses() == {"a": "running", "b": "pending"}


@pytest.mark.parametrize("value", [None, "", [], False])
def test_a_group_does_not_follow_an_empty_value(value):
    chain = Chain({"a": [], "b": ["a"]})
    assert chain.end(value=value) is None


def test_a_queued_cell_whose_dependency_went_away_is_withdrawn():
    chain = Chain({"a": [], "b": ["a"], "c": []})
    for _ in range(3):
        chain.end()
    chain.begin_again(begin(chain.table.pk, mode="all"))
    assert chain.statuses() == {"a": "running", "b": "queued", "c": "queued"}
    assert chain.end(value="") == "c"
    assert chain.statuses() == {"a": "completed", "b": "completed", "c": "running"}
    assert Window.objects.latest("pk").cells == 2
    assert hands.lawless_rows(chain.table) == []


def test_a_group_runs_at_most_once_in_a_dispatch():
    chain = Chain({"a": [], "b": ["a"]}, mode="all")
    chain.end()
    chain.end()
    assert hands.admit(chain.dispatch) is None
    assert windows.unfinished(chain.dispatch.pk) == []
    assert list(Execution.objects.values_list("attempt", flat=True)) == [1, 1]


def test_a_queued_cell_goes_on_after_the_one_before_it_was_cancelled():
    chain = Chain({"a": [], "b": []})
    cancel_runs(chain.table.pk, groups=[chain.groups["a"].pk])
    assert chain.end() == "b"
    assert chain.end() is None
    assert chain.statuses() == {"a": "cancelled", "b": "completed"}


def test_what_is_due_after_a_cancelled_cell_runs_though_its_window_had_closed():
    chain = Chain({"a": [], "b": [], "c": ["a"]})
    assert chain.end() == "b"
    cancel_runs(chain.table.pk, groups=[chain.groups["b"].pk])
    windows.close_finished(chain.dispatch)
    assert chain.end() is None
    (claimed,) = hands.claim(chain.worker, chain.dispatch)
    assert claimed.lead.group_id == chain.groups["c"].pk
    assert windows.unfinished(chain.dispatch.pk) != []


def test_what_is_due_after_a_cell_that_was_taken_over_still_runs():
    chain = Chain({"a": [], "b": [], "c": ["a"]})
    assert chain.end() == "b"
    first = chain.dispatch
    begin(chain.table.pk, groups=[chain.groups["b"].pk])
    windows.close_finished(first)
    assert chain.end() is None
    (claimed,) = hands.claim(chain.worker, first)
    assert claimed.lead.group_id == chain.groups["c"].pk


def test_what_is_due_after_a_cell_that_lost_all_its_workers_still_runs():
    chain = Chain({"a": [], "b": [], "c": ["a"]})
    assert chain.end() == "b"
    Execution.objects.filter(group=chain.groups["b"]).update(losses=executions.LOSS_BUDGET - 1)
    hands.lapse(chain.worker)
    sweep()
    assert chain.statuses()["b"] == "error"
    (claimed,) = hands.claim(hands.worker("next"), chain.dispatch)
    assert claimed.lead.group_id == chain.groups["c"].pk


def test_nothing_is_left_in_flight_outside_an_open_window():
    chain = Chain({"a": [], "b": [], "c": ["a"]})
    chain.end()
    cancel_runs(chain.table.pk, groups=[chain.groups["b"].pk])
    windows.close_finished(chain.dispatch)
    chain.end()
    open_ones = windows.open_of([chain.dispatch.pk]).values("pk")
    assert not Execution.objects.filter(status__in=IN_FLIGHT).exclude(window_id__in=open_ones).exists()


def test_a_row_that_an_edit_made_ready_is_met_by_its_cascade():
    chain = Chain({"a": [], "b": ["n"]})
    Row.objects.update(data={"n": ""})
    assert chain.statuses()["b"] == "queued"
    assert chain.end() is None
    assert chain.statuses()["b"] is None
