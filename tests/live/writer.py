"""Processes that mark, for tests. A server that has imported what they need forks them, which is quick."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier

import orjson
from django.conf import settings

from tableflow.live import flusher, log
from tableflow.live.dirt import Dirt
from tests.stage import points


def context() -> ForkServerContext:
    """Where they come from: `context().Process(target=mark, …)`."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__])
    return forks


def mark(url: str, name: int, tables: int, count: int, start: Barrier) -> None:
    """Hand so many transitions over to Redis, one by one, of these tables in turn."""
    settings.REDIS_URL = url
    start.wait()
    for number in itertools.islice(numbers_of(name), count):
        log.mark({1 + number % tables: started(number)})


def take(url: str, env: Mapping[str, str], orders: Connection) -> None:
    """Leave as many transitions of table 1 to the process's flusher as each order says, and answer it.

    The process may be held at the points that `env` names (tests/stage/points.py).
    """
    settings.REDIS_URL = url
    points.take_up(env)
    numbers = numbers_of(0)
    for count in iter(orders.recv, 0):
        for number in itertools.islice(numbers, count):
            flusher.take(1, started(number))
        orders.send(count)


def started(number: int) -> Dirt:
    """That the dispatch of this number has started."""
    return Dirt(transitions=[orjson.dumps({"type": "dispatch.started", "dispatch": number})])


def numbers_of(name: int) -> Iterator[int]:
    """The numbers that the writer of this name uses, one after the other."""
    return itertools.count(name * 1_000_000)
