"""Which cells a request may run: every status, mode and kind of request, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cells.eligibility import Reason, Request, reason, unmet
from cells.models import FINAL, IN_FLIGHT, Status


@dataclass(frozen=True)
class Bound:
    id: int = 1
    auto_run: bool = True
    run_after: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    status: str
    sequence: int = 5
    outdated: bool = False


MODES = ("all", "incomplete", "new", "failed", "stale")
NOT_FOR_NEVER_RUN = {"failed": Reason.NOT_FAILED, "stale": Reason.NOT_STALE}
REQUESTS = [Request(mode, manual, 10) for mode in MODES for manual in (True, False)]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_a_cell_that_never_ran_is_eligible_unless_failed_or_stale_ones_are_asked_for(request_):
    expected = NOT_FOR_NEVER_RUN.get(request_.mode, Reason.ELIGIBLE)
    assert reason(Bound(), {}, None, request_) is expected


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
@pytest.mark.parametrize("status", IN_FLIGHT)
def test_a_cell_in_flight_is_nobody_elses(request_, status):
    assert reason(Bound(), {}, State(status), request_) is Reason.IN_FLIGHT


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("sequence", [10, 11])
def test_what_this_request_or_a_later_one_has_touched_is_left_alone(request_, status, sequence):
    assert reason(Bound(), {}, State(status, sequence), request_) is Reason.SUPERSEDED


@pytest.mark.parametrize(
    ("mode", "manual", "expected"),
    [
        ("all", True, dict.fromkeys(FINAL, Reason.ELIGIBLE)),
        (
            "all",
            False,
            {
                Status.COMPLETED: Reason.ELIGIBLE,
                Status.ERROR: Reason.NOT_RETRIED,
                Status.CANCELLED: Reason.NOT_RETRIED,
                Status.SKIPPED: Reason.ELIGIBLE,
            },
        ),
        ("incomplete", True, {**dict.fromkeys(FINAL, Reason.ELIGIBLE), Status.COMPLETED: Reason.DONE}),
        (
            "incomplete",
            False,
            {
                Status.COMPLETED: Reason.DONE,
                Status.ERROR: Reason.NOT_RETRIED,
                Status.CANCELLED: Reason.NOT_RETRIED,
                Status.SKIPPED: Reason.ELIGIBLE,
            },
        ),
        ("new", True, dict.fromkeys(FINAL, Reason.ATTEMPTED)),
        ("new", False, dict.fromkeys(FINAL, Reason.ATTEMPTED)),
        ("stale", True, dict.fromkeys(FINAL, Reason.NOT_STALE)),
        ("failed", True, {**dict.fromkeys(FINAL, Reason.NOT_FAILED), Status.ERROR: Reason.ELIGIBLE}),
    ],
)
def test_each_mode_runs_the_ended_cells_that_it_names(mode, manual, expected):
    request = Request(mode, manual, 10)
    assert {status: reason(Bound(), {}, State(status), request) for status in FINAL} == expected


@pytest.mark.parametrize("manual", [True, False])
def test_what_is_outdated_is_stale_unless_it_was_cancelled(manual):
    found = {
        status: reason(Bound(), {}, State(status, outdated=True), Request("stale", manual, 10)) for status in FINAL
    }
    assert found == {**dict.fromkeys(FINAL, Reason.ELIGIBLE), Status.CANCELLED: Reason.NOT_STALE}


@pytest.mark.parametrize("status", FINAL)
def test_an_automatic_run_comes_to_what_is_outdated_and_no_manual_one_does(status):
    state = State(status, outdated=True)
    assert reason(Bound(), {}, state, Request("new", False, 10)) is Reason.ELIGIBLE
    assert reason(Bound(), {}, state, Request("new", True, 10)) is Reason.ATTEMPTED


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [None, *Status])
def test_an_automatic_request_runs_no_group_whose_auto_run_is_off(mode, status):
    state = State(status) if status else None
    assert reason(Bound(auto_run=False), {}, state, Request(mode, False, 10)) is Reason.AUTO_RUN_OFF


def test_a_manual_request_runs_a_group_whose_auto_run_is_off():
    assert reason(Bound(auto_run=False), {}, None, Request("all", True, 10)) is Reason.ELIGIBLE


@pytest.mark.parametrize("empty", [None, "", [], False])
def test_an_empty_value_or_an_unticked_checkbox_is_waited_for(empty):
    group = Bound(run_after=("a", "b"))
    request = Request("all", True, 10)
    assert reason(group, {"a": 1, "b": empty}, None, request) is Reason.UNMET
    assert unmet(group, {"a": 1, "b": empty}) == ("b",)
    assert unmet(group, {}) == ("a", "b")


@pytest.mark.parametrize("value", [0, 0.0, "0", " ", True, {}, [None], [False]])
def test_any_other_value_meets_the_dependency(value):
    assert reason(Bound(run_after=("a",)), {"a": value}, None, Request("all", True, 10)) is Reason.ELIGIBLE


def test_what_the_execution_forbids_is_said_before_what_the_row_lacks():
    group = Bound(run_after=("a",))
    assert reason(group, {}, State(Status.COMPLETED), Request("incomplete", True, 10)) is Reason.DONE
