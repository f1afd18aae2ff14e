"""How many listen, in all web processes: each writes its own figures into Redis, and they fade when it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import orjson

from tableflow.live import log

PREFIX = f"{log.PREFIX}clients:"
SECONDS = 15


@dataclass(frozen=True)
class Clients:
    """Open streams by kind, and how old events were in seconds when they were read."""

    streams: dict[str, int]
    lag_seconds: float


def tell(process: str, of_it: Clients) -> None:
    """Write the figures of a process. Raises redis.RedisError."""
    log.client().set(f"{PREFIX}{process}", orjson.dumps(asdict(of_it)), ex=SECONDS)


def counted() -> Clients:
    """The figures of all processes: the sum of the streams, the greatest lag. Raises redis.RedisError."""
    keys = list(log.client().scan_iter(match=f"{PREFIX}*", count=1000))
    found = [Clients(**orjson.loads(value)) for value in log.client().mget(keys) if value] if keys else []
    return Clients(_sum(each.streams for each in found), max((each.lag_seconds for each in found), default=0.0))


def _sum(streams: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for of_one in streams:
        total.update(of_one)
    return dict(total)
