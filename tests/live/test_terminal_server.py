"""The terminal's inside over a real web process: what the server understands, and that a view always catches up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from knox.models import get_token_model

from cells.models import Status
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.live import marks
from tableflow.tables.models import Table
from tableflow.terminal import resources
from tableflow.terminal.address import Server
from tableflow.terminal.backoff import Backoff
from tableflow.terminal.client import ApiError, Client
from tableflow.terminal.coordinator import Coordinator, Ticket
from tableflow.terminal.states import Live, State, Stopped
from tableflow.terminal.subscription import Subscription
from tests import hands, scenes
from tests.live.command import Start, ended, starting
from tests.live.conftest import Person
from tests.scenes import PATIENCE

CHANGES = 16
CUTS = 4
LAG_SECONDS = 0.4
"""For so long an answer is on its way: hints of what it does not know come meanwhile."""


@pytest.fixture
def db(lasting_database):
    """What a test writes stays until the module's end: the web process is to see it."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `manage.py events`."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture
def numbers(ada: Person) -> Table:
    """A table of Ada's with eight rows and a workflow column."""
    made = scenes.table(8)
    Table.objects.filter(pk=made.pk).update(owner=ada.user)
    scenes.group(made, scenes.doubling(made))
    return made


def server(person: Person, url: str | None = None) -> Server:
    return Server(url or person.web.url, person.headers["Authorization"].removeprefix("Bearer "))


def asked(person: Person, call: Callable[[Client], Awaitable[Any]]) -> Any:
    """What the call gives."""

    async def ask() -> Any:
        async with Client(server(person)) as client:
            return await call(client)

    return asyncio.run(ask())


def refused(person: Person, call: Callable[[Client], Awaitable[Any]]) -> tuple[int | None, str]:
    """How the server says no to the call."""
    with pytest.raises(ApiError) as caught:
        asked(person, call)
    return caught.value.status, caught.value.detail


def test_a_run_is_asked_for_watched_and_steered(ada, numbers):
    run = begin(numbers.pk, user=ada.user)
    hands.admit(run)
    cells = hands.claim(hands.worker("steered"), run)
    failed, done = cells[0].lead, cells[1].lead
    hands.finish([hands.ended(failed, Status.ERROR, error="No luck"), hands.ended(done)])
    group = failed.group_id

    listed = asked(ada, lambda c: c.dispatches(status="active", table=numbers.pk, requested_by=ada.user.username))
    assert [one["id"] for one in listed.results] == [run.pk]
    shown = asked(ada, lambda c: c.dispatch(run.pk))
    assert (shown["counts"]["error"], shown["table_name"], shown["group_names"]) == (1, "Numbers", ["out"])
    assert asked(ada, lambda c: c.windows(run.pk)).count == 1
    (found,) = asked(ada, lambda c: c.errors(run.pk))["groups"]
    assert found["message"] == "No luck"
    assert {cell["row"] for cell in asked(ada, lambda c: c.slowest(run.pk))["cells"]} >= {failed.row_id, done.row_id}
    trace = asked(ada, lambda c: c.trace(numbers.pk, failed.row_id, group))
    assert (trace["status"], trace["error"]) == ("error", "No luck")
    assert asked(ada, lambda c: c.worker("steered"))["name"] == "steered"

    again = asked(ada, lambda c: c.retry_message(numbers.pk, group, "No luck"))
    failing = asked(ada, lambda c: c.run_failed(run.pk))
    assert [Dispatch.objects.get(pk=made["id"]).mode for made in (again, failing)] == ["failed", "failed"]
    assert asked(ada, lambda c: c.pause(run.pk))["status"] == "paused"
    assert asked(ada, lambda c: c.resume(run.pk))["status"] == "dispatching"
    assert asked(ada, lambda c: c.cancel(run.pk))["status"] == "cancelled"
    assert refused(ada, lambda c: c.resume(run.pk))[0] == 409


def test_rows_come_in_pages_behind_a_cursor(ada, numbers):
    async def walk(client: Client) -> list[list[int]]:
        pages, after = [], None
        while not pages or after is not None:
            page = await client.rows(numbers.pk, limit=3, after=after)
            pages.append([row["data"]["n"] for row in page.results])
            after = page.next_cursor
        return pages

    assert asked(ada, walk) == [[1, 2, 3], [4, 5, 6], [7, 8]]
    filtered = asked(ada, lambda c: c.rows(numbers.pk, filter={"field": "n", "op": "gt", "value": 6}))
    assert (filtered.count, asked(ada, lambda c: c.table(numbers.pk))["name"]) == (2, "Numbers")


def test_the_server_says_why_not(ada, someone, numbers):
    stranger = someone()
    nobody = Person(ada.user, {"Authorization": "Bearer 0123456789abcdef"}, ada.listener, ada.web)

    assert refused(nobody, lambda c: c.dispatches())[0] == 401
    assert refused(ada, lambda c: c.launch_worker()) == (
        403,
        "Workers are launched, stopped and forgotten by staff only.",
    )
    assert refused(stranger, lambda c: c.table(numbers.pk))[0] == 404
    status, detail = refused(ada, lambda c: c.rows(numbers.pk, filter={"field": "none", "op": "eq", "value": 1}))
    assert (status, "filter" in detail) == (400, True)
    assert refused(ada, lambda c: c.answer(10**6, "approved"))[0] == 404


def test_the_command_copies_the_stream_and_fails_without_a_token_that_is_taken(ada, numbers, start):
    process = start(ada.web.url, "--token", server(ada).token, "--type", "dispatch.*", "--table", str(numbers.pk))
    refused_one = start(ada.web.url, "--token", "0123456789abcdef")
    assert process.stdout is not None
    opening = json.loads(process.stdout.readline())
    assert (opening["type"], type(opening["cursor"])) == ("stream.open", int)

    marks.rows(numbers.pk, [1])
    run = begin(numbers.pk, user=ada.user)
    lines = (json.loads(line) for line in process.stdout)
    event = next(line for line in lines if line["type"] != "heartbeat")
    assert (event["type"], event["dispatch"], event["table"]) == ("dispatch.requested", run.pk, numbers.pk)
    assert ended(refused_one) == (1, b"", "CommandError: Invalid token.\n")

    ada.user.auth_token_set.all().delete()
    code, rest, _ = ended(process)
    closing = json.loads(rest.splitlines()[-1])
    assert (code, closing["type"], closing["reason"]) == (0, "stream.closing", "revoked")


def test_a_token_that_is_taken_away_stops_the_subscription(ada):
    async def story() -> Subscription:
        changed = asyncio.Event()
        subscription = Subscription(server(ada), changed=changed.set, backoff=Backoff(chance=lambda: 0.0))
        task = asyncio.create_task(subscription.run())
        async with asyncio.timeout(PATIENCE):
            while subscription.state != Live():
                await changed.wait()
                changed.clear()
            await asyncio.to_thread(lambda: _forget_tokens(ada))
            await task
        return subscription

    subscription = asyncio.run(story())

    assert subscription.state == Stopped("Invalid token.")


def _forget_tokens(person: Person) -> None:
    """Take the person's tokens away, and give the thread's connection back."""
    from django.db import connection

    get_token_model().objects.filter(user=person.user).delete()
    connection.close()


class Relay:
    """Carries connections to the server, until they are cut."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url)
        self._open: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Its own address."""
        listener = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        finally:
            listener.close()
            self.cut()

    def cut(self) -> None:
        """Cut every connection, whatever is on its way in it."""
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(self._at.hostname, self._at.port)
        self._open |= {writer, there_writer}
        await asyncio.gather(self._pour(reader, there_writer), self._pour(there_reader, writer))

    async def _pour(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()


class View:
    """What a screen shows, without a screen: what the coordinator asks for, and keeps. Nothing of it polls."""

    def __init__(self, client: Client, table_id: int) -> None:
        self.shown: dict[str, Any] = {}
        self._client = client
        self._table_id = table_id
        self._tasks: set[asyncio.Task[None]] = set()
        self.coordinator = Coordinator(
            self._ask, clock=asyncio.get_running_loop().time, every=lambda *_: None, repaint=lambda: None
        )
        self.coordinator.show([resources.RUNS, resources.cells(table_id)])

    def _ask(self, ticket: Ticket) -> asyncio.Task[None]:
        task = asyncio.create_task(self._answer(ticket))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _answer(self, ticket: Ticket) -> None:
        try:
            answer = await fetched(self._client, ticket.resource, self._table_id)
            await asyncio.sleep(LAG_SECONDS)
        except ApiError:
            self.coordinator.failed(ticket)
            return
        if self.coordinator.answered(ticket):
            self.shown[ticket.resource] = answer


async def fetched(client: Client, resource: str, table_id: int) -> list[Any]:
    """What the server has of a resource now, but for what is a measure of time."""
    if resource == resources.RUNS:
        runs = (await client.dispatches(table=table_id)).results
        return [(run["id"], run["status"], run["processed"], run["counts"]["total"]) for run in runs]
    rows = (await client.rows(table_id)).results
    return [(row["id"], row["data"], {key: one["status"] for key, one in row["executions"].items()}) for row in rows]


async def is_shown(view: View, client: Client, table_id: int) -> bool:
    """Whether the view has what the server has."""
    names = (resources.RUNS, resources.cells(table_id))
    return view.shown == {name: await fetched(client, name, table_id) for name in names}


async def change(client: Client, person: Person, table_id: int, chance: random.Random) -> None:
    """Something that somebody does, whether or not the server lets them."""
    runs = (await client.dispatches(status="active", table=table_id)).results
    match chance.randrange(5):
        case 0:
            await asyncio.to_thread(person.ask, "POST", f"/tables/{table_id}/dispatches/", json={"mode": "all"})
        case 1:
            await add_row(person, table_id, chance.randrange(100))
        case 2 if runs:
            await client.pause(chance.choice(runs)["id"])
        case 3 if runs:
            await client.resume(chance.choice(runs)["id"])
        case _ if runs:
            await client.cancel(chance.choice(runs)["id"])


async def add_row(person: Person, table_id: int, n: int) -> None:
    """Somebody writes a row."""
    await asyncio.to_thread(person.ask, "POST", f"/tables/{table_id}/rows/", json={"data": {"n": n}})


def test_a_view_ends_with_what_the_server_has_however_often_its_connections_are_cut(ada, numbers):
    chance = random.Random(4)
    cuts = set(chance.sample(range(CHANGES), CUTS))

    async def story() -> None:
        relay = Relay(ada.web.url)
        async with relay.running() as url, Client(server(ada, url)) as cut_client, Client(server(ada)) as client:
            view = View(cut_client, numbers.pk)
            states: list[State] = []
            subscription = Subscription(
                server(ada, url),
                changed=lambda: states.append(subscription.state),
                backoff=Backoff(chance=lambda: 0.0),
            )

            async def wake() -> None:
                async for touched in subscription.touches():
                    view.coordinator.touch(touched)

            tasks = [asyncio.create_task(subscription.run()), asyncio.create_task(wake())]
            for number in range(CHANGES):
                with contextlib.suppress(ApiError):
                    await change(client, ada, numbers.pk, chance)
                if number in cuts:
                    relay.cut()
            for number in range(3):
                await add_row(ada, numbers.pk, number)
            async with asyncio.timeout(PATIENCE):
                while not await is_shown(view, client, numbers.pk):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert states.count(Live()) > 1
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(story())
