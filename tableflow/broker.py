"""Redis as Celery's broker, where kombu's own transport would end the worker.

A worker that loses Redis while it holds messages uses a connection that it has closed: once to give the messages back,
and once for each to acknowledge it when its task has ended. kombu raises an AttributeError there, which nobody expects
and which ends the worker. As an error of the connection it is expected everywhere: the worker connects anew. The
messages are of no matter: what they rang for is rung for again by the sweep.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from redis import ConnectionError as RedisConnectionError


class Channel(kombu_redis.Channel):
    """kombu's channel; over a connection that was closed it fails as over one that broke."""

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise RedisConnectionError("The connection of this channel was closed.")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]


class Transport(kombu_redis.Transport):
    """kombu's transport, with our channel."""

    Channel = Channel


def install() -> None:
    """Have addresses that begin with redis:// or rediss:// use this transport in this process."""
    TRANSPORT_ALIASES.update(redis="tableflow.broker:Transport", rediss="tableflow.broker:Transport")
