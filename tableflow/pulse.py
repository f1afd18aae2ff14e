"""The sign of life of beat, kept in Redis: a tick that a worker ran proves beat, Redis and the worker at once."""

from __future__ import annotations

from contextlib import closing

import redis
from django.conf import settings

KEY = "tableflow:beat"
# How long one tick counts. Beat ticks every few seconds.
SECONDS = 30


def client() -> redis.Redis:
    """A connection to Redis that gives up soon. The caller closes it."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)


def beat_seen() -> None:
    """Note that a tick of beat arrived. Called by the task that beat sends. Redis being away is not an error here."""
    with closing(client()) as connection:
        try:
            connection.set(KEY, 1, ex=SECONDS)
        except redis.RedisError:
            return


def forget() -> None:
    """Nobody is left who runs the ticks of beat: those that were seen count no more. Redis being away is no error."""
    with closing(client()) as connection:
        try:
            connection.delete(KEY)
        except redis.RedisError:
            return


def beat_alive() -> bool:
    """Whether a tick of beat arrived within the last SECONDS. Raises redis.RedisError when Redis is away."""
    with closing(client()) as connection:
        return bool(connection.exists(KEY))
