"""Admission by slices: what takes a look at each row ahead is looked at so many rows at a time, and ends the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cells.models import Execution, Status
from dispatch import begin as beginning
from dispatch import lanes, lifecycle
from dispatch import pick as picking
from dispatch.admit import admit
from dispatch.begin import begin, begin_automatic
from dispatch.models import Dispatch, DispatchStatus, Lane, Window
from dispatch.pick import Walked, look
from tableflow.tables import schema
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes
from tests.integration.test_pick import analyze, indexes, plan, touched

pytestmark = pytest.mark.django_db

MODES = ("all", "incomplete", "new", "failed", "stale")
STATES = st.sampled_from([None, "completed", "error", "cancelled", "skipped", "old"])
EVEN = {"field": "n", "op": "in", "value": list(range(0, 100, 2))}


def scene(states: list[str | None]) -> Group:
    """A table with a row for each state: its cell has ended so; `old`: completed, and stale since."""
    table = scenes.table(len(states))
    group = scenes.group(table, scenes.doubling(table), run_after=["n"])
    for row, state in zip(Row.objects.filter(table=table).order_by("position"), states, strict=True):
        if state is not None:
            status = Status.COMPLETED if state == "old" else Status(state)
            Execution.objects.create(row=row, group=group, position=row.position, status=status)
    scenes.settle(group)
    old = [place for place, state in enumerate(states, 1) if state == "old"]
    Execution.objects.filter(group=group, position__in=old).update(used=None)
    done = Execution.objects.filter(group=group, status=Status.COMPLETED).values("row")
    Row.objects.filter(pk__in=done).update(done=1 << group.bit)
    return group


def admitted(dispatch: Dispatch, width: int) -> tuple[list[int], Dispatch]:
    """Admit all there is, window by window; the positions of what was stamped, and the dispatch then."""
    Dispatch.objects.filter(pk=dispatch.pk).update(width=width)
    while hands.admit(dispatch):
        Dispatch.objects.filter(pk=dispatch.pk).update(width=width)
    dispatch.refresh_from_db()
    stamped = Execution.objects.filter(dispatch_id=dispatch.pk).order_by("position")
    return [int(position) for position in stamped.values_list("position", flat=True)], dispatch


@given(
    states=st.lists(STATES, max_size=14),
    mode=st.sampled_from(MODES),
    filter_=st.sampled_from([None, EVEN]),
    limit=st.none() | st.integers(1, 6),
    width=st.integers(1, 5),
    size=st.integers(1, 6),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_slices_of_any_size_admit_the_same_cells(states, mode, filter_, limit, width, size):
    found = []
    for slice_ in (1000, size):
        with pytest.MonkeyPatch.context() as patch, transaction.atomic():
            patch.setattr(picking, "SLICE", slice_)
            group = scene(states)
            cells, dispatch = admitted(begin(group.table_id, mode=mode, filter=filter_, limit=limit), width)
            assert dispatch.exhausted
            assert dispatch.admitted_rows == len(cells)
            found.append(cells)
            transaction.set_rollback(True)
    assert found[0] == found[1]


def test_a_slice_without_anything_to_run_moves_the_cursor_and_leaves_the_rest_to_the_next(monkeypatch):
    monkeypatch.setattr(picking, "SLICE", 4)
    group = scene(["completed"] * 9 + ["old"])
    dispatch = begin(group.table_id, mode="stale")
    lifecycle.start(dispatch)
    outcomes: list[Any] = []
    for _ in range(4):
        with transaction.atomic():
            dispatch = Dispatch.objects.select_for_update().get(pk=dispatch.pk)
            outcome = admit(dispatch, 0)
        outcomes.append((outcome if isinstance(outcome, Walked | None) else outcome.rows, dispatch.cursor))
    assert outcomes == [(Walked(4), 4), (Walked(8), 8), (1, 10), (None, 10)]


def test_a_link_walks_on_until_there_is_something_to_draw_or_nothing_at_all(monkeypatch):
    monkeypatch.setattr(picking, "SLICE", 3)
    group = scene(["completed"] * 10 + ["old"] + ["completed"] * 10)
    dispatch = begin(group.table_id, mode="stale")
    lane = Lane.objects.filter(dispatch=dispatch).first()
    link = lanes.advance(lane.pk, lane.fence)
    assert link is not None
    assert Window.objects.get().first_position == 11
    empty = begin(group.table_id, mode="stale", filter={"field": "n", "op": "lt", "value": 5})
    lane = Lane.objects.filter(dispatch=empty).first()
    assert lanes.advance(lane.pk, lane.fence) is None
    empty.refresh_from_db()
    assert empty.status == DispatchStatus.COMPLETE


def test_a_cap_of_rows_pauses_only_when_a_later_slice_has_something(monkeypatch):
    monkeypatch.setattr(picking, "SLICE", 3)
    for last, status in (("old", DispatchStatus.PAUSED), ("completed", DispatchStatus.COMPLETE)):
        group = scene(["old"] + ["completed"] * 10 + [last])
        dispatch = begin(group.table_id, mode="stale", caps={"rows": 1})
        assert hands.admit(dispatch).rows == 1
        worker = hands.worker(last)
        hands.finish([hands.ended(row.lead) for row in hands.claim(worker, dispatch)])
        lane = Lane.objects.filter(dispatch=dispatch).first()
        lanes.advance(lane.pk, lane.fence)
        dispatch.refresh_from_db()
        assert dispatch.status == status


def test_the_cells_of_a_filter_are_shown_as_far_as_a_limit_can_be_seen(monkeypatch):
    monkeypatch.setattr(picking, "SLICE", 4)
    group = scene([None] * 12)
    dispatch = begin(group.table_id, filter=EVEN, limit=2)
    assert [row.position for row in look(dispatch, 2).rows] == [2, 4]


def test_a_look_at_a_long_table_reads_a_slice_of_it(monkeypatch):
    monkeypatch.setattr(picking, "SLICE", 1000)
    table = scenes.table(30_000)
    group = scenes.group(table, scenes.doubling(table))
    ran_long_ago(group)
    analyze()
    none = {"field": "n", "op": "lt", "value": 0}
    for dispatch in (begin(table.pk, mode="stale"), begin(table.pk, filter=none), by_itself(table, group)):
        for cursor in (None, 15_000):
            dispatch.cursor = cursor
            end = picking._slice_end(dispatch)
            assert end == (cursor or 0) + 1000
            found = plan(dispatch, 100, end)
            assert touched(found) < 5000
            assert indexes(found) & {"one_row_per_position", "rows_by_done"}
            assert look(dispatch, 100) == picking.Looked([], end)


@pytest.mark.parametrize(("last", "opens"), [(5, False), (6, True)])
def test_an_automatic_run_of_more_rows_than_a_slice_opens_though_the_first_have_nothing(monkeypatch, last, opens):
    monkeypatch.setattr(picking, "SLICE", 6)
    group = scene(["completed"] * last)
    Group.objects.filter(pk=group.pk).update(auto_run=True)
    with transaction.atomic():
        lifecycle.serialise(group.table_id)
        opened = begin_automatic(schema.load(group.table_id), {group.pk}, ranges=[[1, last]])
    assert (opened is not None) == opens


def by_itself(table: Table, group: Group) -> Dispatch:
    """An automatic run over the whole table."""
    Group.objects.filter(pk=group.pk).update(auto_run=True)
    known = schema.load(table.pk)
    what = {"rows": None, "filter": None, "exclude_rows": [], "schema": None, "ranges": [[1, 30_000]]}
    chosen = known.groups
    return beginning._planned(known, chosen, mode="new", scope=what, is_manual=False)


def ran_long_ago(group: Group) -> None:
    """Let every cell of the group be completed, and none of them stale."""
    cells = Row.objects.filter(table=group.table_id).values_list("pk", "position")
    Execution.objects.bulk_create(
        Execution(row_id=pk, group=group, position=position, status=Status.COMPLETED) for pk, position in cells
    )
    Row.objects.filter(table=group.table_id).update(done=F("done").bitor(1 << group.bit))
    scenes.settle(group)
