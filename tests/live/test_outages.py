"""Streams while Redis is away, while the server ends, and while there are many of them."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus

import orjson
import psutil
import pytest
import redis
from django.db import connection

from tableflow.embedded.redis import Redis
from tableflow.live import log
from tableflow.tables.models import Table
from tests import parts, scenes
from tests.conftest import Web
from tests.factories import RowFactory, TableFactory
from tests.faults import servers
from tests.faults.company import Company
from tests.faults.servers import Killable
from tests.live.conftest import EVENTS, Person
from tests.live.streams import Stream, listening

OUTAGE_SECONDS = 10.0
FROZEN_SECONDS = 5.0
SHUTDOWN_SECONDS = 5.0
CONNECTIONS = 10
APPLICATION = "web-of-streams"


@pytest.fixture
def db(lasting_database):
    """What a test writes stays until the module's end."""


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killable]:
    """A Redis that keeps its data on disk, as that of an installation does."""
    home = tmp_path_factory.mktemp("redis")
    with servers.running(Redis(home), home / "log") as server:
        yield server


@pytest.fixture(scope="module")
def web(company: Company, own_redis: Killable) -> Web:
    """A web process with few connections to the database, which bear a name."""
    named = f"{parts.database_url()}?application_name={APPLICATION}"
    return company.web(REDIS_URL=own_redis.url, DATABASE_URL=named, DATABASE_CONNECTIONS=str(CONNECTIONS))


@pytest.fixture(scope="module")
def other_web(company: Company, own_redis: Killable) -> Web:
    """Another web process on the same database and Redis."""
    return company.web(REDIS_URL=own_redis.url)


class Listening:
    """Streams of both kinds at two web processes, and edits that they are told of."""

    def __init__(self, editor: Person, there: Person, table: Table) -> None:
        self.streams = [stream for who in (editor, there) for stream in self.open(who, table)]
        self._editor = editor
        self._table = table
        self._numbers = itertools.count(1)

    @staticmethod
    def open(who: Person, table: Table) -> list[Stream]:
        """A stream of hints and one of events."""
        return [who.hints(table), who.events(f"table={table.pk}")]

    def edit(self) -> int:
        """Change a new row over HTTP; gives its id. The answer does not wait for Redis."""
        row = RowFactory.create(table=self._table)
        began = time.monotonic()
        answer = self._editor.ask(
            "PATCH", f"/tables/{self._table.pk}/rows/{row.pk}/", json={"data": {"n": next(self._numbers)}}
        )
        assert answer.status_code == HTTPStatus.OK, answer.text
        assert time.monotonic() - began < log.TIMEOUT_SECONDS
        return row.pk

    def until_told(self, row: int) -> None:
        """Wait until all streams have told of this row."""
        for stream in self.streams:
            stream.until(lambda stream=stream: row in rows_of(stream), f"row {row} is told")

    def until_told_or_reset(self, rows: set[int]) -> None:
        """Wait until each stream has told of all these rows, or that its client is to begin anew."""
        for stream in self.streams:
            stream.until(
                lambda stream=stream: rows <= rows_of(stream) or stream.named("stream.reset", "stream-reset"),
                f"{rows} are told, or a reset",
            )


def rows_of(stream: Stream) -> set[int]:
    """The rows that the stream has named."""
    return {row for event in stream.named("rows.changed", "rows-changed") for row in event.data["rows"]}


@pytest.fixture
def both(ada: Person, other_web: Web, table: Table) -> Iterator[Listening]:
    """Ada's streams at both web processes; all have heard of an edit at one of them."""
    with listening(other_web.url, ada.headers) as listener:
        listening_ = Listening(ada, Person(ada.user, ada.headers, listener, other_web), table)
        listening_.until_told(listening_.edit())
        yield listening_


def pass_time(seconds: float, meanwhile: Callable[[], object]) -> None:
    """Do something again and again until so much time has passed."""
    over = time.monotonic() + seconds

    def is_over() -> bool:
        meanwhile()
        return time.monotonic() > over

    scenes.until(is_over, "the outage is over")


def test_streams_outlive_a_redis_that_is_killed_and_comes_back_after_ten_seconds(both, own_redis, web, other_web):
    own_redis.end(signal.SIGKILL)
    edited: set[int] = set()
    pass_time(OUTAGE_SECONDS, lambda: edited.add(both.edit()) if len(edited) < 100 else None)
    own_redis.start()
    both.until_told_or_reset(edited)
    both.until_told(both.edit())
    assert not any(stream.ended for stream in both.streams)
    assert web.part.alive
    assert other_web.part.alive
    for stream in both.streams:
        ids = [event.number for event in stream.named("rows.changed", "rows-changed")]
        assert ids == sorted(set(ids))


def test_streams_outlive_a_redis_that_stands_still_and_lose_nothing(both, own_redis, ada, table):
    own_redis.freeze()
    edited: set[int] = set()
    opened: list[Stream] = []

    def meanwhile() -> None:
        edited.add(both.edit())
        if len(opened) < 6:
            opened.extend(both.open(ada, table))

    pass_time(FROZEN_SECONDS, meanwhile)
    for stream in opened:
        stream.until(lambda stream=stream: stream.named("stream.open", "stream-open"), "it opens without Redis")
    own_redis.thaw()
    both.until_told_or_reset(edited)
    last = both.edit()
    both.until_told(last)
    for stream in opened:
        stream.until(lambda stream=stream: last in rows_of(stream), "one that opened meanwhile tells of it too")
    assert not any(stream.ended for stream in [*both.streams, *opened])


def test_sixty_streams_hold_neither_a_connection_of_the_database_nor_a_thread_each(ada, web, table):
    process = psutil.Process(web.part.pid)
    ada.ask("GET", f"/tables/{table.pk}/")
    threads = process.num_threads()
    streams = ada.listener.open_many(40, f"/api/v1/tables/{table.pk}/events/")
    streams += ada.listener.open_many(20, EVENTS)
    assert {stream.status for stream in streams} == {HTTPStatus.OK}
    with ThreadPoolExecutor(2 * CONNECTIONS) as pool:
        asked = [pool.submit(ada.ask, "GET", f"/tables/{table.pk}/") for _ in range(4 * CONNECTIONS)]
        assert {each.result().status_code for each in asked} == {HTTPStatus.OK}
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE application_name = %s", [APPLICATION])
        states = [state for (state,) in cursor.fetchall()]
    assert 0 < len(states) <= CONNECTIONS
    scenes.until(lambda: process.num_threads() < threads + 20, "the threads of the requests have ended")
    row = RowFactory.create(table=table)
    assert ada.ask("PATCH", f"/tables/{table.pk}/rows/{row.pk}/", json={"data": {"n": 1}}).is_success
    for stream in streams:
        stream.until(lambda stream=stream: row.pk in rows_of(stream), "every stream tells of it")


def test_a_server_ends_in_order_while_fifty_streams_are_open(other_web, own_redis, someone):
    """It comes last: the module has one web process less then."""
    ada = someone(at=other_web)
    table = TableFactory.create(owner=ada.user)
    hints = ada.listener.open_many(20, f"/api/v1/tables/{table.pk}/events/")
    events = ada.listener.open_many(20, EVENTS)
    lists = ada.listener.open_many(10, "/ui/sse/dispatches")
    for stream in [*hints, *events, *lists]:
        stream.until(lambda stream=stream: stream.events, "it has begun")
    stopped = ada.events(f"table={table.pk}", buffer=4096)
    stopped.stop_reading()
    fill(own_redis, table, events[0])
    began = time.monotonic()
    assert other_web.part.stop() == -signal.SIGTERM
    assert time.monotonic() - began < SHUTDOWN_SECONDS
    for stream in events:
        stream.until_ended()
        closing = stream.events[-1]
        assert (closing.name, closing.data["reason"]) == ("stream.closing", "shutdown")
        assert isinstance(closing.data["retry_ms"], int)
    for stream in [*hints, *lists]:
        stream.until_ended()
        assert stream.events[-1].name == "server-restarting"


def fill(own_redis: Killable, table: Table, reading: Stream) -> None:
    """Tell of as much as no socket takes, 10 MB."""
    with closing(redis.Redis.from_url(own_redis.url)) as client:
        mark = client.register_script(log.source("mark"))
        for first in range(1, 501, 100):
            runs = range(first, first + 100)
            started = [{"type": "dispatch.started", "dispatch": run, "note": "x" * 20_000} for run in runs]
            mark(args=[table.pk, b"{}", *map(orjson.dumps, started)])
            reading.first("dispatch.started", lambda data, last=runs[-1]: data["dispatch"] == last)
