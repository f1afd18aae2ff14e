"""The terminal's client against a little server: what it asks, and what it makes of answers of every kind."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tableflow.terminal.address import Server
from tableflow.terminal.client import ApiError, Client, Page
from tests import web
from tests.web import Asked, Told

Call = Callable[[Client], Awaitable[Any]]
EMPTY = {"count": 0, "next": None, "previous": None, "results": []}


def asked(call: Call, told: Told | None = None, *, total_seconds: float = 30.0) -> tuple[Any, list[Asked]]:
    """What the call gives when the server answers so, and what it asked."""
    answer = told or Told(body=json.dumps(EMPTY).encode())

    async def ask(url: str) -> Any:
        async with Client(Server(url, "token"), total_seconds=total_seconds) as client:
            return await call(client)

    with web.serving(lambda _: answer) as served:
        return asyncio.run(ask(served.url)), served.asked


def error(call: Call, told: Told, *, total_seconds: float = 30.0) -> ApiError:
    with pytest.raises(ApiError) as caught:
        asked(call, told, total_seconds=total_seconds)
    return caught.value


def problem(*problems: dict[str, Any]) -> bytes:
    return json.dumps({"type": "client_error", "errors": problems}).encode()


@pytest.mark.parametrize(
    ("call", "method", "path", "query"),
    [
        (lambda c: c.dispatches(), "GET", "dispatches/", {"limit": "100"}),
        (
            lambda c: c.dispatches(status="active", table=3, requested_by="ada", limit=20),
            "GET",
            "dispatches/",
            {"status": "active", "table": "3", "requested_by": "ada", "limit": "20"},
        ),
        (lambda c: c.dispatches(limit=5000), "GET", "dispatches/", {"limit": "1000"}),
        (lambda c: c.dispatch(5), "GET", "dispatches/5/", {}),
        (lambda c: c.windows(5), "GET", "dispatches/5/windows/", {"limit": "100"}),
        (lambda c: c.errors(5), "GET", "dispatches/5/errors/", {}),
        (lambda c: c.slowest(5), "GET", "dispatches/5/slowest/", {}),
        (lambda c: c.pause(5), "POST", "dispatches/5/pause/", {}),
        (lambda c: c.resume(5), "POST", "dispatches/5/resume/", {}),
        (lambda c: c.cancel(5), "POST", "dispatches/5/cancel/", {}),
        (lambda c: c.run_failed(5), "POST", "dispatches/5/run-failed/", {}),
        (lambda c: c.tables(), "GET", "tables/", {"limit": "100"}),
        (lambda c: c.table(2), "GET", "tables/2/", {}),
        (
            lambda c: c.rows(2, after="cur", filter={"field": "@1", "op": "eq", "value": "error"}, search="x y"),
            "GET",
            "tables/2/rows/",
            {"after": "cur", "filter": '{"field": "@1", "op": "eq", "value": "error"}', "search": "x y",
             "limit": "100"},
        ),
        (lambda c: c.trace(2, 3, 4), "GET", "tables/2/rows/3/executions/4/", {}),
        (lambda c: c.workers(), "GET", "workers/", {"limit": "100"}),
        (lambda c: c.worker("w 1@host"), "GET", "workers/w%201%40host/", {}),
        (lambda c: c.worker_log("w", lines=50), "GET", "workers/w/log/", {"lines": "50"}),
        (lambda c: c.launch_worker(), "POST", "workers/", {}),
        (lambda c: c.stop_worker("w/1"), "POST", "workers/w%2F1/stop/", {}),
        (lambda c: c.forget_worker("w"), "DELETE", "workers/w/", {}),
        (lambda c: c.approvals(table=2), "GET", "approvals/", {"status": "open", "table": "2", "limit": "100"}),
    ],
)  # fmt: skip
def test_each_call_asks_at_its_place(call: Call, method: str, path: str, query: dict[str, str]) -> None:
    _, (request,) = asked(call)

    parts = urlsplit(request.path)
    assert (request.method, parts.path) == (method, f"/api/v1/{path}")
    assert {name: values[0] for name, values in parse_qs(parts.query).items()} == query
    assert (request.headers["authorization"], request.body) == ("Bearer token", b"")


@pytest.mark.parametrize(
    ("call", "path", "body"),
    [
        (
            lambda c: c.retry_message(2, 7, 'He said "no"'),
            "tables/2/dispatches/",
            {
                "mode": "failed",
                "groups": [7],
                "filter": {"field": "@7.error", "op": "eq", "value": 'He said "no"'},
            },
        ),
        (lambda c: c.answer(9, "rejected"), "approvals/9/", {"decision": "rejected"}),
        (
            lambda c: c.answer(9, "approved", {"note": "é"}),
            "approvals/9/",
            {"decision": "approved", "fields": {"note": "é"}},
        ),
    ],
)
def test_what_is_to_be_done_is_in_the_body(call: Call, path: str, body: dict[str, Any]) -> None:
    _, (request,) = asked(call)

    assert (request.method, request.path) == ("POST", f"/api/v1/{path}")
    assert json.loads(request.body) == body


def test_a_list_is_a_page() -> None:
    body = {**EMPTY, "count": 7, "results": [{"id": 1}], "next_cursor": "more"}

    page, _ = asked(lambda client: client.rows(2), Told(body=json.dumps(body).encode()))

    assert page == Page([{"id": 1}], count=7, next_cursor="more")


def test_no_content_is_an_answer() -> None:
    assert asked(lambda client: client.forget_worker("w"), Told(204))[0] is None


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 503])
def test_a_no_bears_its_status_and_its_words(status: int) -> None:
    said = error(
        lambda client: client.dispatch(5),
        Told(status, problem({"code": "a", "detail": "Not so.", "attr": None})),
    )

    assert (said.status, said.detail, str(said)) == (status, "Not so.", "Not so.")
    assert (said.is_unauthorized, said.is_forbidden) == (status == 401, status == 403)


def test_every_problem_is_told_with_its_field() -> None:
    two = problem(
        {"code": "a", "detail": "Give a number.", "attr": "limit.max"},
        {"code": "b", "detail": "Too many.", "attr": None},
    )

    assert error(lambda client: client.tables(), Told(400, two)).detail == "limit.max: Give a number.; Too many."


@pytest.mark.parametrize(
    ("told", "status", "detail"),
    [
        (Told(502, b"<h1>Bad Gateway</h1>"), 502, "The server answered 502 Bad Gateway."),
        (Told(599, b'{"errors": []}'), 599, "The server answered 599."),
        (Told(500, b'{"errors": [3]}'), 500, "The server answered 500 Internal Server Error."),
        (Told(500, b"["), 500, "The server answered 500 Internal Server Error."),
        (Told(301, headers={"location": "http://b/"}), 301, "The server sends to http://b/: give that address."),
        (Told(body=b"<html>"), 200, "The answer is not JSON: is this the address of tableflow?"),
        (Told(body=b"[" * 100_000), 200, "The answer is not JSON: is this the address of tableflow?"),
        (Told(body=b"\xff"), 200, "The answer is not JSON: is this the address of tableflow?"),
        (Told(body=b"[]"), 200, "The answer is no object: is this the address of tableflow?"),
        (Told(body=b"{}"), 200, "/tables/ was not answered with a list."),
        (Told(body=b'{"results": null, "count": 1}'), 200, "/tables/ was not answered with a list."),
    ],
)  # fmt: skip
def test_an_answer_of_something_else_is_an_error(told: Told, status: int, detail: str) -> None:
    said = error(lambda client: client.tables(), told)

    assert (said.status, said.detail) == (status, detail)


def test_a_server_that_is_not_there_is_an_error_without_a_status() -> None:
    with web.serving(lambda _: Told()) as served:
        url = served.url

    async def ask() -> None:
        async with Client(Server(url, "token")) as client:
            await client.tables()

    with pytest.raises(ApiError, match="cannot be reached") as caught:
        asyncio.run(ask())
    assert caught.value.status is None


def test_an_answer_that_never_ends_is_given_up() -> None:
    over = threading.Event()

    def drip() -> Iterator[bytes]:
        while not over.wait(0.02):
            yield b" "

    try:
        said = error(lambda client: client.tables(), Told(chunks=drip), total_seconds=0.2)
    finally:
        over.set()

    assert (said.status, said.detail) == (None, "No answer within 0.2 s.")
