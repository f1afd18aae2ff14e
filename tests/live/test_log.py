"""The log: ids that rise whoever writes, flushes at their pace, and what a cursor means when something was lost."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice, pairwise
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings

from tableflow.live import events, log
from tableflow.live.dirt import Dirt
from tableflow.live.flusher import Flusher
from tableflow.live.log import Entry, NoSuchPlace
from tests import scenes
from tests.live import writer
from tests.stage.points import Points

GAP_SECONDS = 0.25
MANY = 100_000


@pytest.fixture(autouse=True)
def own_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """A log in a database of Redis of its own, since web processes of other tests flush what they find in theirs."""
    monkeypatch.setattr(settings, "REDIS_URL", urlsplit(settings.REDIS_URL)._replace(path="/1").geturl())
    _connect_anew()
    log.client().flushdb()
    yield log.client()
    log.client().flushdb()
    monkeypatch.undo()
    _connect_anew()


def _connect_anew() -> None:
    log.client.cache_clear()
    log._script.cache_clear()


@pytest.fixture
def flusher() -> Iterator[Flusher]:
    """A flusher as each process has one."""
    made = Flusher()
    yield made
    made.end()


def told(table_id: int | None = None, after: int = 0) -> list[Entry]:
    """The entries of a table, or all."""
    return log.since(after or log.position().origin, table_id=table_id, most=MANY)


def numbers(entries: list[Entry]) -> list[int]:
    """The dispatches of the transitions in these entries."""
    return [event["dispatch"] for entry in entries for event in entry.events]


def flush_all() -> None:
    """Flush whatever is dirty, as its time comes."""
    scenes.until(lambda: log.flush() is None, "nothing is dirty any more")


def held_back(table_id: int, dirt: Dirt) -> None:
    """Mark until a mark is not flushed at once, since one before it was."""
    while log.mark({table_id: dirt}) is None:
        pass


def forget_pace() -> None:
    """Let the next mark of each table be flushed at once."""
    log.client().delete(f"{log.PREFIX}flushed")


def test_eight_writers_at_once_give_ids_that_strictly_rise_and_lose_nothing():
    forks = writer.context()
    start = forks.Barrier(8)
    eight = [forks.Process(target=writer.mark, args=(settings.REDIS_URL, name, 3, 200, start)) for name in range(8)]
    for process in eight:
        process.start()
    for process in eight:
        process.join(60)
    assert [process.exitcode for process in eight] == [0] * 8
    flush_all()
    entries = told()
    ids = [event["id"] for entry in entries for event in entry.events]
    assert all(one < other for one, other in pairwise(ids))
    assert [entry.id for entry in entries] == [entry.events[-1]["id"] for entry in entries]
    wanted = [number for name in range(8) for number in islice(writer.numbers_of(name), 200)]
    assert sorted(numbers(entries)) == wanted
    for name in range(8):
        of_one = [n for n in numbers(told(1)) if n // 1_000_000 == name]
        assert of_one == sorted(of_one), "what one process told of one table stays in its order"
    by_table = defaultdict(list)
    for entry in entries:
        by_table[entry.events[0]["table"]].append(entry)
    assert {table_id: told(table_id) for table_id in (1, 2, 3)} == by_table


def test_a_table_is_told_of_at_once_and_then_four_times_a_second(flusher):
    assert log.mark({1: writer.started(0)}) is None
    assert numbers(told(1)) == [0]
    for number in range(1, 401):
        flusher.take(1, writer.started(number))
        flusher.take(2, Dirt(cells={number}, counts={"completed": 1}))
        if number % 20 == 0:
            scenes.until(lambda: not flusher._dirt, "Redis has it")
    scenes.until(lambda: numbers(told(1))[-1] == 400, "the last one is told")
    flush_all()
    for table_id in (1, 2):
        gaps = [(other.id - one.id) / log.MICROSECONDS for one, other in pairwise(told(table_id))]
        assert len(gaps) > 1
        assert min(gaps) > GAP_SECONDS - 0.005
    counted = sum(event["counts"]["completed"] for entry in told(2) for event in entry.events)
    assert counted == 400


def test_the_last_mark_of_a_quiet_table_is_told_while_another_is_marked_without_pause(flusher):
    held_back(1, Dirt(rows={1}))
    entries = len(told(1))
    flusher.take(1, Dirt(rows={2}))

    def is_told() -> bool:
        flusher.take(2, Dirt(rows={3}))
        return len(told(1)) > entries

    scenes.until(is_told, "the quiet table's last mark is told", seconds=1.0)
    assert told(1)[-1].events[0]["rows"] == [1, 2]


def test_what_a_process_marked_and_did_not_live_to_flush_others_flush(tmp_path):
    points = Points(tmp_path)
    points.hold("before tableflow.live.log.flush")
    forks = writer.context()
    orders, theirs = forks.Pipe()
    env = points.environment("tableflow.live.log.flush")
    dying = forks.Process(target=writer.take, args=(settings.REDIS_URL, env, theirs), daemon=True)
    dying.start()
    orders.send(1)
    scenes.until(lambda: told(1), "the first one is told at once")
    orders.send(5)
    scenes.until(lambda: points.reached("before tableflow.live.log.flush"), "it is about to flush the others")
    dying.kill()
    dying.join(60)
    assert len(numbers(told(1))) < 6
    flush_all()
    assert numbers(told(1)) == list(range(6))


def test_transitions_are_sent_together_and_none_is_merged_away():
    held_back(1, writer.started(0))
    log.mark({1: Dirt(cells={7}, counts={"completed": 2}, dispatches={5})})
    log.mark({1: Dirt(cells={8}, counts={"completed": 1, "error": 1}, dispatches={5})})
    for number in range(1, 900):
        log.mark({1: writer.started(number)})
    flush_all()
    events = [event for entry in told(1) for event in entry.events]
    assert [e["dispatch"] for e in events if e["type"] == "dispatch.started" and e["dispatch"]] == list(range(1, 900))
    (cells,) = [event for event in events if event["type"] == "cells.changed"]
    assert (cells["rows"], cells["counts"], cells["dispatch"]) == ([7, 8], {"completed": 3, "error": 1}, 5)


def test_a_log_that_was_emptied_goes_on_above_every_old_id_and_old_cursors_are_no_place_in_it(own_log):
    log.mark({1: writer.started(1)})
    old = log.position().last
    own_log.flushdb()
    for cursor in (old, old - 1):
        with pytest.raises(NoSuchPlace) as refused:
            log.since(cursor, table_id=1, most=MANY)
        assert refused.value.current == log.position().last > old
    log.mark({1: writer.started(2)})
    (entry,) = told(1)
    assert entry.id > old
    with pytest.raises(NoSuchPlace):
        log.since(old, most=MANY)


def test_a_log_whose_counter_alone_was_lost_goes_on_above_it(own_log):
    log.mark({1: writer.started(1)})
    old = log.position().last
    own_log.delete(f"{log.PREFIX}last")
    forget_pace()
    log.mark({1: writer.started(2)})
    assert log.position().last > old
    with pytest.raises(NoSuchPlace):
        log.since(old, most=MANY)


def test_a_cursor_of_the_future_is_no_place_in_the_log():
    log.mark({1: writer.started(1)})
    last = log.position().last
    assert log.since(last, table_id=1, most=MANY) == []
    with pytest.raises(NoSuchPlace):
        log.since(last + 1, table_id=1, most=MANY)


def test_a_cursor_before_what_was_trimmed_is_refused_and_the_first_that_is_not_replays_all_the_rest():
    cursors = []
    for number in range(1010):
        forget_pace()
        log.mark({1: writer.started(number)})
        cursors.append(log.position().last)
    kept = log.client().xlen(log.stream_of(1))
    assert kept < 1010
    floor = 1010 - kept - 1
    with pytest.raises(NoSuchPlace):
        log.since(cursors[floor - 1], table_id=1, most=MANY)
    assert numbers(log.since(cursors[floor], table_id=1, most=MANY)) == list(range(floor + 1, 1010))
    assert numbers(log.since(cursors[0], most=MANY)) == list(range(1, 1010)), "the log of all keeps more"


def test_what_is_older_than_is_kept_is_pruned_and_cursors_before_it_are_refused():
    log.mark({1: writer.started(1)})
    old = log.position()
    log.mark({2: writer.started(2)})
    assert log.prune(timedelta(0)) == 4
    for table_id in (None, 1):
        with pytest.raises(NoSuchPlace):
            log.since(old.origin, table_id=table_id, most=MANY)
    log.mark({3: writer.started(3)})
    last = log.position().last
    assert log.since(last, table_id=1, most=MANY) == []


def test_ids_rise_and_nothing_waits_when_the_clock_has_gone_back_by_an_hour(own_log):
    hour = 3600 * log.MICROSECONDS
    held_back(1, writer.started(0))
    before = log.position().last + hour
    own_log.set(f"{log.PREFIX}last", before)
    own_log.zincrby(f"{log.PREFIX}due", hour, "1")
    at, _, hints = own_log.hget(f"{log.PREFIX}flushed", "1").partition(b":")
    own_log.hset(f"{log.PREFIX}flushed", "1", f"{int(at) + hour}:{int(hints)}")
    log.flush()
    assert told(1, after=before), "what was due by the old clock is told now"
    assert log.mark({1: writer.started(1)}) is not None, "and it is told at the usual pace"
    flush_all()
    ids = [event["id"] for entry in told(1) for event in entry.events]
    assert ids == sorted(set(ids))
    assert ids[-1] > before
    assert numbers(told(1))[-1] == 1


def everything() -> Dirt:
    """A bit of each kind."""
    return Dirt({1}, {1}, transitions=writer.started(1).transitions, schema=True, imports={1: "running"}, approvals={1})


def test_pages_get_at_most_five_hints_a_second_whatever_happens_at_once(flusher):
    chance = random.Random(4)
    until = time.monotonic() + 4
    while time.monotonic() < until:
        flusher.take(1, chance.choice([everything, everything, lambda: Dirt(rows={2}), lambda: Dirt(schema=True)])())
        time.sleep(0.01)  # a hundred marks a second
    scenes.until(lambda: log.flush() is None, "all was told")
    times = [entry.id / log.MICROSECONDS for entry in told(1) for _ in events.hints(entry)]
    assert len(times) > 8
    assert max(sum(at <= other < at + 1 for other in times) for at in times) <= 5


def test_rows_of_several_processes_are_put_together_and_too_many_are_many():
    held_back(1, Dirt(rows={1}))
    log.mark({1: Dirt(rows={3, 2})})
    flush_all()
    assert told(1)[-1].events[-1]["rows"] == [1, 2, 3]
    held_back(1, Dirt(rows=set(range(150))))
    log.mark({1: Dirt(rows=set(range(100, 250)))})
    flush_all()
    assert told(1)[-1].events[-1]["rows"] == "many"
    held_back(1, Dirt(rows={1}))
    flush_all()
    assert told(1)[-1].events[-1]["rows"] == [1], "that they were too many is forgotten"
