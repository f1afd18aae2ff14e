"""What the terminal asks anew, and which answers it shows: each state, and each way out of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tableflow.terminal import resources
from tableflow.terminal.coordinator import POLL_SECONDS, TICK_SECONDS, Coordinator, Ticket
from tableflow.terminal.resources import EVERYTHING, REOPENED, RUNS, WORKERS, Touched


class Request:
    """One on its way, until it is called off."""

    def __init__(self) -> None:
        self.is_off = False

    def cancel(self) -> None:
        self.is_off = True


class Stage:
    """A coordinator with a clock that is set by hand, and the requests that it makes."""

    def __init__(self) -> None:
        self.now = 100.0
        self.asked: list[Ticket] = []
        self.requests: list[Request] = []
        self.repaints = 0
        self.timers: dict[float, Callable[[], None]] = {}
        self.coordinator = Coordinator(
            self._ask, clock=lambda: self.now, every=self.timers.__setitem__, repaint=self._repaint
        )

    def _ask(self, ticket: Ticket) -> Request:
        self.asked.append(ticket)
        self.requests.append(Request())
        return self.requests[-1]

    def _repaint(self) -> None:
        self.repaints += 1

    def off(self) -> list[bool]:
        """Of each request, whether it was called off."""
        return [request.is_off for request in self.requests]

    @property
    def last(self) -> Ticket:
        return self.asked[-1]

    def names(self) -> list[str]:
        return [ticket.resource for ticket in self.asked]

    def touch(self, *names: str) -> None:
        self.coordinator.touch(Touched(frozenset(names)))


@pytest.fixture
def stage() -> Stage:
    """Nothing is shown yet."""
    return Stage()


@pytest.fixture
def at_rest(stage: Stage) -> Stage:
    """The runs are shown, and no request is in flight."""
    stage.coordinator.show([RUNS])
    assert stage.coordinator.answered(stage.last)
    stage.asked.clear()
    stage.requests.clear()
    return stage


@pytest.fixture
def in_flight(at_rest: Stage) -> Stage:
    """The runs are shown, and are being asked for."""
    at_rest.coordinator.refresh(RUNS)
    return at_rest


@pytest.fixture
def stale(in_flight: Stage) -> Stage:
    """The runs are being asked for, and have changed since."""
    in_flight.touch(RUNS)
    return in_flight


def test_what_comes_onto_the_screen_is_asked_for_once(stage: Stage) -> None:
    stage.coordinator.show([RUNS, WORKERS])
    stage.coordinator.show([RUNS, WORKERS])

    assert stage.names() == [RUNS, WORKERS]


def test_at_rest_a_touch_asks(at_rest: Stage) -> None:
    at_rest.touch(RUNS)

    assert at_rest.names() == [RUNS]


def test_a_touch_of_what_is_not_shown_asks_nothing(at_rest: Stage) -> None:
    at_rest.touch(WORKERS, resources.run(3))
    at_rest.coordinator.refresh(WORKERS)
    at_rest.coordinator.renew(WORKERS)

    assert at_rest.asked == []


def test_in_flight_touches_ask_nothing(in_flight: Stage) -> None:
    for _ in range(50):
        in_flight.touch(RUNS)

    assert in_flight.names() == [RUNS]


def test_in_flight_the_answer_leads_to_rest(in_flight: Stage) -> None:
    assert in_flight.coordinator.answered(in_flight.last)

    assert in_flight.names() == [RUNS]
    in_flight.touch(RUNS)
    assert in_flight.names() == [RUNS, RUNS]


def test_in_flight_a_failure_leads_to_rest(in_flight: Stage) -> None:
    assert in_flight.coordinator.failed(in_flight.last)

    assert in_flight.names() == [RUNS]
    in_flight.touch(RUNS)
    assert in_flight.names() == [RUNS, RUNS]


def test_stale_the_answer_is_shown_and_asked_for_once_more(stale: Stage) -> None:
    stale.touch(RUNS)

    assert stale.coordinator.answered(stale.last)
    assert stale.names() == [RUNS, RUNS]

    assert stale.coordinator.answered(stale.last)
    assert stale.names() == [RUNS, RUNS]


def test_stale_a_failure_is_asked_for_once_more(stale: Stage) -> None:
    assert stale.coordinator.failed(stale.last)
    assert stale.names() == [RUNS, RUNS]

    assert stale.coordinator.failed(stale.last)
    assert stale.names() == [RUNS, RUNS]


def test_resources_do_not_wait_for_each_other(in_flight: Stage) -> None:
    in_flight.coordinator.show([RUNS, WORKERS])

    assert in_flight.names() == [RUNS, WORKERS]
    in_flight.touch(RUNS)
    assert in_flight.coordinator.answered(in_flight.last)
    assert in_flight.names() == [RUNS, WORKERS]


def test_everything_touched_keeps_the_answer_on_its_way(in_flight: Stage) -> None:
    in_flight.coordinator.touch(EVERYTHING)

    assert in_flight.names() == [RUNS]
    assert in_flight.coordinator.answered(in_flight.last)
    assert in_flight.names() == [RUNS, RUNS]


@pytest.mark.parametrize(
    "anew",
    [lambda coordinator: coordinator.touch(REOPENED), lambda coordinator: coordinator.renew(RUNS)],
    ids=["opened anew", "another filter"],
)
class TestNewGeneration:
    """The stream is opened anew, or the filter changes."""

    def test_at_rest_it_asks(self, at_rest: Stage, anew: Callable[[Coordinator], None]) -> None:
        anew(at_rest.coordinator)

        assert at_rest.names() == [RUNS]

    def test_in_flight_it_asks_at_once_and_drops_the_older_answer(
        self, in_flight: Stage, anew: Callable[[Coordinator], None]
    ) -> None:
        older = in_flight.last
        anew(in_flight.coordinator)
        assert in_flight.names() == [RUNS, RUNS]

        assert not in_flight.coordinator.answered(older)
        assert in_flight.coordinator.answered(in_flight.last)
        assert in_flight.names() == [RUNS, RUNS]

    def test_an_older_answer_does_not_free_the_place(
        self, in_flight: Stage, anew: Callable[[Coordinator], None]
    ) -> None:
        older = in_flight.last
        anew(in_flight.coordinator)
        in_flight.touch(RUNS)

        assert not in_flight.coordinator.failed(older)
        assert in_flight.names() == [RUNS, RUNS]
        assert in_flight.coordinator.answered(in_flight.last)
        assert in_flight.names() == [RUNS, RUNS, RUNS]

    def test_an_older_answer_that_comes_last_is_dropped_too(
        self, in_flight: Stage, anew: Callable[[Coordinator], None]
    ) -> None:
        older = in_flight.last
        anew(in_flight.coordinator)
        assert in_flight.coordinator.answered(in_flight.last)

        assert not in_flight.coordinator.answered(older)
        assert in_flight.names() == [RUNS, RUNS]

    def test_what_is_on_its_way_is_called_off(self, in_flight: Stage, anew: Callable[[Coordinator], None]) -> None:
        for _ in range(4):
            anew(in_flight.coordinator)

        assert in_flight.off() == [True, True, True, True, False]

    def test_what_has_ended_is_not_called_off(self, at_rest: Stage, anew: Callable[[Coordinator], None]) -> None:
        anew(at_rest.coordinator)
        at_rest.coordinator.answered(at_rest.last)
        anew(at_rest.coordinator)

        assert at_rest.off() == [False, False]

    def test_stale_counts_no_more(self, stale: Stage, anew: Callable[[Coordinator], None]) -> None:
        anew(stale.coordinator)

        assert stale.coordinator.answered(stale.last)
        assert stale.names() == [RUNS, RUNS]

    def test_the_age_is_of_what_is_still_on_the_screen(
        self, in_flight: Stage, anew: Callable[[Coordinator], None]
    ) -> None:
        in_flight.now += 7
        anew(in_flight.coordinator)

        assert in_flight.coordinator.age(RUNS) == 7


def test_what_leaves_the_screen_is_forgotten(stale: Stage) -> None:
    older = stale.last
    stale.coordinator.show([WORKERS])

    assert stale.off() == [True, False]
    assert not stale.coordinator.answered(older)
    assert stale.names() == [RUNS, WORKERS]
    assert stale.coordinator.age(RUNS) is None


def test_what_comes_back_to_the_screen_is_asked_for_and_gets_no_older_answer(in_flight: Stage) -> None:
    older = in_flight.last
    in_flight.coordinator.show([])
    in_flight.coordinator.show([RUNS])

    assert in_flight.names() == [RUNS, RUNS]
    assert not in_flight.coordinator.answered(older)
    assert in_flight.coordinator.answered(in_flight.last)


def test_the_poll_asks_for_what_is_not_asked_for_already(at_rest: Stage) -> None:
    at_rest.coordinator.show([RUNS, WORKERS])
    assert at_rest.names() == [WORKERS]

    at_rest.timers[POLL_SECONDS]()

    assert at_rest.names() == [WORKERS, RUNS]
    at_rest.coordinator.answered(at_rest.asked[0])
    assert at_rest.names() == [WORKERS, RUNS]


def test_who_is_not_let_in_polls_no_more(at_rest: Stage) -> None:
    at_rest.coordinator.stop_polling()
    at_rest.timers[POLL_SECONDS]()
    assert at_rest.asked == []

    at_rest.coordinator.refresh(RUNS)
    assert at_rest.names() == [RUNS]


def test_the_tick_repaints_and_asks_nothing(at_rest: Stage) -> None:
    at_rest.now += 3600
    at_rest.timers[TICK_SECONDS]()

    assert (at_rest.repaints, at_rest.asked) == (1, [])
    assert at_rest.timers.keys() == {POLL_SECONDS, TICK_SECONDS}


def test_the_age_counts_from_when_it_was_asked_for(stage: Stage) -> None:
    stage.coordinator.show([RUNS])
    assert stage.coordinator.age(RUNS) is None

    stage.now += 2
    assert stage.coordinator.answered(stage.last)
    stage.now += 3

    assert stage.coordinator.age(RUNS) == 5


def test_a_failure_leaves_the_age_until_an_answer_comes(in_flight: Stage) -> None:
    in_flight.now += 4
    in_flight.coordinator.failed(in_flight.last)
    assert in_flight.coordinator.age(RUNS) == 4

    in_flight.timers[POLL_SECONDS]()
    in_flight.coordinator.answered(in_flight.last)
    assert in_flight.coordinator.age(RUNS) == 0
