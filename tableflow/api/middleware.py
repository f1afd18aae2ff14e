"""What the API needs before any view: a body whose length is known, and redirects that keep the method and the body."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware
from django.utils.decorators import sync_and_async_middleware


class SameRequestElsewhere(HttpResponsePermanentRedirect):
    """308: ask there, with the same method and body. After a 301, clients turn a POST into a GET."""

    status_code = 308


class SlashMiddleware(CommonMiddleware):
    """Django's, with a redirect to the address with a slash that does not change what is asked."""

    response_redirect_class = SameRequestElsewhere


@sync_and_async_middleware
def measured_bodies(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Gives a request whose body came in chunks its length. DRF takes one without a length for one without a body,
    and so a dispatch of ten rows for one of all rows.
    """

    async def ask_async(request: HttpRequest) -> Any:
        _measure(request)
        answer: Awaitable[Any] = get_response(request)
        return await answer

    def ask(request: HttpRequest) -> Any:
        _measure(request)
        return get_response(request)

    return ask_async if iscoroutinefunction(get_response) else ask


def _measure(request: HttpRequest) -> None:
    """The server has read the body into a file by now."""
    if isinstance(request, ASGIRequest) and "Transfer-Encoding" in request.headers:
        body = request._stream  # noqa: SLF001  (Django has no other way to it)
        request.META["CONTENT_LENGTH"] = str(body.seek(0, os.SEEK_END))
        body.seek(0)
