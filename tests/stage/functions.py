"""Functions for tests and benchmarks: they take time, wait at a point that the test opens, and leave marks."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path

from cells.functions import function

TICK = 0.005


@function
async def sleep(seconds: float) -> float:
    """Take so many seconds without using the processor; gives them back."""
    await asyncio.sleep(seconds)
    return seconds


@function
async def pass_gate(folder: str, key: str) -> int:
    """Leave a mark that the cell has come, wait until the test opens the gate, leave a mark that it has passed.

    Gives the process id. The folder holds `arrived`, `passed` (a line a mark: key and pid) and, once open, `open`.
    """
    _mark(folder, "arrived", key)
    await _opened(folder)
    _mark(folder, "passed", key)
    return os.getpid()


@function
async def take_token(folder: str, key: str) -> str:
    """As `pass_gate`; gives a token that no other call gives, and its mark of having passed bears the token too."""
    token = f"{key}-{uuid.uuid4().hex}"
    _mark(folder, "arrived", key)
    await _opened(folder)
    _mark(folder, "passed", token)
    return token


@function
async def hang(folder: str, key: str) -> None:
    """Leave a mark that the cell has come, and never end; leave another one when it is cut off."""
    _mark(folder, "arrived", key)
    try:
        await asyncio.Event().wait()
    finally:
        _mark(folder, "cut", key)


async def _opened(folder: str) -> None:
    while not (Path(folder) / "open").exists():  # noqa: ASYNC110  (the gate is in another process)
        await asyncio.sleep(TICK)


@function
async def overlap(folder: str, key: str, seconds: float) -> str:
    """Hold a place in the folder `inside` for so many seconds; gives the largest number of places held at once."""
    inside = Path(folder) / "inside"
    place = inside / key
    place.touch()
    _mark(folder, "seen", str(len(os.listdir(inside))))  # noqa: PTH208  (a count of names is all that is wanted)
    await asyncio.sleep(seconds)
    place.unlink()
    return key


def _mark(folder: str, name: str, text: str) -> None:
    """Append a line; appends of one short line are whole on a local file system."""
    with (Path(folder) / name).open("a") as file:
        file.write(f"{text} {os.getpid()}\n")
