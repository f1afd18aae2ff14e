"""A process that marks, for tests: `python -m tests.live.writer NAME`. It does what the lines of its input say.

`mark 3 100` hands a hundred transitions over to Redis, one by one, of three tables in turn; `take 3 100` leaves them to
the process's flusher. Each is answered with `done`. It may be held at the points of tests/stage/points.py.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import orjson

from tableflow.live import flusher, log
from tableflow.live.dirt import Dirt
from tests.stage import points

WAYS = {"mark": lambda table_id, dirt: log.mark({table_id: dirt}), "take": flusher.take}


def main(name: int) -> None:
    """Do what is asked until the input ends."""
    points.take_up()
    numbers = itertools.count(name * 1_000_000)
    _answer("ready")
    for line in sys.stdin:
        way, tables, count = line.split()
        for number in itertools.islice(numbers, int(count)):
            WAYS[way](1 + number % int(tables), started(number))
        _answer("done")


def started(number: int) -> Dirt:
    """That the dispatch of this number has started."""
    return Dirt(transitions=[orjson.dumps({"type": "dispatch.started", "dispatch": number})])


def numbers_of(name: int) -> Iterator[int]:
    """The numbers that the writer of this name uses, one after the other."""
    return itertools.count(name * 1_000_000)


def _answer(word: str) -> None:
    print(word, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
