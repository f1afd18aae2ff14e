"""The HTTP API, as the terminal asks it: one method for each call, plain dicts as answers, one error.

Every call ends within `TOTAL_SECONDS`, and every list is a page. Nothing is asked twice by itself: who shows the
answers asks again when it is time.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from tableflow.terminal.address import Server

Answer = dict[str, Any]

BASE = "/api/v1"
CONNECT_SECONDS = 10.0
TOTAL_SECONDS = 30.0
MOST_CONNECTIONS = 8
KEPT_SECONDS = 3.0
"""For less long than servers keep a connection that rests: else a request may meet its end."""
PAGE = 100
MOST = 1000
"""As many results as the API gives in one page."""


class ApiError(Exception):
    """The server said no, or did not answer. `status` is its HTTP status, None when no answer came."""

    def __init__(self, status: int | None, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(detail)

    @property
    def is_unauthorized(self) -> bool:
        """401: the token is not taken; nothing else will be either."""
        return self.status == HTTPStatus.UNAUTHORIZED

    @property
    def is_forbidden(self) -> bool:
        """403: the token is good, but its user may not do this."""
        return self.status == HTTPStatus.FORBIDDEN


@dataclass(frozen=True)
class Page:
    """A page of a list. `count`: how long the list is. `next_cursor`: of rows, what `after` takes; None at the end."""

    results: list[Answer]
    count: int
    next_cursor: str | None = None


class Client:
    """Asks a server. Use it as an async context; each method raises ApiError."""

    def __init__(self, server: Server, *, total_seconds: float = TOTAL_SECONDS) -> None:
        self._total_seconds = total_seconds
        self._http = httpx2.AsyncClient(
            base_url=server.url + BASE,
            headers={**server.headers, "Accept": "application/json"},
            timeout=httpx2.Timeout(total_seconds, connect=min(CONNECT_SECONDS, total_seconds)),
            verify=certificates(),
            limits=httpx2.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=KEPT_SECONDS),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the server."""
        await self._http.aclose()

    # Runs

    async def dispatches(
        self,
        *,
        status: str | None = None,
        table: int | None = None,
        requested_by: str | None = None,
        limit: int = PAGE,
    ) -> Page:
        """The runs that the user may see, the newest first. `status`: active, or one of a dispatch's."""
        wanted = {"status": status, "table": table, "requested_by": requested_by}
        return await self._page("/dispatches/", wanted, limit)

    async def dispatch(self, dispatch_id: int) -> Answer:
        """One run, with its counts."""
        return await self._get(f"/dispatches/{dispatch_id}/")

    async def windows(self, dispatch_id: int, *, limit: int = PAGE) -> Page:
        """The windows of a run, the newest first."""
        return await self._page(f"/dispatches/{dispatch_id}/windows/", {}, limit)

    async def errors(self, dispatch_id: int) -> Answer:
        """The messages of a run's failed cells, grouped, the most frequent first."""
        return await self._get(f"/dispatches/{dispatch_id}/errors/")

    async def slowest(self, dispatch_id: int) -> Answer:
        """The cells of a run that took longest."""
        return await self._get(f"/dispatches/{dispatch_id}/slowest/")

    async def pause(self, dispatch_id: int) -> Answer:
        """Pause a run; gives the run."""
        return await self._post(f"/dispatches/{dispatch_id}/pause/")

    async def resume(self, dispatch_id: int) -> Answer:
        """Let a run go on; gives the run. 409 when a cap is reached."""
        return await self._post(f"/dispatches/{dispatch_id}/resume/")

    async def cancel(self, dispatch_id: int) -> Answer:
        """Stop a run; gives the run. When this has answered, nothing of it writes or starts."""
        return await self._post(f"/dispatches/{dispatch_id}/cancel/")

    async def run_failed(self, dispatch_id: int) -> Answer:
        """Run the failed cells of a run's columns and rows anew, wherever they failed; gives the new run."""
        return await self._post(f"/dispatches/{dispatch_id}/run-failed/")

    async def retry_message(self, table_id: int, group_id: int, message: str) -> Answer:
        """Run the cells of a workflow column anew that failed with this message; gives the new run."""
        condition = {"field": f"@{group_id}.error", "op": "eq", "value": message}
        body = {"mode": "failed", "groups": [group_id], "filter": condition}
        return await self._post(f"/tables/{table_id}/dispatches/", body)

    # Tables and cells

    async def tables(self, *, limit: int = PAGE) -> Page:
        """The tables that the user may see, with their columns and groups."""
        return await self._page("/tables/", {}, limit)

    async def table(self, table_id: int) -> Answer:
        """One table."""
        return await self._get(f"/tables/{table_id}/")

    async def rows(
        self,
        table_id: int,
        *,
        limit: int = PAGE,
        after: str | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002  (the API's word)
        search: str | None = None,
    ) -> Page:
        """Rows with the states of their cells, in the visible order, `after` a cursor."""
        wanted = {"after": after, "filter": json.dumps(filter) if filter else None, "search": search or None}
        return await self._page(f"/tables/{table_id}/rows/", wanted, limit)

    async def row(self, table_id: int, row_id: int) -> Answer:
        """One row with the states of its cells."""
        return await self._get(f"/tables/{table_id}/rows/{row_id}/")

    async def trace(self, table_id: int, row_id: int, group_id: int) -> Answer:
        """The latest attempt of a cell with its trace. 404: it has never run."""
        return await self._get(f"/tables/{table_id}/rows/{row_id}/executions/{group_id}/")

    # Workers

    async def workers(self, *, limit: int = PAGE) -> Page:
        """The worker processes."""
        return await self._page("/workers/", {}, limit)

    async def worker(self, name: str) -> Answer:
        """One worker, with the cells that it runs."""
        return await self._get(f"/workers/{_quoted(name)}/")

    async def worker_log(self, name: str, *, lines: int = 200) -> Answer:
        """The end of a worker's log. For staff only."""
        return await self._get(f"/workers/{_quoted(name)}/log/", {"lines": lines})

    async def launch_worker(self) -> Answer:
        """Launch a worker on the server's machine; gives its name. 409 where `make up` does not run the system."""
        return await self._post("/workers/")

    async def stop_worker(self, name: str) -> Answer:
        """Ask a worker to end; gives the worker."""
        return await self._post(f"/workers/{_quoted(name)}/stop/")

    async def forget_worker(self, name: str) -> None:
        """Take a lost worker out of the list. 409 when it is alive."""
        await self._ask("DELETE", f"/workers/{_quoted(name)}/")

    # Questions to people

    async def approvals(self, *, status: str = "open", table: int | None = None, limit: int = PAGE) -> Page:
        """Questions: the open ones the oldest first, others the newest first."""
        return await self._page("/approvals/", {"status": status, "table": table}, limit)

    async def answer(self, approval_id: int, decision: str, fields: Mapping[str, Any] | None = None) -> Answer:
        """Answer a question: approved or rejected. `taken` is False in what it gives when somebody was quicker."""
        body: Answer = {"decision": decision} if fields is None else {"decision": decision, "fields": dict(fields)}
        return await self._post(f"/approvals/{approval_id}/", body)

    # How it asks

    async def _page(self, path: str, wanted: Mapping[str, Any], limit: int) -> Page:
        found = await self._get(path, {**wanted, "limit": max(1, min(limit, MOST))})
        try:
            return Page(list(found["results"]), int(found["count"]), found.get("next_cursor"))
        except (KeyError, TypeError, ValueError) as error:
            raise ApiError(HTTPStatus.OK, f"{path} was not answered with a list.") from error

    async def _get(self, path: str, query: Mapping[str, Any] | None = None) -> Answer:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return await self._ask("GET", path, params=given)

    async def _post(self, path: str, body: Answer | None = None) -> Answer:
        return await self._ask("POST", path, json=body) if body is not None else await self._ask("POST", path)

    async def _ask(self, method: str, path: str, **more: Any) -> Answer:
        try:
            async with asyncio.timeout(self._total_seconds):
                response = await self._http.request(method, path, **more)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise ApiError(None, f"No answer within {self._total_seconds:g} s.") from error
        except httpx2.HTTPError as error:
            raise ApiError(None, unreachable(error)) from error
        if not response.is_success:
            raise ApiError(response.status_code, detail(response.status_code, response.content, response.headers))
        return _object(response)


@cache
def certificates() -> ssl.SSLContext:
    """Whom to trust; read once, which takes longer than many a request."""
    return httpx2.create_ssl_context()


def detail(status: int, body: bytes, headers: Mapping[str, str]) -> str:
    """What an answer that is no success says, in a sentence: the contract's `errors[].detail`, with the fields."""
    if "location" in headers:
        return f"The server sends to {headers['location']}: give that address."
    try:
        problems = json.loads(body)["errors"]
        said = [
            f"{problem['attr']}: {problem['detail']}" if problem["attr"] else problem["detail"] for problem in problems
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        said = []
    return "; ".join(said) or f"The server answered {status} {_phrase(status)}".strip() + "."


def unreachable(error: Exception) -> str:
    """Why no answer came, in a sentence."""
    return f"The server cannot be reached: {str(error) or type(error).__name__}."


def _phrase(status: int) -> str:
    return next((known.phrase for known in HTTPStatus if known == status), "")


def _object(response: httpx2.Response) -> Answer:
    if response.status_code == HTTPStatus.NO_CONTENT:
        return {}
    try:
        found = response.json()
    except (ValueError, RecursionError) as error:
        raise ApiError(response.status_code, "The answer is not JSON: is this the address of tableflow?") from error
    if not isinstance(found, dict):
        raise ApiError(response.status_code, "The answer is no object: is this the address of tableflow?")
    return found


def _quoted(name: str) -> str:
    return quote(name, safe="")
