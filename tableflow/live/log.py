"""The event log: a Redis stream for each table and one of all, written by the scripts of `lua/` alone.

An id is the time in µs, or one more than the id before it: ids rise strictly, whoever writes, and those of a Redis
that has lost its data are above all older ones. A flush is one entry of a stream. It holds the events, each with an
id of its own, and bears the last one's. From `floor` on nothing was lost: a cursor below it, or above the last id, is
no place in this log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

import orjson
import redis
from django.conf import settings
from redis.commands.core import Script

from tableflow.live.dirt import MOST_ROWS, Dirt

PREFIX = "tableflow:live:"
ALL = f"{PREFIX}all"
MICROSECONDS = 1_000_000
TIMEOUT_SECONDS = 2.0
KEPT = timedelta(hours=24)
_SCRIPTS = Path(__file__).parent / "lua"

Event = dict[str, Any]


class NoSuchPlace(Exception):
    """A cursor that is no place in the log: too old, of another log, or of the future. `current` is the last id."""

    def __init__(self, current: int) -> None:
        super().__init__(f"The log has no such place; it is at {current}.")
        self.current = current


@dataclass(frozen=True)
class Position:
    """How the log stands: the last id, and the id before which nothing counts."""

    last: int
    origin: int


@dataclass(frozen=True)
class Entry:
    """One flush: its events, the last one's id, and the origin of the log at that time."""

    id: int
    origin: int
    events: list[Event]


@cache
def client() -> redis.Redis:
    """The process's connections to Redis, which give up soon."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS
    )


@cache
def source(name: str) -> str:
    """The text of a script, with what all of them share."""
    shared = f"local P = '{PREFIX}'\nlocal MOST_ROWS = {MOST_ROWS}\n"
    return shared + (_SCRIPTS / "emit.lua").read_text() + (_SCRIPTS / f"{name}.lua").read_text()


@cache
def _script(name: str) -> Script:
    return client().register_script(source(name))


def mark(dirt: Mapping[int, Dirt]) -> float | None:
    """Hand over what is dirty, by table id; tables that may be flushed are. Gives the seconds until the next one of
    them may be; None: none is left. Raises redis.RedisError when nothing was, or may have been, handed over.
    """
    script = _script("mark")
    with client().pipeline(transaction=True) as pipe:
        for table_id, of_it in dirt.items():
            script(args=[table_id, orjson.dumps(of_it.plain()), *of_it.transitions], client=pipe)
        left = [int(microseconds) for microseconds in pipe.execute()]
    waiting = [microseconds for microseconds in left if microseconds > 0]
    return min(waiting) / MICROSECONDS if waiting else None


def flush() -> float | None:
    """Flush the tables that are due, whoever marked them; gives the seconds until the next one is. None: none is."""
    left = int(cast("int", _script("flush")()))
    return left / MICROSECONDS if left >= 0 else None


def position() -> Position:
    """How the log stands now."""
    return as_position(_script("position")())


def as_position(answer: Any) -> Position:
    """What the script `position` answers."""
    last, origin = answer
    return Position(int(last), int(origin))


def stream_of(table_id: int) -> str:
    """The key of a table's log."""
    return f"{PREFIX}table:{table_id}"


def since(cursor: int, *, table_id: int | None = None, upto: int | None = None, most: int) -> list[Entry]:
    """The entries with events after the cursor, of one table or of all, up to an id; `most` of them at the most.

    Raises NoSuchPlace, and redis.RedisError.
    """
    stream = ALL if table_id is None else stream_of(table_id)
    with client().pipeline(transaction=True) as pipe:
        _script("position")(client=pipe)
        pipe.mget(floors_of(stream))
        pipe.xrange(stream, f"({max(cursor, 0)}-0", f"{upto}-0" if upto is not None else "+", count=most)
        stands, floors, found = pipe.execute()
    now = as_position(stands)
    if not is_place(cursor, now, floors):
        raise NoSuchPlace(now.last)
    return [entry(id_, fields) for id_, fields in found]


def floors_of(stream: str) -> list[str]:
    """The keys of the ids before which something of a stream may be gone."""
    return [f"{PREFIX}pruned", f"{stream}:floor"]


def is_place(cursor: int, now: Position, floors: Iterable[bytes | None]) -> bool:
    """Whether all that came after the cursor is still there. `floors` are at `floors_of`."""
    if cursor == now.last:
        return True
    return max(now.origin, *(int(floor or 0) for floor in floors)) <= cursor < now.last


def entry(id_: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """An entry as Redis gives it."""
    number, _, _ = id_.partition(b"-")
    return Entry(int(number), int(fields[b"origin"]), orjson.loads(fields[b"events"]))


def time_of(event_id: int) -> datetime:
    """When the event of this id was told."""
    return datetime.fromtimestamp(event_id / MICROSECONDS, UTC)


def prune(kept: timedelta = KEPT) -> int:
    """Forget what is older; gives how many entries went."""
    seconds, microseconds = client().time()
    before = seconds * MICROSECONDS + microseconds - int(kept.total_seconds() * MICROSECONDS)
    return sum(_prune(before, [stream]) for stream in _streams())


def _prune(before: int, streams: Iterable[str]) -> int:
    return int(cast("int", _script("prune")(args=[before, *streams])))


def _streams() -> list[str]:
    found = client().scan_iter(match=f"{PREFIX}table:*", _type="stream", count=1000)
    return [ALL, *(key.decode() for key in found)]
