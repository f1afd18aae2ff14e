"""Streams of lines that a test writes while they are read, for tests/web.py."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from typing import Any

from tests.web import Told


def line(content: Any) -> bytes:
    return json.dumps(content).encode() + b"\n"


class Feed:
    """One stream of the server's: what is put into it is sent at once, until it is cut or ended."""

    def __init__(self, *contents: Any) -> None:
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.put(*contents)

    def put(self, *contents: Any) -> Feed:
        """Send these objects, each as a line."""
        for content in contents:
            self.raw(line(content))
        return self

    def raw(self, piece: bytes) -> Feed:
        """Send these bytes."""
        self._pieces.put(piece)
        return self

    def end(self) -> Feed:
        """End the stream in order."""
        self._pieces.put(None)
        return self

    def chunks(self) -> Iterator[bytes]:
        """What the server sends."""
        return iter(self._pieces.get, None)


def refusal(status: int, detail: str) -> Told:
    """An error in the contract's shape."""
    body = {"type": "client_error", "errors": [{"code": "no", "detail": detail, "attr": None}]}
    return Told(status, json.dumps(body).encode(), {"content-type": "application/json"})
