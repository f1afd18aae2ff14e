"""A stop cuts off what runs: calls that hang are closed, async functions cancelled, by the next heartbeats."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from cells.models import Execution
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs
from dispatch.pausing import pause_dispatch
from tableflow.tables.models import Row
from tests import scenes
from tests.gates import marks

pytestmark = pytest.mark.django_db(transaction=True)

# Two heartbeats of a worker, on a machine that is busy; without the Stop the calls would hang for a minute.
SECONDS = 20.0


@dataclass
class Hanging:
    """A server that takes calls and never answers: the calls that came, and those that the caller closed, by path."""

    port: int
    came: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)


@contextmanager
def hanging() -> Iterator[Hanging]:
    """Such a server, until the block ends."""
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Hanging(listener.getsockname()[1])

        def keep(connection: socket.socket) -> None:
            with connection, suppress(ConnectionError):
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(4096)
                path = request.split(b" ", 2)[1].decode()
                server.came.append(path)
                if not connection.recv(1):
                    server.closed.append(path)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connections.append(listener.accept()[0])
                    threads.append(threading.Thread(target=keep, args=(connections[-1],)))
                    threads[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in (accepting, *threads):
            thread.join(10)


def calling(table, server, **options):
    """A group whose cells call the server, each with its row's `n`."""
    config = {"method": "GET", "url": f"http://127.0.0.1:{server.port}/{{{{ inputs.n }}}}", "timeout": 60}
    step = {"id": "call", "type": "http", "config": config, "timeout": 120}
    return scenes.group(table, scenes.workflow(table, [step], "{{ steps.call.body }}"), "called", **options)


def standing_still(table, folder, **options):
    """A group whose cells are async functions that leave a mark when they are cut off."""
    arguments = {"folder": str(folder), "key": "{{ inputs.n }}"}
    step = {"id": "hang", "type": "python", "config": {"function": "stage.hang", "arguments": arguments}}
    return scenes.group(table, scenes.workflow(table, [step], "{{ inputs.n }}"), "hung", **options)


@pytest.mark.parametrize("paused", [False, True], ids=["under way", "paused"])
def test_a_stop_of_a_run_closes_its_hanging_calls(shared_worker, paused):
    table = scenes.table(3)
    with hanging() as server:
        group = calling(table, server)
        dispatch = begin(table.pk)
        scenes.until(lambda: len(server.came) == 3, "three calls have come")
        if paused:
            pause_dispatch(dispatch.pk)
        assert server.closed == []
        assert cancel_dispatch(dispatch.pk).cancelled == 3
        scenes.until(lambda: len(server.closed) == 3, "the calls are closed", SECONDS)
    assert scenes.statuses(group) == {"cancelled": 3}
    assert scenes.values(table, "called") == [None] * 3


def test_a_stop_of_one_cell_closes_its_call_and_no_other(shared_worker):
    table = scenes.table(3)
    with hanging() as server:
        group = calling(table, server)
        begin(table.pk)
        scenes.until(lambda: len(server.came) == 3, "three calls have come")
        assert cancel_runs(table.pk, rows=[Row.objects.get(table=table, data__n=2).pk], groups=[group.pk]) == 1
        scenes.until(lambda: server.closed == ["/2"], "its call is closed", SECONDS)
        assert Execution.objects.filter(status="running").count() == 2
        assert cancel_runs(table.pk) == 2
        scenes.until(lambda: sorted(server.closed) == ["/1", "/2", "/3"], "the others are closed", SECONDS)


def test_a_stop_cancels_async_functions_that_hang(shared_worker, tmp_path):
    table = scenes.table(3)
    group = standing_still(table, tmp_path)
    begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 3, "three functions hang")
    assert cancel_runs(table.pk, groups=[group.pk]) == 3
    scenes.until(lambda: len(marks(tmp_path, "cut")) == 3, "they are cut off", SECONDS)
    assert scenes.statuses(group) == {"cancelled": 3}


def test_a_run_that_takes_a_cell_over_cuts_off_what_ran_there(shared_worker, tmp_path):
    table = scenes.table(1)
    standing_still(table, tmp_path)
    first = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 1, "the function hangs")
    second = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "cut")) == 1, "it is cut off", SECONDS)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 2, "the newer run's function hangs in its place")
    cancel_dispatch(second.pk)
    assert scenes.until_ended(first).cancelled == 1
