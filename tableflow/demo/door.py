"""The way to the demo provider past Django's middleware.

Django's own handler keeps a thread for every request as long as it lasts. The provider's requests do nothing
but wait, hundreds at once, so here they are coroutines and no more. The views are the same.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve

from tableflow.demo import errors
from tableflow.demo.views import MOST_BYTES

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

PREFIX = "/demo"
_URLS = "tableflow.demo.urls"


def with_demo(application: Application) -> Application:
    """The application, with the demo provider under /demo/."""

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/"):
            await _serve(scope, receive, send)
        else:
            await application(scope, receive, send)

    return serve


async def _serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    body = await _body(receive)
    if body is None:
        return
    answering = asyncio.ensure_future(_answer(ASGIRequest(scope, io.BytesIO(body))))
    leaving = asyncio.ensure_future(_disconnect(receive))
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            await _send(answering.result(), send)
    finally:
        answering.cancel()
        leaving.cancel()
        await asyncio.wait({answering, leaving})


async def _answer(request: HttpRequest) -> HttpResponseBase:
    try:
        match = resolve(request.path_info.removeprefix(PREFIX), _URLS)
    except Resolver404:
        return errors.answer(404, "There is no such address; GET /demo/ lists them.", kind="invalid_request_error")
    response: HttpResponseBase = await match.func(request, *match.args, **match.kwargs)
    return response


async def _body(receive: Receive) -> bytes | None:
    """The request's body, a byte over the limit at most; None when the client has left."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body = (body + message.get("body", b""))[: MOST_BYTES + 1]
        more = message.get("more_body", False)
    return body


async def _disconnect(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(response: HttpResponseBase, send: Send) -> None:
    body: bytes = getattr(response, "content", b"")
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.items()]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})
