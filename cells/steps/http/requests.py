"""One exchange over HTTP: the request, redirects followed by hand, and an answer of bounded size."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

import httpx2

from cells import network
from cells.connections import Connection
from cells.steps import shown
from cells.steps.step import StepFailed
from cells.values import plain, readable_size

BODY_LIMIT = 5 * 1024 * 1024
REDIRECTS_LIMIT = 5
RETRYABLE = frozenset({429, 502, 503, 504})

_USER_AGENT = "tableflow"


@dataclass(frozen=True)
class Outgoing:
    """A request: an absolute URL, headers by name, and the body's bytes. `connection` is whose base it stays below."""

    method: str
    url: httpx2.URL
    headers: Mapping[str, str]
    content: bytes | None
    connection: Connection | None = None


@dataclass(frozen=True)
class Answer:
    """An answer. The body is JSON where it is JSON, text otherwise, None where there is none."""

    status: int
    reason: str
    headers: dict[str, str]
    body: Any


async def exchange(outgoing: Outgoing) -> Answer:
    """Send the request, follow up to five redirects, read the answer. Raises StepFailed, also for a refused address."""
    try:
        for _redirect in range(REDIRECTS_LIMIT + 1):
            answer, location = await _send(outgoing)
            if location is None:
                return answer
            outgoing = _redirected(outgoing, answer.status, location)
    except network.AddressRefused as refused:
        raise StepFailed(str(refused)) from refused
    except (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol, httpx2.InvalidURL, UnicodeError) as error:
        raise StepFailed(f"{said(outgoing)}: the request cannot be sent: {error}") from error
    except httpx2.TransportError as error:
        raise StepFailed(f"{said(outgoing)}: {_transport_message(error)}", retryable=True) from error
    raise StepFailed(f"{said(outgoing)}: more than {REDIRECTS_LIMIT} redirects.")


def said(outgoing: Outgoing) -> str:
    """The request in a message: its method and URL, without what the query says."""
    return f"{outgoing.method} {shown.masked_url(str(outgoing.url.copy_with(query=None, fragment=None)))}"


def check_place(url: httpx2.URL, connection: Connection | None) -> None:
    """Raises StepFailed for a URL that is not http(s), names no host, or leaves the connection's base."""
    if url.scheme not in {"http", "https"} or not url.host:
        raise StepFailed(f"{shown.masked_url(str(url))[:200]!r} is no http or https address.")
    if connection is None:
        return
    base = httpx2.URL(connection.base_url)
    path = url.raw_path.partition(b"?")[0].decode()
    climbs = ".." in re.split(r"[/\\]", unquote(path))
    if _origin(url) != _origin(base) or not path.startswith(base.path) or climbs:
        raise StepFailed(f"{url.copy_with(query=None)} is outside of the connection {connection.name!r}.")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a Retry-After header asks to wait, as a number or a date; None without one."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())


async def _send(outgoing: Outgoing) -> tuple[Answer, str | None]:
    """The answer, or the place that it redirects to."""
    check_place(outgoing.url, outgoing.connection)
    client = network.client(outgoing.connection.origin if outgoing.connection else None)
    headers = {"user-agent": _USER_AGENT, "accept": "*/*", "accept-encoding": "gzip"}
    headers |= {name.lower(): value for name, value in outgoing.headers.items()}
    request = httpx2.Request(outgoing.method, outgoing.url, headers=headers, content=outgoing.content)
    response = await client.send(request, stream=True)
    try:
        location = response.headers.get("location") if response.has_redirect_location else None
        received = plain(dict(response.headers))
        body = None if location else _parsed(response, await _read(response, outgoing))
        return Answer(response.status_code, response.reason_phrase, received, body), location
    finally:
        await response.aclose()


async def _read(response: httpx2.Response, outgoing: Outgoing) -> bytes:
    """The body's bytes, unpacked. Raises StepFailed as soon as there are more than BODY_LIMIT."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise StepFailed(f"{said(outgoing)}: the answer is packed as {encoding!r}, which was not asked for.")
    unpacker = None if encoding in {"", "identity"} else zlib.decompressobj(wbits=47)
    body = bytearray()
    async for chunk in response.aiter_raw(64 * 1024):
        body += chunk if unpacker is None else _unpacked(unpacker, chunk, BODY_LIMIT + 1 - len(body), outgoing)
        if len(body) > BODY_LIMIT:
            raise StepFailed(f"{said(outgoing)}: the answer is bigger than {readable_size(BODY_LIMIT)}.")
    return bytes(body)


def _unpacked(unpacker: Any, chunk: bytes, room: int, outgoing: Outgoing) -> bytes:
    try:
        unpacked: bytes = unpacker.decompress(chunk, room)
    except zlib.error as error:
        raise StepFailed(f"{said(outgoing)}: the packed answer is broken: {error}") from error
    return unpacked


def _parsed(response: httpx2.Response, content: bytes) -> Any:
    if not content:
        return None
    text = _decoded(content, response.charset_encoding)
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if is_json or text.lstrip()[:1] in {"{", "["}:
        try:
            return plain(json.loads(text), BODY_LIMIT * 2)
        except (ValueError, RecursionError):
            pass  # It is text that only looks like JSON.
    return plain(text, BODY_LIMIT * 2)


def _decoded(content: bytes, charset: str | None) -> str:
    try:
        return content.decode(charset or "utf-8-sig", errors="replace")
    except LookupError:
        return content.decode(errors="replace")


def _redirected(outgoing: Outgoing, status: int, location: str) -> Outgoing:
    """The request after a redirect. To another origin it goes without the headers that bear secrets."""
    try:
        url = outgoing.url.join(location)
    except httpx2.InvalidURL as error:
        raise StepFailed(f"{said(outgoing)}: it redirects to no valid address.") from error
    headers = dict(outgoing.headers)
    if _origin(url) != _origin(outgoing.url):
        headers = {name: value for name, value in headers.items() if not shown.is_secret(name)}
    becomes_get = status == 303 or (status in {301, 302} and outgoing.method == "POST")
    if not becomes_get or outgoing.method == "HEAD":
        return replace(outgoing, url=url, headers=headers)
    headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    return replace(outgoing, method="GET", url=url, headers=headers, content=None)


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _transport_message(error: httpx2.TransportError) -> str:
    match error:
        case httpx2.ConnectTimeout():
            return "no connection within 10 s."
        case httpx2.PoolTimeout():
            return "too many connections are in use."
        case httpx2.ConnectError():
            return f"no connection: {error}"
    return f"the connection broke: {str(error) or type(error).__name__}"
