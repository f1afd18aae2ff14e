"""The threads of functions: what is given up ends, or costs its thread only; the next call is never hit."""

from __future__ import annotations

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cells import loop
from cells.lifecycle import Claim
from cells.steps.step import StepFailed
from cells.threads import Threads, call, express
from tests.scenes import PATIENCE, until


class Stuck:
    """A function that waits in C for a lock, where no exception reaches it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.lock.acquire()
        self.began = threading.Semaphore(0)

    def __call__(self) -> str:
        self.began.release()
        with self.lock:
            return "went on"


def thread_id() -> int:
    """Which thread runs this."""
    return threading.get_ident()


async def started(threads: Threads, function: Callable[[], Any], began: threading.Semaphore) -> asyncio.Task[Any]:
    """The call of a function that has begun."""
    task = asyncio.ensure_future(threads.call(function))
    await asyncio.sleep(0)
    assert began.acquire(timeout=PATIENCE)
    return task


async def given_up(task: asyncio.Task[Any]) -> None:
    """Cancel the call and see it cancelled."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_what_a_function_returns_or_raises_is_the_outcome_of_its_call() -> None:
    def fails() -> None:
        raise KeyError("no")

    threads = Threads()
    assert asyncio.run(threads.call(lambda: 7)) == 7
    with pytest.raises(KeyError, match="no"):
        asyncio.run(threads.call(fails))


def test_a_function_that_never_ends_is_stopped_when_it_is_given_up() -> None:
    began, ended = threading.Semaphore(0), threading.Event()

    def turns_for_ever() -> None:
        began.release()
        try:
            while True:
                pass
        finally:
            ended.set()

    async def scene() -> Threads:
        threads = Threads(ordinary=1)
        await given_up(await started(threads, turns_for_ever, began))
        assert ended.wait(PATIENCE)
        assert await threads.call(lambda: "next") == "next"
        return threads

    threads = asyncio.run(scene())
    until(lambda: threads.abandoned() == 0, "the stopped thread has ended")


def test_functions_that_are_stuck_do_not_take_the_places_of_others() -> None:
    stuck = Stuck()

    async def scene() -> Threads:
        threads = Threads(ordinary=2)
        for _ in range(6):
            await given_up(await started(threads, stuck, stuck.began))
        assert threads.abandoned() == 6
        assert await asyncio.gather(*(threads.call(lambda: "done") for _ in range(4))) == ["done"] * 4
        return threads

    threads = asyncio.run(scene())
    stuck.lock.release()
    until(lambda: threads.abandoned() == 0, "the stuck threads have ended")


def test_too_many_that_are_stuck_make_new_calls_fail_until_one_ends() -> None:
    stuck = Stuck()

    async def scene() -> None:
        threads = Threads(ordinary=2, abandoned=3)
        for _ in range(3):
            await given_up(await started(threads, stuck, stuck.began))
        with pytest.raises(StepFailed, match="3 functions on this worker have outlived their timeout") as failure:
            await threads.call(lambda: "done")
        assert failure.value.retryable
        stuck.lock.release()
        until(lambda: threads.abandoned() == 0, "the stuck threads have ended")
        assert await threads.call(lambda: "done") == "done"

    asyncio.run(scene())


def test_a_call_that_ends_as_it_is_given_up_leaves_its_thread_unharmed() -> None:
    began, seen = threading.Semaphore(0), list[int]()

    def quick() -> None:
        began.release()
        seen.append(thread_id())

    async def scene() -> None:
        threads = Threads(ordinary=1)
        task = await started(threads, quick, began)
        # The loop is held here: the call has ended in its thread, and its task does not know yet.
        until(lambda: threads._ordinary._busy == 0, "the call has ended")
        await given_up(task)
        assert threads.abandoned() == 0
        assert [await threads.call(thread_id) for _ in range(50)] == seen * 50

    asyncio.run(scene())


def test_the_next_call_is_never_hit_whenever_the_one_before_is_given_up() -> None:
    chance = random.Random(7)

    def turns(seconds: float) -> None:
        ends_at = time.perf_counter() + seconds
        while time.perf_counter() < ends_at:
            pass

    async def scene() -> Threads:
        threads = Threads(ordinary=1, abandoned=10_000)
        for number in range(400):
            span = chance.uniform(0, 0.002)
            task = asyncio.ensure_future(threads.call(lambda span=span: turns(span)))
            await asyncio.sleep(span * chance.uniform(0.5, 1.5))
            task.cancel()
            await asyncio.wait([task])
            assert await threads.call(lambda number=number: (turns(0.0002), number)[1]) == number
        return threads

    threads = asyncio.run(scene())
    until(lambda: threads.abandoned() == 0, "all that was given up has ended")


def test_a_function_that_had_not_begun_never_begins_once_it_is_given_up() -> None:
    stuck, ran = Stuck(), []

    async def scene() -> None:
        threads = Threads(ordinary=1)
        first = await started(threads, stuck, stuck.began)
        second = asyncio.ensure_future(threads.call(lambda: ran.append("second")))
        await asyncio.sleep(0)
        await given_up(second)
        stuck.lock.release()
        assert await first == "went on"
        await threads.call(lambda: ran.append("third"))

    asyncio.run(scene())
    assert ran == ["third"]


def test_an_express_call_does_not_wait_for_those_of_a_long_run() -> None:
    stuck = Stuck()

    async def scene() -> None:
        threads = Threads(ordinary=2, reserved=1)
        long_run = [await started(threads, stuck, stuck.began) for _ in range(2)]
        waits = asyncio.ensure_future(threads.call(lambda: "waited"))
        await asyncio.sleep(0)
        express.set(True)
        assert await threads.call(lambda: "at once") == "at once"
        assert not waits.done()
        stuck.lock.release()
        assert await asyncio.gather(*long_run, waits) == ["went on", "went on", "waited"]

    asyncio.run(scene())


def test_express_calls_also_use_the_threads_that_nobody_else_uses() -> None:
    stuck = Stuck()

    async def scene() -> None:
        threads = Threads(ordinary=2, reserved=1)
        express.set(True)
        calls = [await started(threads, stuck, stuck.began) for _ in range(3)]
        stuck.lock.release()
        assert await asyncio.gather(*calls) == ["went on"] * 3

    asyncio.run(scene())


def claim(number: int) -> Claim:
    return Claim(-number, 1, 1, 1, 1, 1, datetime.now(UTC))


def test_stopping_a_cell_ends_the_function_that_it_runs() -> None:
    began, ended = threading.Event(), threading.Event()

    def turns_for_ever() -> None:
        began.set()
        try:
            while True:
                pass
        finally:
            ended.set()

    async def cell() -> None:
        await call(turns_for_ever)

    loop.start([(claim(3), cell)])
    assert began.wait(PATIENCE)
    assert claim(3).id in {held.id for held in loop.held()}
    loop.abort([claim(3)])
    assert ended.wait(PATIENCE)
    until(lambda: claim(3).id not in {held.id for held in loop.held()}, "the cell has gone")


def test_cells_on_the_loop_are_express_when_they_were_started_so() -> None:
    results: queue.SimpleQueue[tuple[int, bool]] = queue.SimpleQueue()

    def cell(number: int) -> tuple[Claim, Any]:
        async def tell() -> None:
            results.put((number, loop.express.get()))

        return claim(number), tell

    token = loop.express.set(True)
    loop.start([cell(1)])
    loop.express.reset(token)
    loop.start([cell(2)])
    assert sorted(results.get(timeout=PATIENCE) for _ in range(2)) == [(1, True), (2, False)]
