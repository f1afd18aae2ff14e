"""Every verb on a dispatch in every state: what the picture in docs/architecture.md shows is allowed, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest
from django.conf import settings
from django.utils import timezone

from dispatch import lifecycle
from dispatch.begin import begin
from dispatch.models import ENDED, Dispatch, DispatchStatus
from tests import scenes

pytestmark = pytest.mark.django_db

VERBS: dict[str, Callable[[Dispatch], bool]] = {
    "start": lifecycle.start,
    "pause": lambda dispatch: lifecycle.pause(dispatch.pk, "To see."),
    "resume": lambda dispatch: lifecycle.resume(dispatch.pk),
    "complete": lambda dispatch: lifecycle.complete(dispatch, waiting=0),
    "cancel": lambda dispatch: lifecycle.cancel(dispatch.pk),
}
STARTED = {
    DispatchStatus.PENDING: (False,),
    DispatchStatus.DISPATCHING: (True,),
    DispatchStatus.PAUSED: (False, True),
    DispatchStatus.COMPLETE: (True,),
    DispatchStatus.CANCELLED: (False, True),
}


def drawn() -> set[tuple[str, str, str]]:
    """The picture's edges: from, to, verb."""
    document = (settings.BASE_DIR / "docs" / "architecture.md").read_text()
    picture = re.search(r"## The states of a dispatch\n\n```mermaid\n(.*?)```", document, re.DOTALL)
    assert picture is not None
    return set(re.findall(r"^ +(\S+) --> (\S+): (\w+)", picture[1], re.MULTILINE))


def standing(status: DispatchStatus, *, started: bool) -> Dispatch:
    """A dispatch in this state, as the verbs would have left it."""
    table = scenes.table(1)
    scenes.group(table, scenes.doubling(table))
    dispatch = begin(table.pk)
    Dispatch.objects.filter(pk=dispatch.pk).update(
        status=status,
        started_at=timezone.now() if started else None,
        resumed_at=timezone.now() if status == DispatchStatus.DISPATCHING else None,
        finished_at=timezone.now() if status in ENDED else None,
        paused_because="To see." if status == DispatchStatus.PAUSED else None,
    )
    dispatch.refresh_from_db()
    return dispatch


@pytest.mark.parametrize(("status", "verb"), list(product(DispatchStatus, VERBS)))
def test_a_verb_is_won_from_the_states_that_the_picture_shows_and_from_no_other(
    status: DispatchStatus, verb: str
) -> None:
    allowed = {right for left, right, drawn_verb in drawn() if (left, drawn_verb) == (status, verb)}
    reached = set()
    for started in STARTED[status]:
        dispatch = standing(status, started=started)
        before = Dispatch.objects.values().get(pk=dispatch.pk)
        won = VERBS[verb](dispatch)
        after = Dispatch.objects.values().get(pk=dispatch.pk)
        assert won == bool(allowed), f"{verb} from {status}"
        if won:
            reached.add(after["status"])
        else:
            assert after == before, f"{verb} lost, and has written something"
    assert reached == allowed


def test_the_picture_has_every_state_and_every_verb() -> None:
    edges = drawn()
    assert {state for left, right, _ in edges for state in (left, right)} == {"[*]", *DispatchStatus.values}
    assert {verb for _, _, verb in edges} == {"begin", *VERBS}
    assert [(right, verb) for left, right, verb in edges if left == "[*]"] == [("pending", "begin")]


@pytest.mark.parametrize("verb", ["complete", "cancel"])
def test_a_dispatch_that_ends_retires_its_lanes(verb: str) -> None:
    dispatch = standing(DispatchStatus.DISPATCHING, started=True)
    assert dispatch.lanes.filter(retired_at=None).exists()
    assert VERBS[verb](dispatch)
    assert not dispatch.lanes.filter(retired_at=None).exists()


@pytest.mark.parametrize("started", [False, True])
def test_a_pause_and_a_resume_leave_the_lanes_as_they_are(started: bool) -> None:
    dispatch = standing(DispatchStatus.DISPATCHING if started else DispatchStatus.PENDING, started=started)
    before = list(dispatch.lanes.values())
    assert lifecycle.pause(dispatch.pk, "To see.")
    assert lifecycle.resume(dispatch.pk)
    assert list(dispatch.lanes.values()) == before


def test_only_a_paused_dispatch_says_why_and_its_time_stands_still() -> None:
    dispatch = standing(DispatchStatus.DISPATCHING, started=True)
    minute = timedelta(minutes=1)
    Dispatch.objects.update(resumed_at=timezone.now() - minute)
    lifecycle.pause(dispatch.pk, "To see.")
    dispatch.refresh_from_db()
    assert (dispatch.paused_because, dispatch.resumed_at) == ("To see.", None)
    assert minute <= dispatch.ran_for < 2 * minute
    lifecycle.resume(dispatch.pk)
    Dispatch.objects.update(resumed_at=timezone.now() - minute)
    lifecycle.cancel(dispatch.pk)
    dispatch.refresh_from_db()
    assert (dispatch.paused_because, dispatch.resumed_at) == (None, None)
    assert 2 * minute <= dispatch.ran_for < 3 * minute
