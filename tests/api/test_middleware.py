from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.test import Client
from rest_framework.request import Request

from tableflow.api.middleware import measured_bodies
from tableflow.api.parsing import JsonBody


def chunked(body: bytes) -> ASGIRequest:
    """A request as the ASGI handler makes it of a body in chunks: no Content-Length."""
    headers = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
    return ASGIRequest({"type": "http", "method": "POST", "path": "/", "headers": headers}, io.BytesIO(body))


@pytest.mark.parametrize(("body", "data"), [(b'{"name": "x"}', {"name": "x"}), (b"", {})])
def test_a_body_in_chunks_is_read(body: bytes, data: Any) -> None:
    seen: list[Any] = []

    def view(request: Any) -> HttpResponse:
        seen.append(Request(request, parsers=[JsonBody()]).data)
        return HttpResponse()

    async def async_view(request: Any) -> HttpResponse:
        return view(request)

    measured_bodies(view)(chunked(body))
    asyncio.run(measured_bodies(async_view)(chunked(body)))
    assert seen == [data, data]


def test_an_address_without_its_slash_keeps_the_method() -> None:
    response = Client().post("/api/v1/tables?x=1", {"name": "x"}, content_type="application/json")
    assert response.status_code == 308
    assert response["Location"] == "/api/v1/tables/?x=1"
