"""What starts by itself: writes of every kind, gathered into runs, on real workers."""

from __future__ import annotations

import itertools

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cells.models import Attempt, Execution
from dispatch.begin import begin
from dispatch.cancel import cancel_automatic, cancel_runs
from dispatch.gather import gather, gather_all
from dispatch.models import ACTIVE, Change, Dispatch
from tableflow.celery import app
from tableflow.tables import columns, groups, rows, tables
from tableflow.tables.imports import load, upload
from tableflow.tables.models import Column, Group, Import, Row, Table
from tests import scenes
from tests.gates import gated, marks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(shared_worker, empty_redis):
    """The module's worker. It has done with all messages when the test's tables are emptied."""
    yield shared_worker
    scenes.until(lambda: not any(map(empty_redis.llen, ("tableflow", "draws", "express"))), "every message was taken")
    scenes.until(
        lambda: not any((app.control.inspect(timeout=1, limit=1).active() or {}).values()), "every task has ended"
    )


def automatic(count: int = 0, **options) -> tuple[Table, Group]:
    """A table whose workflow column doubles `n` by itself."""
    table = scenes.table(count)
    return table, scenes.group(table, scenes.doubling(table), auto_run=True, **options)


def chain(count: int, keys: str = "abc") -> tuple[Table, list[Group]]:
    """A table of automatic columns, each of which doubles the one before it and runs after it."""
    table = scenes.table(count)
    made, reads = [], "n"
    for key in keys:
        made.append(scenes.group(table, scenes.doubling(table), key, reads=reads, run_after=[reads], auto_run=True))
        reads = key
    return table, made


def settle(table: Table) -> list[Dispatch]:
    """Gather what is pending and let all of it end, until nothing follows any more; the runs, the oldest first."""
    for _ in range(20):
        gather(table.pk)
        for dispatch in Dispatch.objects.filter(table=table, status__in=ACTIVE):
            scenes.until_ended(dispatch, seconds=180)
        if not Change.objects.filter(table=table).exists():
            return list(Dispatch.objects.filter(table=table).order_by("sequence"))
    raise AssertionError("runs follow each other without an end")


def ids(table: Table) -> list[int]:
    return list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))


def attempts(group: Group) -> int:
    return Attempt.objects.filter(execution__group=group).count()


def file_of(count: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("numbers.csv", b"n\n" + b"".join(b"%d\n" % n for n in range(1, count + 1)))


def imported(table: Table, file: SimpleUploadedFile, **wish) -> None:
    source = upload.receive(file, file.name, user=table.owner, table=table, wish=upload.Wish(**wish))
    scenes.until(lambda: Import.objects.filter(pk=source.pk, status="complete").exists(), "the import is complete")


# what starts a run


def test_a_new_row_runs_by_itself(worker):
    table, group = automatic()
    rows.insert(table, [{"n": 4}])
    (run,) = settle(table)
    assert (run.mode, run.is_manual, run.status, run.completed) == ("new", False, "complete", 1)
    assert scenes.values(table) == [8]
    assert scenes.statuses(group) == {"completed": 1}


def test_many_new_rows_are_one_run(worker):
    table, _ = automatic(50)
    rows.insert(table, [{"n": n} for n in range(1, 501)])
    (run,) = settle(table)
    assert (run.total, run.completed) == (500, 500)
    assert scenes.values(table) == [None] * 50 + [2 * n for n in range(1, 501)]


def test_an_upsert_runs_what_it_made_and_what_it_changed_once(worker):
    table, group = automatic()
    Column.objects.create(table=table, key="name", name="Name", type="text", position=9)
    rows.insert(table, [{"name": "a", "n": 1}, {"name": "b", "n": 2}])
    settle(table)
    rows.upsert(table, ["name"], [{"name": "a", "n": 1}, {"name": "b", "n": 5}, {"name": "c", "n": 6}])
    _, run = settle(table)
    assert run.completed == 2
    assert scenes.values(table) == [2, 10, 12]
    assert attempts(group) == 4


def test_an_edit_runs_what_reads_the_column(worker):
    table, group = automatic(3)
    scenes.until_ended(begin(table.pk))
    rows.update(table, {ids(table)[1]: {"n": 50}})
    _, run = settle(table)
    assert (run.is_manual, run.completed) == (False, 1)
    assert scenes.values(table) == [2, 100, 6]
    assert attempts(group) == 4


def test_an_edit_of_a_cell_that_never_ran_runs_it(worker):
    table, _ = automatic(2)
    rows.update(table, {ids(table)[0]: {"n": 7}})
    (run,) = settle(table)
    assert run.completed == 1
    assert scenes.values(table) == [14, None]


def test_an_import_of_any_size_is_one_run(worker):
    count = 12_000
    table, _ = automatic(5)
    imported(table, file_of(count))
    (change,) = Change.objects.all()
    assert (change.rows, change.ranges) == (None, [[6, count + 5]])
    (run,) = settle(table)
    assert (run.total, run.completed) == (count, count)
    assert scenes.values(table) == [None] * 5 + [2 * n for n in range(1, count + 1)]


def test_a_replacing_import_runs_the_rows_that_it_brought(worker):
    table, _ = automatic(3)
    scenes.until_ended(begin(table.pk))
    imported(table, file_of(4), mode="replace")
    _, run = settle(table)
    assert (run.total, run.completed) == (4, 4)
    assert scenes.values(table) == [2, 4, 6, 8]


def test_the_rows_of_a_cancelled_import_that_stay_run(worker, monkeypatch):
    from tableflow.tables.imports import lifecycle

    monkeypatch.setattr(load, "BATCH_RECORDS", 10)
    monkeypatch.setattr(lifecycle, "_ring", lambda *_: None)
    table, _ = automatic()
    file = file_of(100)
    source = upload.receive(file, file.name, user=table.owner, table=table, wish=upload.Wish())
    load.run(source.pk, source.fence, after_batch=lambda done: done == 30 and lifecycle.cancel(source.pk))
    load.tidy(source.pk)
    assert Change.objects.count() == 1
    (run,) = settle(table)
    assert run.completed == 30
    assert scenes.values(table) == [2 * n for n in range(1, 31)]


# what starts none


def test_a_value_over_an_equal_one_starts_nothing(worker):
    table, _ = automatic(2)
    scenes.until_ended(begin(table.pk))
    rows.update(table, {ids(table)[0]: {"n": 1.0}})
    assert not Change.objects.exists()
    assert len(settle(table)) == 1


def test_an_edit_of_a_column_that_nobody_reads_starts_nothing(worker):
    table, _ = automatic(2)
    Column.objects.create(table=table, key="note", name="Note", type="text", position=9)
    scenes.until_ended(begin(table.pk))
    rows.update(table, {ids(table)[0]: {"note": "seen"}})
    assert not Change.objects.exists()


def test_nothing_runs_by_itself_unless_it_was_told_to(worker):
    table = scenes.table(2)
    scenes.group(table, scenes.doubling(table))
    rows.insert(table, [{"n": 9}])
    rows.update(table, {ids(table)[0]: {"n": 50}})
    assert not Change.objects.exists()
    assert settle(table) == []


def test_the_tables_switch_stops_all_of_it(worker):
    table, group = automatic(1)
    rows.insert(table, [{"n": 1}])
    tables.change(table, {"auto_run": False})
    rows.insert(table, [{"n": 2}])
    rows.update(table, {ids(table)[0]: {"n": 3}})
    assert settle(table) == []
    tables.change(table, {"auto_run": True})
    assert settle(table) == []
    assert scenes.statuses(group) == {}
    rows.insert(table, [{"n": 4}])
    assert [run.completed for run in settle(table)] == [1]


def test_turning_a_column_on_starts_no_row_that_was_there(worker):
    table = scenes.table(3)
    group = scenes.group(table, scenes.doubling(table))
    groups.change(table, group.pk, {"auto_run": True})
    assert not Change.objects.exists()
    rows.insert(table, [{"n": 10}])
    assert [run.completed for run in settle(table)] == [1]


def test_a_change_of_a_column_turned_off_since_starts_nothing(worker):
    table, group = automatic()
    rows.insert(table, [{"n": 1}])
    groups.change(table, group.pk, {"auto_run": False})
    assert settle(table) == []
    assert not Change.objects.exists()


def test_unticking_a_checkbox_runs_nothing_and_ticking_it_again_neither(worker):
    table = scenes.table(1)
    Column.objects.create(table=table, key="ok", name="OK", type="boolean", position=1)
    group = scenes.group(table, scenes.doubling(table), run_after=["ok"], auto_run=True)
    (row,) = ids(table)
    rows.update(table, {row: {"ok": True}})
    assert [run.completed for run in settle(table)] == [1]
    rows.update(table, {row: {"ok": False}})
    assert not Change.objects.exists()
    rows.update(table, {row: {"ok": True}})
    settle(table)
    assert attempts(group) == 1
    assert scenes.values(table) == [2]


def test_rows_that_went_before_the_tick_are_left_out(worker):
    table, _ = automatic()
    made = rows.insert(table, [{"n": 1}, {"n": 2}, {"n": 3}])
    rows.delete(table, [made[0].pk])
    assert [run.completed for run in settle(table)] == [2]
    made = rows.insert(table, [{"n": 1}])
    rows.delete(table, [made[0].pk])
    assert len(settle(table)) == 1


def test_a_row_that_lacks_what_its_cells_wait_for_opens_no_run_until_it_is_there(worker):
    table = scenes.table(0)
    Column.objects.create(table=table, key="ok", name="OK", type="boolean", position=1)
    scenes.group(table, scenes.doubling(table), run_after=["ok"], auto_run=True)
    (row,) = rows.insert(table, [{"n": 1}])
    assert settle(table) == []
    rows.update(table, {row.pk: {"ok": True}})
    assert [run.completed for run in settle(table)] == [1]


# storms and chains


def test_a_storm_of_edits_is_a_few_runs(worker):
    table, group = automatic(500)
    for row in ids(table):
        rows.update(table, {row: {"n": row}})
    assert Change.objects.count() == 500
    (run,) = settle(table)
    assert run.completed == 500
    assert attempts(group) == 500


def test_one_edit_runs_a_chain_in_its_order(worker):
    table, (a, b, c) = chain(2)
    rows.update(table, {ids(table)[0]: {"n": 10}})
    (run,) = settle(table)
    assert (run.total, run.completed) == (3, 3)
    assert [scenes.values(table, key) for key in "abc"] == [[20, None], [40, None], [80, None]]
    times = [Execution.objects.get(group=group) for group in (a, b, c)]
    assert all(left.finished_at <= right.started_at for left, right in itertools.pairwise(times))
    rows.update(table, {ids(table)[0]: {"n": 11}})
    settle(table)
    assert [scenes.values(table, key)[0] for key in "abc"] == [22, 44, 88]
    assert [attempts(group) for group in (a, b, c)] == [2, 2, 2]


def test_an_edit_in_the_middle_of_a_chain_runs_what_follows_only(worker):
    table, (a, b, c) = chain(1)
    (row,) = ids(table)
    scenes.until_ended(begin(table.pk))
    rows.update(table, {row: {"a": 100}})
    settle(table)
    assert [scenes.values(table, key)[0] for key in "abc"] == [100, 200, 400]
    assert [attempts(group) for group in (a, b, c)] == [1, 2, 2]


def test_two_automatic_columns_that_both_end_blank_run_once_each(worker):
    table = scenes.table(0)
    blank = scenes.workflow(table, [], "{{ none }}")
    one = scenes.group(table, blank, "one", auto_run=True)
    two = scenes.group(table, blank, "two", reads="one", auto_run=True)
    rows.insert(table, [{"n": 1}])
    settle(table)
    assert (attempts(one), attempts(two)) == (1, 1)
    rows.update(table, {ids(table)[0]: {"n": 2}})
    settle(table)
    assert (attempts(one), attempts(two)) == (2, 1)


def test_an_errored_cell_is_tried_again_only_after_an_edit_of_what_it_reads(worker):
    table = scenes.table(0)
    Column.objects.create(table=table, key="note", name="Note", type="text", position=1)
    broken = [{"id": "half", "type": "template", "config": {"template": "{{ 1 / inputs.n }}"}}]
    group = scenes.group(table, scenes.workflow(table, broken, "{{ steps.half }}"), auto_run=True)
    rows.insert(table, [{"n": 0}])
    settle(table)
    assert scenes.statuses(group) == {"error": 1}
    rows.update(table, {ids(table)[0]: {"note": "look at this"}})
    settle(table)
    assert attempts(group) == 1
    rows.update(table, {ids(table)[0]: {"n": 2}})
    settle(table)
    assert scenes.statuses(group) == {"completed": 1}
    assert scenes.values(table) == [0.5]


def test_a_manual_run_feeds_an_automatic_column_outside_of_it(worker):
    table = scenes.table(3)
    one = scenes.group(table, scenes.doubling(table), "one")
    two = scenes.group(table, scenes.doubling(table), "two", reads="one", run_after=["one"], auto_run=True)
    scenes.until_ended(begin(table.pk, groups=[one.pk]))
    manual, *following = settle(table)
    assert manual.is_manual
    assert following
    assert not any(run.is_manual for run in following)
    assert scenes.values(table, "two") == [4, 8, 12]
    scenes.until_ended(begin(table.pk, groups=[one.pk], mode="all"))
    settle(table)
    assert attempts(two) == 3, "the values were the same"


def test_what_failed_and_succeeds_at_last_feeds_what_waited_for_it(worker):
    table = scenes.table(1)
    Column.objects.create(table=table, key="by", name="By", type="number", position=1)
    broken = [{"id": "part", "type": "template", "config": {"template": "{{ 1 / row.by }}"}}]
    one = scenes.group(table, scenes.workflow(table, broken, "{{ steps.part }}"), "one")
    two = scenes.group(table, scenes.doubling(table), "two", reads="one", run_after=["one"], auto_run=True)
    Row.objects.update(data={"n": 1, "by": 0})
    scenes.until_ended(begin(table.pk))
    assert (scenes.statuses(one), scenes.statuses(two)) == ({"error": 1}, {})
    Row.objects.update(data={"n": 1, "by": 2})
    scenes.until_ended(begin(table.pk, mode="failed"))
    settle(table)
    assert scenes.values(table, "two") == [1]


# edits of what is under way


def test_a_running_cell_whose_value_is_edited_writes_the_new_result_only(worker, tmp_path):
    table = scenes.table(2)
    group = gated(table, tmp_path)
    dispatch = begin(table.pk)
    scenes.until(lambda: sorted(marks(tmp_path, "arrived")) == ["1", "2"], "both stand at the gate")
    rows.update(table, {ids(table)[0]: {"n": 9}})
    scenes.until(lambda: "9" in marks(tmp_path, "arrived"), "the edited one has come anew")
    (tmp_path / "open").touch()
    dispatch = scenes.until_ended(dispatch)
    assert (dispatch.total, dispatch.completed, dispatch.cancelled) == (2, 2, 0)
    assert scenes.values(table) == [9, 2]
    assert sorted(marks(tmp_path, "passed")) == ["2", "9"]
    assert Dispatch.objects.count() == 1, "it ran again in its own run"
    assert scenes.statuses(group) == {"completed": 2}


def test_a_running_cell_that_lost_what_it_waits_for_is_left_to_end(worker, tmp_path):
    table = scenes.table(1)
    Column.objects.create(table=table, key="ok", name="OK", type="boolean", position=1)
    rows.update(table, {ids(table)[0]: {"ok": True}})
    gated(table, tmp_path, run_after=["ok"])
    dispatch = begin(table.pk)
    scenes.until(lambda: marks(tmp_path, "arrived"), "it stands at the gate")
    rows.update(table, {ids(table)[0]: {"ok": False}})
    (tmp_path / "open").touch()
    assert scenes.until_ended(dispatch).completed == 1
    assert marks(tmp_path, "arrived") == ["1"]


def test_an_edit_recalls_what_follows_a_running_cell_too(worker, tmp_path):
    """The second column runs on the old value of the first while that is told to run again."""
    table = scenes.table(1)
    one = scenes.group(table, scenes.doubling(table), "one", auto_run=True)
    scenes.until_ended(begin(table.pk))
    two = gated(table, tmp_path, key="two", reads="one", auto_run=True)
    begin(table.pk, groups=[two.pk])
    scenes.until(lambda: marks(tmp_path, "arrived") == ["2"], "it stands at the gate")
    rows.update(table, {ids(table)[0]: {"n": 5}})
    (tmp_path / "open").touch()
    settle(table)
    assert (scenes.values(table, "one"), scenes.values(table, "two")) == ([10], [10])
    assert scenes.statuses(one) == scenes.statuses(two) == {"completed": 1}


def test_an_automatic_run_takes_over_nothing(worker, tmp_path):
    table = scenes.table(2)
    group = gated(table, tmp_path, auto_run=True)
    manual = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 2, "both stand at the gate")
    rows.insert(table, [{"n": 3}])
    (run,) = gather(table.pk)
    scenes.until(lambda: "3" in marks(tmp_path, "arrived"), "the new row has come too")
    (tmp_path / "open").touch()
    assert (scenes.until_ended(manual).completed, scenes.until_ended(run).completed) == (2, 1)
    assert sorted(marks(tmp_path, "passed")) == ["1", "2", "3"]
    assert attempts(group) == 3


# stops


def test_a_stop_right_after_an_edit_lets_nothing_start(worker):
    table, group = automatic(3)
    rows.update(table, {row: {"n": 100 + row} for row in ids(table)})
    cancel_runs(table.pk)
    assert not Change.objects.exists()
    (run,) = settle(table)
    assert run.status == "cancelled"
    assert attempts(group) == 0
    assert scenes.values(table) == [None] * 3


def test_a_stop_of_one_row_right_after_an_edit_spares_the_others(worker):
    table, _ = automatic(3)
    first, *_ = ids(table)
    rows.update(table, {row: {"n": 7} for row in ids(table)})
    cancel_runs(table.pk, rows=[first])
    settle(table)
    assert scenes.values(table) == [None, 14, 14]


def test_a_column_that_is_stopped_by_itself_ends_at_once_and_a_run_asked_for_goes_on(worker, tmp_path):
    table = scenes.table(1)
    slow = gated(table, tmp_path, auto_run=True)
    scenes.group(table, scenes.doubling(table), "twice", auto_run=True)
    manual = begin(table.pk, groups=[slow.pk])
    scenes.until(lambda: marks(tmp_path, "arrived") == ["1"], "the one that was asked for stands at the gate")
    rows.insert(table, [{"n": 2}, {"n": 3}])
    (run,) = gather(table.pk)
    scenes.until(lambda: sorted(marks(tmp_path, "arrived")) == ["1", "2", "3"], "the new ones have come too")
    assert cancel_automatic(table.pk, groups=[slow.pk]) == 2
    run = scenes.until_ended(run)
    assert (run.status, run.completed, run.cancelled) == ("complete", 2, 2)
    assert scenes.values(table, "twice") == [None, 4, 6]
    (tmp_path / "open").touch()
    assert scenes.until_ended(manual).completed == 1
    assert scenes.statuses(slow) == {"completed": 1, "cancelled": 2}
    assert scenes.values(table) == [1, None, None]


# the tick


def test_beat_gathers_by_itself(worker, beat):
    table, _ = automatic()
    rows.insert(table, [{"n": 4}])
    scenes.until(lambda: scenes.values(table) == [8], "the row has run")


def test_a_table_that_breaks_keeps_no_other_from_being_gathered(worker):
    broken, _ = automatic()
    rows.insert(broken, [{"n": 1}])
    Change.objects.update(groups=5)
    fine, _ = automatic()
    rows.insert(fine, [{"n": 1}])
    assert gather_all() == 1
    settle(fine)
    assert scenes.values(fine) == [2]
    assert Change.objects.filter(table=broken).exists(), "what failed is met again"


def test_changes_of_a_deleted_table_go(worker):
    table, _ = automatic()
    rows.insert(table, [{"n": 1}])
    tables.delete(table)
    assert gather_all() == 0
    assert not Change.objects.exists()


def test_changes_of_a_deleted_column_go(worker):
    table, _ = automatic()
    rows.insert(table, [{"n": 1}])
    columns.delete(table, "out")
    assert settle(table) == []
