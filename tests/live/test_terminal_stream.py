"""The terminal's subscription against a little server that answers as the test says: streams, refusals, garbage.

Its clock and its sleep are the test's: a wait between two tries ends when the test lets it, and takes no time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tableflow.terminal import subscription as subscriptions
from tableflow.terminal.address import Server
from tableflow.terminal.backoff import Backoff
from tableflow.terminal.resources import REOPENED, Touched
from tableflow.terminal.states import Live, Polling, Reconnecting, State, Stopped, said
from tableflow.terminal.stream import Patience
from tableflow.terminal.subscription import Subscription
from tests import web
from tests.live.feeds import Feed, refusal
from tests.scenes import PATIENCE
from tests.web import Asked, Told

GATHER = 0.25
OPEN = {"type": "stream.open", "cursor": 10}


def started(id_: int, dispatch: int) -> dict[str, Any]:
    return {"id": id_, "type": "dispatch.started", "table": 1, "rev": 1, "dispatch": dispatch}


class Station:
    """The server: each request for a stream gets the next answer."""

    def __init__(self) -> None:
        self.answers: list[Feed | Told] = []
        self.asked: list[Asked] = []
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Told:
        """The next answer. Who asks more often than the test thought of is sent nothing more."""
        with self._lock:
            found = self.answers[min(len(self.asked), len(self.answers) - 1)]
            self.asked.append(asked)
        return Told(chunks=found.chunks) if isinstance(found, Feed) else found

    def end_all(self) -> None:
        """Let go of the threads that serve streams."""
        for answer in self.answers:
            if isinstance(answer, Feed):
                answer.end()


@dataclass
class Time:
    """A clock that stands still until somebody sleeps or the test moves it, and the naps that were taken."""

    now: float = 1000.0
    naps: list[float] = field(default_factory=list)
    most_naps: int = 1_000

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once; after so many naps for ever."""
        if seconds != GATHER:
            if len(self.naps) >= self.most_naps:
                await asyncio.Event().wait()
            self.naps.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@dataclass
class Heard:
    """A running subscription, the states that it was in, and what it touched."""

    subscription: Subscription
    time: Time
    station: Station
    states: list[State]
    touches: AsyncIterator[Touched]
    task: asyncio.Task[None]
    _changed: asyncio.Event

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; it is looked at after each change of state."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_live(self, times: int = 1) -> None:
        """Wait until the stream has been opened so many times."""
        await self.until(lambda: sum(isinstance(state, Live) for state in self.states) >= times)

    async def touched(self) -> Touched:
        """The next wake-up."""
        async with asyncio.timeout(PATIENCE):
            return await anext(self.touches)

    @property
    def causes(self) -> list[str]:
        """Why the stream was opened anew, each time."""
        return [state.cause for state in self.states if isinstance(state, Reconnecting)]


@pytest.fixture(autouse=True)
def gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause between wake-ups that no nap is as long as."""
    monkeypatch.setattr(subscriptions, "GATHER_SECONDS", GATHER)


@pytest.fixture
def station() -> Iterator[Station]:
    """The server's answers."""
    made = Station()
    yield made
    made.end_all()


@asynccontextmanager
async def subscribed(
    station: Station, *answers: Feed | Told, patience: Patience | None = None, most_naps: int = 1_000
) -> AsyncIterator[Heard]:
    """A subscription to a server with these answers; each wait is as long as it can be."""
    station.answers = [*answers]
    time = Time(most_naps=most_naps)
    changed = asyncio.Event()
    states: list[State] = []

    def note() -> None:
        states.append(subscription.state)
        changed.set()

    with web.serving(station.answer) as served:
        subscription = Subscription(
            Server(served.url, "token"),
            changed=note,
            patience=patience,
            backoff=Backoff(chance=lambda: 1.0),
            clock=lambda: time.now,
            sleep=time.sleep,
        )
        task = asyncio.create_task(subscription.run())
        async with aclosing(subscription.touches()) as touches:
            try:
                yield Heard(subscription, time, station, states, touches, task, changed)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                station.end_all()


def run(scene: Callable[[], Awaitable[None]]) -> None:
    """The scene, on a loop of its own."""
    asyncio.run(scene())  # type: ignore[arg-type]


def test_the_stream_wakes_the_view_with_what_is_touched(station: Station) -> None:
    async def scene() -> None:
        feed = Feed(OPEN)
        async with subscribed(station, feed) as heard:
            assert heard.subscription.state == Polling()
            assert await heard.touched() == REOPENED
            assert heard.subscription.state == Live()

            feed.put(started(11, dispatch=3))
            assert await heard.touched() == Touched(frozenset({"runs", "run:3", "cells:1"}))

            feed.put({"type": "worker.lost", "id": 12, "worker": "w", "table": None})
            assert await heard.touched() == Touched(frozenset({"workers"}))

    run(scene)
    asked = station.asked[0]
    assert (asked.path, asked.headers["authorization"]) == ("/api/v1/stream/events", "Bearer token")
    assert asked.headers["accept-encoding"] == "identity"


def test_a_burst_is_one_wake_up(station: Station) -> None:
    async def scene() -> None:
        closing = {"type": "stream.closing", "reason": "shutdown"}
        burst = [started(id_, dispatch=id_ % 3) for id_ in range(11, 500)]
        async with subscribed(station, Feed(OPEN, *burst, closing), Feed()) as heard:
            await heard.until(lambda: bool(heard.causes))

            assert await heard.touched() == REOPENED
            assert not heard.subscription._wake.is_set()

    run(scene)


def test_between_two_wake_ups_events_gather(station: Station) -> None:
    async def scene() -> None:
        feed = Feed(OPEN)
        closing = {"type": "stream.closing", "reason": "shutdown"}
        async with subscribed(station, feed, Feed(), most_naps=0) as heard:
            assert await heard.touched() == REOPENED
            feed.put(started(11, dispatch=1), started(12, dispatch=2), closing)
            await heard.until(lambda: bool(heard.causes))

            assert await heard.touched() == Touched(frozenset({"runs", "run:1", "run:2", "cells:1"}))

    run(scene)


def test_a_stream_that_ended_is_opened_anew_from_its_last_cursor(station: Station) -> None:
    async def scene() -> None:
        first = Feed(OPEN, started(11, dispatch=3), {"type": "heartbeat", "cursor": 15}).end()
        second = Feed({"type": "stream.open", "cursor": 40}, started(16, dispatch=3)).end()
        async with subscribed(station, first, second, Feed({"type": "stream.open", "cursor": 41})) as heard:
            await heard.until_live(3)
            assert await heard.touched() == REOPENED

        assert heard.causes == ["The server ended the stream."] * 2

    run(scene)
    assert [asked.path.partition("?")[2] for asked in station.asked] == ["", "after=15", "after=16"]


def test_a_reset_touches_everything_and_goes_on_from_its_cursor(station: Station) -> None:
    async def scene() -> None:
        feed = Feed(OPEN)
        async with subscribed(station, feed, Feed(OPEN)) as heard:
            assert await heard.touched() == REOPENED
            feed.put({"type": "stream.reset", "reason": "overflow", "cursor": 5}).end()
            touched = await heard.touched()
            assert touched.everything

            await heard.until_live(2)

    run(scene)
    assert [asked.path.partition("?")[2] for asked in station.asked] == ["", "after=5"]


def test_tries_come_ever_later(station: Station) -> None:
    async def scene() -> None:
        async with subscribed(station, *[Feed(OPEN).end() for _ in range(8)], most_naps=7) as heard:
            await heard.until(lambda: len(heard.causes) == 8)

            assert heard.time.naps == [1, 2, 4, 8, 16, 30, 30]
            state = heard.subscription.state
            assert state == Reconnecting(heard.time.now + 30, "The server ended the stream.")
            assert said(state, heard.time.now + 12) == "reconnecting in 18 s (The server ended the stream)"

    run(scene)


@pytest.mark.parametrize(("lived", "naps"), [(9.0, [1, 2, 4]), (10.0, [1, 2, 1])])
def test_a_stream_that_proved_alive_begins_the_tries_anew(station: Station, lived: float, naps: list[float]) -> None:
    async def scene() -> None:
        short, lasting = Feed(OPEN), Feed(OPEN)
        async with subscribed(station, short.end(), Feed(OPEN).end(), lasting, Feed(OPEN)) as heard:
            await heard.until_live(3)
            heard.time.now += lived
            lasting.put({"type": "heartbeat", "cursor": 20}).end()
            await heard.until_live(4)

            assert heard.time.naps == naps

    run(scene)


def test_a_stream_that_was_silent_since_its_opening_has_proved_nothing(station: Station) -> None:
    async def scene() -> None:
        silent = Feed(OPEN)
        async with subscribed(station, Feed(OPEN).end(), silent, Feed(OPEN)) as heard:
            await heard.until_live(2)
            heard.time.now += 60
            silent.end()
            await heard.until_live(3)

            assert heard.time.naps == [1, 2]

    run(scene)


def test_a_server_that_falls_silent_is_taken_for_gone(station: Station) -> None:
    async def scene() -> None:
        async with subscribed(station, Feed(OPEN), Feed(OPEN), patience=Patience(silence=0.1), most_naps=1) as heard:
            await heard.until_live(2)

            assert heard.causes == ["Nothing came from the server for 0.1 s."]

    run(scene)


@pytest.mark.parametrize(("retry_ms", "nap"), [(4000, 5), (0, 1), (10**9, 1), ("soon", 1), (None, 1)])
def test_a_closing_server_is_given_the_time_that_it_asks_for(station: Station, retry_ms: Any, nap: float) -> None:
    async def scene() -> None:
        closing = {"type": "stream.closing", "reason": "shutdown", "retry_ms": retry_ms, "cursor": 30}
        async with subscribed(station, Feed(OPEN, closing), Feed(OPEN)) as heard:
            await heard.until_live(2)

            assert heard.time.naps == [nap]
            assert heard.causes == ["The server closed the stream: shutdown."]

    run(scene)
    assert station.asked[1].path.endswith("?after=30")


@pytest.mark.parametrize(
    ("garbage", "cause"),
    [
        (b"<html>\n", "a line that is not JSON"),
        (b'{"type": "heart\n', "a line that is not JSON"),
        (b"\xff\xfe\n", "a line that is not JSON"),
        (b"[" * 100_000 + b"\n", "a line that is not JSON"),
        (b"[1, 2]\n", "a line that is no event"),
        (b'{"type": 7}\n', "a line that is no event"),
        (b"x" * 1_100_000, "a line of more than 1,000,000 bytes"),
    ],
    ids=["html", "half", "bytes", "deep", "list", "odd type", "endless"],
)
def test_garbage_ends_the_stream_and_opens_another(station: Station, garbage: bytes, cause: str) -> None:
    async def scene() -> None:
        async with subscribed(station, Feed(OPEN).raw(garbage), Feed(OPEN)) as heard:
            await heard.until_live(2)

            assert heard.causes == [f"The server sent {cause}."]

    run(scene)


def test_an_empty_line_is_none(station: Station) -> None:
    async def scene() -> None:
        async with subscribed(station, Feed(OPEN).raw(b"\n \r\n").put(started(11, dispatch=1)).end(), Feed()) as heard:
            await heard.until(lambda: bool(heard.causes))

            assert heard.causes == ["The server ended the stream."]

    run(scene)


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_taken_stops_it_and_says_so(station: Station, status: int) -> None:
    async def scene() -> None:
        async with subscribed(station, Feed(OPEN).end(), refusal(status, "Invalid token.")) as heard:
            await asyncio.wait_for(heard.task, PATIENCE)

            assert heard.subscription.state == Stopped("Invalid token.")

    run(scene)
    assert len(station.asked) == 2


@pytest.mark.parametrize("status", [404, 429, 503])
def test_other_refusals_are_told_and_tried_again(station: Station, status: int) -> None:
    async def scene() -> None:
        async with subscribed(station, refusal(status, "Not now."), Feed(OPEN)) as heard:
            await heard.until_live()

            assert heard.causes == ["Not now."]
            assert heard.states[1] == Polling("Not now.")

    run(scene)


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (Told(502, b"<h1>Bad Gateway</h1>"), "The server answered 502 Bad Gateway."),
        (Told(204), "The server answered 204 No Content."),
        (Told(301, headers={"location": "https://there/"}), "The server sends to https://there/: give that address."),
    ],
)
def test_an_answer_that_is_no_stream_is_an_error(station: Station, told: Told, cause: str) -> None:
    async def scene() -> None:
        async with subscribed(station, told, Feed(OPEN)) as heard:
            await heard.until_live()

            assert heard.causes == [cause]

    run(scene)


def test_a_server_that_is_not_there_is_tried_again() -> None:
    async def scene() -> None:
        reached = asyncio.Event()
        with web.serving(lambda _: Told()) as served:
            url = served.url
        waits: list[float] = []

        async def nap(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                reached.set()
                await asyncio.Event().wait()

        subscription = Subscription(Server(url, "token"), backoff=Backoff(chance=lambda: 1.0), sleep=nap)
        task = asyncio.create_task(subscription.run())
        await asyncio.wait_for(reached.wait(), PATIENCE)

        assert waits == [1, 2, 4]
        assert isinstance(subscription.state, Reconnecting)
        assert "cannot be reached" in subscription.state.cause
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(scene)
