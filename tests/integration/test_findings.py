"""What a dispatch came upon, and how little is read to tell it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from cells.models import Execution, Status, Worker
from dispatch import at_work, findings, lifecycle
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from dispatch.findings import ErrorGroup
from dispatch.models import Dispatch, Window
from dispatch.pick import by_index
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes, standing
from tests.plans import explained, indexes, touched

pytestmark = pytest.mark.django_db

TIMEOUT = "The address did not answer within 5 s."
REFUSED = "503 Service Unavailable"


@pytest.fixture
def worker() -> Worker:
    """Whoever runs the cells."""
    return hands.worker()


def scene(rows: int, *keys: str) -> tuple[Table, list[Group]]:
    table = scenes.table(rows)
    return table, [scenes.group(table, scenes.doubling(table), key) for key in keys or ("out",)]


def fail(dispatch: Dispatch, worker: Worker, messages: Sequence[str]) -> None:
    """Have the dispatch's next cells fail, each with its message."""
    hands.admit(dispatch)
    claimed = hands.claim(worker, dispatch, most=len(messages))
    pairs = zip(claimed, messages, strict=True)
    hands.finish([hands.ended(c.lead, Status.ERROR, error=message) for c, message in pairs])


def test_errors_are_grouped_by_message_the_most_frequent_first(worker: Worker) -> None:
    table, (group,) = scene(9)
    dispatch = begin(table.pk)
    fail(dispatch, worker, [REFUSED, TIMEOUT, TIMEOUT, "", TIMEOUT, REFUSED])
    hands.finish([hands.ended(c.lead) for c in hands.claim(worker, dispatch)])
    errors = findings.errors_of(dispatch)
    assert errors.groups == [
        ErrorGroup(group.pk, TIMEOUT, 3),
        ErrorGroup(group.pk, REFUSED, 2),
        ErrorGroup(group.pk, "", 1),
    ]
    assert (errors.seen, errors.is_all) == (6, True)


def test_a_dispatch_without_errors_has_none(worker: Worker) -> None:
    table, _ = scene(2)
    dispatch = begin(table.pk)
    assert findings.errors_of(dispatch) == findings.Errors([], 0, is_all=True)
    hands.admit(dispatch)
    hands.finish([hands.ended(c.lead) for c in hands.claim(worker, dispatch)])
    assert findings.errors_of(dispatch) == findings.Errors([], 0, is_all=True)


def test_cells_that_another_dispatch_ran_since_count_there(worker: Worker) -> None:
    table, (group,) = scene(3)
    first = begin(table.pk)
    fail(first, worker, [TIMEOUT, TIMEOUT, REFUSED])
    again = begin(table.pk, mode="failed", limit=2)
    fail(again, worker, [TIMEOUT, REFUSED])
    assert findings.errors_of(first).groups == [ErrorGroup(group.pk, REFUSED, 1)]
    assert findings.errors_of(again).groups == [ErrorGroup(group.pk, REFUSED, 1), ErrorGroup(group.pk, TIMEOUT, 1)]


def test_of_many_messages_the_most_frequent_are_told(worker: Worker) -> None:
    table, _ = scene(30)
    dispatch = begin(table.pk)
    Dispatch.objects.update(width=30)
    dispatch.refresh_from_db()
    fail(dispatch, worker, [f"request {n}" for n in range(25)] + ["common"] * 5)
    errors = findings.errors_of(dispatch)
    assert len(errors.groups) == findings.MOST_GROUPS
    assert (errors.groups[0].message, errors.groups[0].cells) == ("common", 5)
    assert (errors.seen, errors.is_all) == (30, True)


def laid(group: Group, windows: int, cells: int, *, failed: str) -> Dispatch:
    """A dispatch that has run, in windows of so many cells; those failed for which the condition on `n` holds."""
    dispatch = begin(group.table_id)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH cell AS (
              SELECT r.id, r.position, r.position::int AS n FROM tables_row r WHERE r.table_id = %(table)s
            ), made AS (
              INSERT INTO dispatch_window (
                dispatch_id, lane, lobby, rows, cells, error, completed, cancelled, skipped,
                first_position, last_position, opened_at, closed_at
              )
              SELECT %(dispatch)s, 0, false, count(*), count(*), count(*) FILTER (WHERE {failed}), 0, 0, 0,
                     min(position), max(position), now(), now()
              FROM cell
              WHERE n <= %(windows)s * %(cells)s
              GROUP BY (n - 1) / %(cells)s
              ORDER BY (n - 1) / %(cells)s
              RETURNING id, first_position, last_position
            )
            INSERT INTO cells_execution (
              row_id, group_id, position, status, fence, dispatch_id, window_id, sequence, attempt, losses, error,
              started_at, finished_at
            )
            SELECT cell.id, %(group)s, cell.position, CASE WHEN {failed} THEN 'error' ELSE 'completed' END, 1,
                   %(dispatch)s, made.id, 1, 1, 0, CASE WHEN {failed} THEN 'failed ' || n %% 3 END,
                   now() - n * interval '1 millisecond', now()
            FROM cell
            JOIN made ON cell.position BETWEEN made.first_position AND made.last_position
            ON CONFLICT (group_id, row_id) DO UPDATE
            SET status = excluded.status, dispatch_id = excluded.dispatch_id, window_id = excluded.window_id,
                error = excluded.error, started_at = excluded.started_at, finished_at = excluded.finished_at
            """,
            {
                "table": group.table_id,
                "dispatch": dispatch.pk,
                "group": group.pk,
                "windows": windows,
                "cells": cells,
            },
        )
    return dispatch


def look(name: str, **bounds: Any) -> dict[str, Any]:
    """How a statement of the module is run."""
    with by_index(**findings.SETTINGS):
        return explained(lifecycle.statements.text(name), bounds)


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cells_execution, dispatch_window")


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_a_look_is_bounded_however_long_the_table_is(is_analyzed: bool) -> None:
    (group,) = scene(30_000)[1]
    crowd = laid(group, windows=15, cells=2_000, failed="n %% 2 = 0")
    if is_analyzed:
        analyze()

    # Its errors are in all of its windows: some failed cells of the group are looked at, then the newest windows.
    newest = list(findings.windows_of(crowd).values_list("pk", flat=True)[:10])
    errors = findings.errors_of(crowd)
    assert (errors.seen, errors.is_all) == (findings.MOST_CELLS // 2, False)
    assert [found.cells for found in errors.groups] == [3_334, 3_333, 3_333]
    most = {"dispatch": crowd.pk, "groups": findings.MOST_GROUPS}
    found = look("errors_in_groups", **most, planned=[group.pk], most=findings.MOST_FAILED)
    assert "failed_executions" in indexes(found)
    assert touched(found) < findings.MOST_FAILED + 100
    found = look("errors_in_windows", **most, windows=newest, cells=findings.MOST_CELLS)
    assert "executions_by_window" in indexes(found)
    assert touched(found) <= findings.MOST_CELLS + findings.MOST_GROUPS

    # The slowest are looked for in the newest windows, though older ones had slower cells.
    slowest = findings.slowest_of(crowd)
    assert len(slowest) == 20
    of_slowest = Execution.objects.filter(row__in=[cell.row_id for cell in slowest])
    assert set(of_slowest.values_list("window_id", flat=True)) <= set(newest)
    found = look("slowest", dispatch=crowd.pk, windows=newest, cells=findings.MOST_CELLS, most=20)
    assert "executions_by_window" in indexes(found)
    assert touched(found) <= findings.MOST_CELLS

    # A few that failed among very many of others are found through their windows.
    few = laid(group, windows=1, cells=1_000, failed="n %% 500 = 0")
    errors = findings.errors_of(few)
    assert (errors.seen, errors.is_all) == (2, True)
    windows = list(findings.windows_of(few).values_list("pk", flat=True))
    most = {"dispatch": few.pk, "groups": findings.MOST_GROUPS}
    found = look("errors_in_windows", **most, windows=windows, cells=findings.MOST_CELLS)
    assert "executions_by_window" in indexes(found)
    assert touched(found) <= 1_000 + findings.MOST_GROUPS


def test_errors_are_found_behind_any_number_of_others_cells_that_failed() -> None:
    (group,) = scene(30_000)[1]
    crowd = laid(group, windows=15, cells=2_000, failed="true")
    laid(group, windows=11, cells=2_000, failed="true")
    errors = findings.errors_of(crowd)
    assert (sum(found.cells for found in errors.groups), errors.seen, errors.is_all) == (8_000, 8_000, False)
    laid(group, windows=15, cells=2_000, failed="true")
    assert findings.errors_of(crowd) == findings.Errors([], 0, is_all=False)


def test_all_errors_of_many_windows_may_be_seen_too() -> None:
    (group,) = scene(24_000)[1]
    dispatch = laid(group, windows=12, cells=2_000, failed="n %% 1000 = 7")
    errors = findings.errors_of(dispatch)
    assert (errors.seen, errors.is_all) == (24, True)
    assert sum(found.cells for found in errors.groups) == 24


def test_the_slowest_cells_are_those_that_ran_longest_or_run_still(worker: Worker) -> None:
    table, (group,) = scene(7)
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    claims = [claimed.lead for claimed in hands.claim(worker, dispatch, most=5)]
    for minutes, claim in enumerate(claims, 1):
        Execution.objects.filter(pk=claim.id).update(started_at=Now() - timedelta(minutes=minutes))
    hands.finish([hands.ended(claims[0]), hands.ended(claims[1], Status.ERROR)])
    cancel_runs(table.pk, rows=[claims[2].row_id])
    Execution.objects.filter(pk=claims[3].id).update(finished_at=Now() - timedelta(days=1))
    (paused,) = standing.pause(dispatch, worker, most=1)
    Execution.objects.filter(pk=paused).update(started_at=Now() - timedelta(days=1))
    slowest = findings.slowest_of(dispatch)
    expected = [(claims[4], "running"), (claims[3], "running"), (claims[1], "error"), (claims[0], "completed")]
    assert [(cell.row_id, cell.status) for cell in slowest] == [(claim.row_id, status) for claim, status in expected]
    assert [round(cell.seconds / 60) for cell in slowest] == [5, 4, 2, 1]
    assert all(cell.group_id == group.pk for cell in slowest)
    assert [cell.row_id for cell in findings.slowest_of(dispatch, most=1)] == [claims[4].row_id]


def test_windows_are_numbered_as_they_were_opened_and_the_newest_comes_first(worker: Worker) -> None:
    table, _ = scene(5)
    dispatch, other = begin(table.pk), begin(table.pk)
    Dispatch.objects.update(width=2)
    dispatch.refresh_from_db()
    hands.admit(dispatch)
    hands.admit(other)
    standing.pause(dispatch, worker, most=1)
    hands.admit(dispatch)
    found: list[Any] = list(findings.windows_of(dispatch))
    assert [(window.number, window.lobby) for window in found] == [(3, False), (2, True), (1, False)]
    assert [window.pk for window in found] == sorted((window.pk for window in found), reverse=True)
    assert Window.objects.count() == 4


def test_a_worker_has_the_cells_that_it_claimed_and_no_others(worker: Worker) -> None:
    table, (one, two) = scene(4, "one", "two")
    dispatch, other = begin(table.pk, limit=3), hands.worker("other")
    hands.admit(dispatch)
    mine = hands.claim(worker, dispatch, most=2)
    hands.claim(other, dispatch, most=1)
    hands.finish([hands.ended(mine[0].lead)])
    everywhere = Table.objects.all()
    cells = at_work.cells_of(worker, everywhere)
    first, second = mine[0].lead.row_id, mine[1].lead.row_id
    assert {(cell.table_id, cell.row_id, cell.group_id, cell.status) for cell in cells} == {
        (table.pk, first, two.pk, "queued"),
        (table.pk, second, one.pk, "running"),
        (table.pk, second, two.pk, "queued"),
    }
    assert len(at_work.cells_of(other, everywhere)) == 2
    assert at_work.cells_of(worker, everywhere.exclude(pk=table.pk)) == []


def test_of_very_many_cells_of_a_worker_the_oldest_are_told(worker: Worker) -> None:
    table, _ = scene(2 * at_work.MOST)
    dispatch = begin(table.pk)
    Dispatch.objects.update(width=1000)
    dispatch.refresh_from_db()
    hands.admit(dispatch)
    hands.claim(worker, dispatch)
    newest = Row.objects.filter(table=table).order_by("position").first()
    Execution.objects.filter(row=newest).update(started_at=Now() + timedelta(hours=1))
    with CaptureQueriesContext(connection) as asked:
        cells = at_work.cells_of(worker, Table.objects.all())
    assert len(asked) == 3  # the dispatches, their windows, the cells
    assert len(cells) == at_work.MOST
    assert newest is not None
    assert newest.pk not in {cell.row_id for cell in cells}
