"""The lines of the stream of events, copied as they are."""

from __future__ import annotations

import asyncio
import select
from contextlib import aclosing
from typing import BinaryIO

from tableflow.terminal import stream
from tableflow.terminal.address import Server

GLANCE_SECONDS = 0.5


async def copy(server: Server, wanted: stream.Wanted, out: BinaryIO) -> None:
    """Copy one stream to its end, or until nobody reads what is written. Raises ApiError."""
    copying = asyncio.create_task(_copy(server, wanted, out))
    leaving = asyncio.create_task(_left(out))
    try:
        await asyncio.wait({copying, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if copying.done():
            copying.result()
    finally:
        copying.cancel()
        leaving.cancel()
        await asyncio.gather(copying, leaving, return_exceptions=True)


async def _copy(server: Server, wanted: stream.Wanted, out: BinaryIO) -> None:
    async with aclosing(stream.lines(server, wanted, stream.Patience())) as lines:
        async for line in lines:
            out.write(line + b"\n")
            out.flush()


async def _left(out: BinaryIO) -> None:
    """Returns when the reader of a pipe has gone: the next line that it would not read may be long in coming."""
    watch = select.poll()
    watch.register(out, select.POLLERR)
    while not watch.poll(0):  # noqa: ASYNC110  (no loop waits for a pipe's reader to go, on every system)
        await asyncio.sleep(GLANCE_SECONDS)
