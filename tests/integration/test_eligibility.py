"""Eligibility in Python and in SQL: over generated rows and executions both choose the same cells."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from uuid import uuid4

import pytest
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cells.eligibility import Reason, Request, Seen, askable, eligible, met, reason, unmet
from cells.models import Execution, Status
from cells.usage import Present, Usage
from tableflow.tables.models import Row
from tests import scenes

pytestmark = pytest.mark.django_db

SEQUENCE = 10
MODES = ("all", "incomplete", "new", "failed", "stale")
EMPTY = st.sampled_from([None, "", [], False])
FULL = st.sampled_from([0, -0.0, 1, True, " ", "false", "null", "[]", {}, {"a": None}, [None], [False], [[]]])
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3)
VALUES = EMPTY | FULL | TEXT | st.integers(-1, 1) | st.lists(EMPTY, max_size=2)
ROWS = st.dictionaries(st.sampled_from(["a", "b", 'it\'s "c" %s']), VALUES, max_size=3)
STATES = st.none() | st.tuples(
    st.sampled_from(Status), st.integers(SEQUENCE - 1, SEQUENCE + 1), st.sampled_from(["never", "the same", "other"])
)


USAGE = Usage(("a", 'it\'s "c" %s'), "made so")


@dataclass(frozen=True)
class Bound:
    id: int
    auto_run: bool
    run_after: tuple[str, ...]
    usage: Usage = USAGE


@given(cells=st.lists(st.tuples(ROWS, STATES), min_size=100, max_size=200))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_function_and_the_predicate_choose_the_same_cells(cells):
    table = scenes.table(0)
    group = scenes.group(table, scenes.doubling(table))
    rows = Row.objects.bulk_create(
        Row(table=table, position=place, data=data) for place, (data, _) in enumerate(cells, 1)
    )
    present = dict(Row.objects.filter(table=table).values_list("pk", Present(USAGE, F("data"))))
    kept = {row.pk: state for row, (_, state) in zip(rows, cells, strict=True) if state}
    Execution.objects.bulk_create(
        Execution(
            row=row, group=group, position=row.position, status=status, sequence=sequence, used=uses[used](row.pk)
        )
        for row in rows
        if row.pk in kept
        for status, sequence, used in [kept[row.pk]]
        for uses in [{"never": lambda _: None, "the same": present.get, "other": lambda _: uuid4()}]
    )
    states = {pk: Seen(status, sequence, used != "the same") for pk, (status, sequence, used) in kept.items()}
    dependencies = [(), ("a",), ("a", "b"), ('it\'s "c" %s',)]
    for mode, manual, auto_run, run_after in itertools.product(MODES, [True, False], [True, False], dependencies):
        bound, request = Bound(group.pk, auto_run, run_after), Request(mode, manual, SEQUENCE)
        reasons = {row.pk: reason(bound, row.data, states.get(row.pk), request) for row in rows}
        here = Row.objects.filter(table=table)
        assert chosen(here.filter(eligible(bound, request))) == {
            pk for pk, r in reasons.items() if r is Reason.ELIGIBLE
        }
        assert chosen(here.filter(askable(bound, request))) == {
            pk for pk, r in reasons.items() if r in (Reason.ELIGIBLE, Reason.UNMET)
        }
        assert chosen(here.filter(met(bound))) == {row.pk for row in rows if not unmet(bound, row.data)}


def chosen(rows):
    return set(rows.values_list("pk", flat=True))
