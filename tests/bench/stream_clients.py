"""Many clients of Server-Sent Events in one process: `python -m tests.bench.stream_clients URL CLIENTS [HEADER]`.

They note what came and when, and look at nothing else: they are not to be what is measured. `ready` is written when all
have an open stream, and at a line of input what they noted: an object of JSON for each client.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

OPENED = b"event: stream-open"
EVENT_ID = re.compile(rb"\nid: [^\n]*:(\d+)\ndata: \S")


@dataclass
class Client(asyncio.Protocol):
    """One client. An event counts by its id; an id that came before counts as well."""

    request: bytes
    opened: asyncio.Future[None]
    times: list[float] = field(default_factory=list)
    last_id: int = 0
    last_at: float = 0.0
    rest: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Note the events that it ends."""
        if not self.opened.done() and OPENED in data:
            self.opened.set_result(None)
        whole, end, self.rest = (self.rest + data).rpartition(b"\n\n")
        if ids := EVENT_ID.findall(whole + end):
            now = time.monotonic()
            self.times += [now] * len(ids)
            if (newest := max(map(int, ids))) > self.last_id:
                self.last_id, self.last_at = newest, now

    def noted(self) -> dict[str, float]:
        """What it is asked for in the end."""
        return {"events": len(self.times), "last_id": self.last_id, "last_at": self.last_at, "most": self._most()}

    def _most(self) -> int:
        """The most events within a second."""
        most = first = 0
        for place, at in enumerate(self.times):
            while self.times[first] <= at - 1:
                first += 1
            most = max(most, place - first + 1)
        return most


async def main(url: str, clients: int, *headers: str) -> None:
    """Open the streams, and report when asked."""
    loop = asyncio.get_running_loop()
    at = urlsplit(url)
    head = [f"GET {at.path} HTTP/1.1", f"Host: {at.netloc}", "Accept: text/event-stream", *headers]
    request = ("\r\n".join(head) + "\r\n\r\n").encode()
    them = [Client(request, loop.create_future()) for _ in range(clients)]
    for client in them:
        await loop.create_connection(lambda client=client: client, at.hostname, at.port)  # type: ignore[misc]
        await asyncio.wait_for(client.opened, 60)
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps([client.noted() for client in them]), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
