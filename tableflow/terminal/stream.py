"""One connection to the stream of events: its lines as they come, or why there are none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx2

from tableflow.terminal import client
from tableflow.terminal.address import Server
from tableflow.terminal.client import ApiError
from tableflow.terminal.lines import Splitter, TooLong

PATH = f"{client.BASE}/stream/events"
MOST_ERROR_BYTES = 64 * 1024
ERROR_SECONDS = 5.0
"""How long the words of a refusal are waited for; its status says enough."""

Wanted = Mapping[str, int | str | list[str]]
"""The query: `table`, `type`, `after`."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds: for the connection, and for the next that comes (heartbeats come each 15 s)."""

    connect: float = 10.0
    silence: float = 40.0


async def lines(server: Server, wanted: Wanted, patience: Patience) -> AsyncGenerator[bytes, None]:
    """The lines of the stream, to its end in order. Raises ApiError: with a status when the server refused it."""
    timeout = httpx2.Timeout(patience.connect, read=patience.silence)
    try:
        async with (
            httpx2.AsyncClient(headers=_headers(server), timeout=timeout, verify=client.certificates()) as http,
            http.stream("GET", server.url + PATH, params=wanted) as response,
        ):
            if response.status_code != HTTPStatus.OK:
                raise await _refusal(response)
            splitter = Splitter()
            async for piece in response.aiter_bytes():
                for line in splitter.feed(piece):
                    yield line
            if splitter.rest:
                raise ApiError(None, "The stream was cut off in the middle of a line.")
    except httpx2.ReadTimeout as error:
        raise ApiError(None, f"Nothing came from the server for {patience.silence:g} s.") from error
    except httpx2.TimeoutException as error:
        raise ApiError(None, f"No connection to the server within {patience.connect:g} s.") from error
    except httpx2.HTTPError as error:
        raise ApiError(None, client.unreachable(error)) from error
    except TooLong as error:
        raise ApiError(None, str(error)) from error


def _headers(server: Server) -> dict[str, str]:
    """Nothing on the way shall gather lines to compress them."""
    return {**server.headers, "Accept": "application/x-ndjson", "Accept-Encoding": "identity"}


async def _refusal(response: httpx2.Response) -> ApiError:
    """What an answer that is no stream says."""
    body = b""
    with contextlib.suppress(TimeoutError, httpx2.HTTPError):
        async with asyncio.timeout(ERROR_SECONDS):
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_ERROR_BYTES:
                    break
    return ApiError(response.status_code, client.detail(response.status_code, body, response.headers))
