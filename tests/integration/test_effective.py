"""What each cell shows: its execution, or pending by rule where an active dispatch has still to come."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cells.models import Execution, Status
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs
from dispatch.effective import states
from dispatch.models import Dispatch
from tableflow.tables import schema as schemas
from tableflow.tables.models import Row
from tests import hands, scenes

pytestmark = pytest.mark.django_db


def shown(table, *keys: str) -> dict[str, list[str | None]]:
    """What the cells of each group show, in the rows' order."""
    schema = schemas.load(table.pk)
    rows = list(Row.objects.filter(table=table).order_by("position"))
    found = states(schema, rows)
    return {group.name: [found[row.pk][group.id].status for row in rows] for group in schema.groups}


def scene(rows: int, **groups):
    table = scenes.table(rows)
    return table, {key: scenes.group(table, scenes.doubling(table), key, **what) for key, what in groups.items()}


def narrow(dispatch: Dispatch, width: int) -> None:
    Dispatch.objects.filter(pk=dispatch.pk).update(width=width)


def test_a_cell_that_never_ran_shows_nothing_but_what_it_waits_for():
    table, groups = scene(2, a={"run_after": ["n"]})
    Row.objects.filter(table=table, data__n=2).update(data={"n": ""})
    found = states(schemas.load(table.pk), Row.objects.filter(table=table).order_by("position"))
    one, two = (cells[groups["a"].pk] for cells in found.values())
    assert (one.status, one.waiting_on) == (None, ())
    assert (two.status, two.waiting_on) == (None, ("n",))


def test_cells_ahead_of_the_cursor_show_pending_and_those_behind_what_they_are():
    table, _ = scene(5, a={})
    dispatch = begin(table.pk)
    assert shown(table) == {"a": ["pending"] * 5}
    assert not Execution.objects.exists()
    narrow(dispatch, 2)
    hands.admit(dispatch)
    one, two = hands.claim(hands.worker(), dispatch)
    hands.finish([hands.ended(one.lead), hands.ended(two.lead, Status.ERROR)])
    assert shown(table) == {"a": ["completed", "error", "pending", "pending", "pending"]}


def test_only_what_the_dispatch_would_run_shows_pending():
    table, groups = scene(6, a={}, b={}, c={"run_after": ["n"]})
    rows = list(Row.objects.filter(table=table).order_by("position"))
    for row, status in zip(rows, ["completed", "error", "cancelled", "skipped"], strict=False):
        Execution.objects.create(row=row, group=groups["a"], position=row.position, status=status)
    Row.objects.filter(pk=rows[5].pk).update(data={"n": None})
    begin(table.pk, groups=[groups["a"].pk, groups["c"].pk], rows=[row.pk for row in rows if row.pk != rows[4].pk])
    assert shown(table) == {
        "a": ["completed", "pending", "pending", "pending", None, "pending"],
        "b": [None] * 6,
        "c": ["pending"] * 4 + [None, None],
    }


def test_excluded_rows_and_groups_do_not_show_pending():
    table, groups = scene(4, a={}, b={})
    rows = list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))
    begin(table.pk, exclude_rows=[rows[0]])
    cancel_runs(table.pk, rows=[rows[1]], groups=[groups["a"].pk])
    cancel_runs(table.pk, filter={"all": [{"field": "n", "op": "eq", "value": 3}]})
    assert shown(table) == {"a": [None, None, None, "pending"], "b": [None, "pending", None, "pending"]}


def test_nothing_beyond_the_limit_shows_pending():
    table, _ = scene(6, a={})
    rows = list(Row.objects.filter(table=table).order_by("position"))
    Execution.objects.create(row=rows[1], group_id=table.groups.get().pk, position=2, status="completed")
    dispatch = begin(table.pk, limit=3)
    assert shown(table) == {"a": ["pending", "completed", "pending", "pending", None, None]}
    narrow(dispatch, 2)
    hands.admit(dispatch)
    assert shown(table) == {"a": ["pending", "completed", "pending", "pending", None, None]}
    hands.admit(dispatch)
    assert shown(table) == {"a": ["pending", "completed", "pending", "pending", None, None]}


def test_a_row_behind_the_cursor_of_an_exhausted_dispatch_shows_nothing():
    table, _ = scene(2, a={})
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    scenes.add_rows(table, 1)
    assert shown(table) == {"a": ["pending", "pending", None]}


def test_a_cancelled_dispatch_makes_nothing_pending():
    table, _ = scene(2, a={})
    cancel_dispatch(begin(table.pk).pk)
    assert shown(table) == {"a": [None, None]}


def test_a_cell_that_a_cascade_will_reach_shows_pending():
    table, _ = scene(2, a={}, b={"run_after": ["a"]}, c={"run_after": ["b"]})
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    (_one, two) = hands.claim(hands.worker(), dispatch)
    hands.finish([hands.ended(two.lead, Status.ERROR)])
    assert shown(table)["a"] == ["running", "error"]
    assert shown(table)["b"] == ["pending", None]
    found = states(schemas.load(table.pk), Row.objects.filter(table=table).order_by("position"))
    assert found[two.lead.row_id][table.groups.get(name="b").pk].waiting_on == ("a",)


def test_a_rerun_shows_pending_over_the_old_outcome_and_keeps_the_attempts():
    table, groups = scene(1, a={})
    row = Row.objects.get()
    Execution.objects.create(row=row, group=groups["a"], position=1, status="error", error="old", attempt=3)
    begin(table.pk)
    state = states(schemas.load(table.pk), [row])[row.pk][groups["a"].pk]
    assert (state.status, state.error, state.attempt) == ("pending", None, 3)


def test_an_error_says_what_it_was():
    table, groups = scene(1, a={})
    row = Row.objects.get()
    Execution.objects.create(row=row, group=groups["a"], position=1, status="error", error="It broke.", attempt=1)
    assert states(schemas.load(table.pk), [row])[row.pk][groups["a"].pk].error == "It broke."


def test_a_hundred_rows_take_no_more_queries_than_three():
    table, _ = scene(100, a={}, b={"run_after": ["a"]})
    begin(table.pk)
    begin(table.pk, filter={"all": [{"field": "n", "op": "gt", "value": 50}]}, limit=20)
    cancel_runs(table.pk, filter={"all": [{"field": "n", "op": "gt", "value": 90}]})
    schema = schemas.load(table.pk)
    rows = list(Row.objects.filter(table=table).order_by("position"))
    counts = []
    for some in (rows[:3], rows):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            states(schema, some)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 20


def test_runs_that_have_no_cell_left_to_come_to_cost_a_page_nothing():
    table, _ = scene(4, a={}, b={})
    schema, rows = schemas.load(table.pk), list(Row.objects.filter(table=table))
    counts = []
    for _ in range(2):
        for row in rows[1:]:
            begin(table.pk, rows=[row.pk])
        Dispatch.objects.update(exhausted=True)
        with CaptureQueriesContext(connection) as queries:
            states(schema, rows[:1])
        counts.append(len(queries))
    assert counts[0] == counts[1]
