"""Who gets the workers: clicks at once, runs as much as each other, and a group's concurrency over all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cells.models import Attempt, Execution
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch
from dispatch.models import ENDED, Dispatch
from tableflow.celery import app
from tableflow.tables.models import Group, Row, Table
from tests import parts, scenes
from tests.conftest import CELERY, worker_arguments
from tests.gates import gated, marks
from tests.stage import pace

pytestmark = pytest.mark.django_db(transaction=True)

Serve = Callable[..., None]
BRISK = pace.environment(renew=0.5, turn=0.5)


@pytest.fixture
def serve(start_part: Callable[..., parts.Part]) -> Serve:
    """`serve(draws=2, tableflow=4)` starts a worker process for each queue with so many threads, as `make up` does."""

    def start(**threads: int) -> None:
        started = {}
        for queue, count in threads.items():
            name = f"{queue}@localhost"
            started[name] = start_part(queue, *CELERY, *worker_arguments(name, count), "-Q", queue, **BRISK)
        for name, part in started.items():
            parts.wait_ready(part, lambda name=name: bool(app.control.ping([name], timeout=0.3)))  # type: ignore[misc]

    return start


def sleeping(table: Table, seconds: float, **options: object) -> Group:
    """A group whose cells take so long, and hold nothing meanwhile."""
    config = {"function": "stage.sleep", "arguments": {"seconds": seconds}}
    step = {"id": "sleep", "type": "python", "config": config}
    return scenes.group(table, scenes.workflow(table, [step], "{{ inputs.n }}"), **options)


def overlapping(table: Table, folder: Path, **options: object) -> Group:
    """A group whose cells note how many of them are under way at once."""
    (folder / "inside").mkdir()
    arguments = {"folder": str(folder), "key": "{{ inputs.n ~ '' }}", "seconds": 0.1}
    step = {"id": "overlap", "type": "python", "config": {"function": "stage.overlap", "arguments": arguments}}
    return scenes.group(table, scenes.workflow(table, [step], "{{ inputs.n }}"), **options)


def halves(table: Table, count: int, of: int) -> list[Dispatch]:
    """So many runs, each over as many rows of the table as the others."""
    size = of // count
    low = [{"field": "n", "op": "gt", "value": size * part} for part in range(count)]
    high = [{"field": "n", "op": "lte", "value": size * (part + 1)} for part in range(count)]
    return [begin(table.pk, filter={"all": list(bounds)}) for bounds in zip(low, high, strict=True)]


def completions(*dispatches: Dispatch) -> list[int]:
    """The dispatches of all cells that completed, in the order in which they did."""
    ids = [dispatch.pk for dispatch in dispatches]
    ended = Attempt.objects.filter(dispatch_id__in=ids, status="completed").order_by("pk")
    return list(ended.values_list("dispatch_id", flat=True))


def while_both_ran(order: list[int], later: Dispatch) -> list[int]:
    """The completions between the first and the last of the later run."""
    first = order.index(later.pk)
    last = len(order) - order[::-1].index(later.pk)
    return order[first:last]


# a click


def test_a_click_ends_while_every_thread_for_big_runs_is_taken(serve, tmp_path):
    serve(draws=2, tableflow=4, express=2)
    table = scenes.table(500)
    gated(table, tmp_path, concurrency=4)
    other = scenes.group(table, scenes.doubling(table), "other")
    big = begin(table.pk, groups=[Group.objects.exclude(pk=other.pk).get().pk])
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 2, "both threads hold a draw whose cell stands at the gate")
    last = Row.objects.filter(table=table).order_by("-position").values_list("pk", flat=True)[0]
    click = scenes.until_ended(begin(table.pk, groups=[other.pk], rows=[last]))
    ahead = {"all": [{"field": "n", "op": "gt", "value": 400}]}
    limited = scenes.until_ended(begin(table.pk, groups=[other.pk], filter=ahead, limit=3))
    assert (click.is_express, click.completed) == (True, 1)
    assert (limited.is_express, limited.completed) == (True, 3)
    assert scenes.values(table, "other")[-1] == 1000
    assert marks(tmp_path, "passed") == []
    big.refresh_from_db()
    assert (big.is_express, big.status) == (False, "dispatching")
    cancel_dispatch(big.pk)


def test_what_names_more_than_a_few_rows_is_no_click():
    table = scenes.table(101)
    scenes.group(table, scenes.doubling(table))
    rows = list(Row.objects.filter(table=table).values_list("pk", flat=True))
    asked = [{"rows": rows[:100]}, {"rows": rows}, {"limit": 10}, {"limit": 11}, {}]
    assert [begin(table.pk, **scope).is_express for scope in asked] == [True, False, True, False, False]


# many runs


def test_every_run_gets_a_thread_though_there_are_more_runs_than_threads(serve):
    serve(draws=3, tableflow=4)
    runs = []
    for _ in range(6):
        table = scenes.table(5000)
        sleeping(table, 0.1, concurrency=4)
        runs.append(begin(table.pk))
    scenes.until(lambda: set(completions(*runs)) == {run.pk for run in runs}, "each run has completed a cell")
    assert not Dispatch.objects.filter(status__in=ENDED).exists()
    for run in runs:
        cancel_dispatch(run.pk)


@pytest.mark.parametrize("threads", [8, 4])
def test_a_small_run_is_not_held_back_behind_a_big_one(serve, threads):
    serve(draws=threads, tableflow=4)
    tables = [scenes.table(2000), scenes.table(200)]
    for table in tables:
        sleeping(table, 0.1, concurrency=8)
    big = begin(tables[0].pk)
    scenes.until(lambda: len(completions(big)) > 50, "the big run is under way")
    small = scenes.until_ended(begin(tables[1].pk))
    assert small.completed == 200
    order = while_both_ran(completions(big, small), small)
    assert order.count(small.pk) == 200
    assert 100 <= order.count(big.pk) <= 400
    big.refresh_from_db()
    assert big.status == "dispatching"
    cancel_dispatch(big.pk)


# a concurrency that is kept


@pytest.mark.parametrize(("concurrency", "runs", "rows"), [(3, 2, 60), (1, 2, 20), (2, 3, 48)])
def test_a_groups_concurrency_holds_over_runs_and_workers(workers, tmp_path, concurrency, runs, rows):
    workers(2, concurrency=8)
    table = scenes.table(rows)
    overlapping(table, tmp_path, concurrency=concurrency)
    dispatches = halves(table, runs, rows)
    ended = [scenes.until_ended(dispatch, seconds=90) for dispatch in dispatches]
    assert [dispatch.completed for dispatch in ended] == [rows // runs] * runs
    seen = [int(count) for count in marks(tmp_path, "seen")]
    assert len(seen) == rows
    assert max(seen) == concurrency
    order = completions(*dispatches)
    for later in dispatches[1:]:
        both = while_both_ran(order, later)
        assert all(both.count(dispatch.pk) >= len(both) // (2 * runs) for dispatch in dispatches)


def test_a_cell_that_waits_holds_no_place_of_its_groups_concurrency(workers):
    workers(1)
    table = scenes.table(4)
    step = {"id": "wait", "type": "wait", "config": {"seconds": 3600}}
    group = scenes.group(table, scenes.workflow(table, [step], "{{ inputs.n }}"), concurrency=1)
    dispatches = halves(table, 2, 4)
    paused = Execution.objects.filter(group=group, status="paused")
    scenes.until(lambda: paused.count() == 4, "the cells of both runs are paused")
    for dispatch in dispatches:
        cancel_dispatch(dispatch.pk)
