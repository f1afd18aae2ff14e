"""Where PostgreSQL and Redis are: what the environment names, else the embedded servers of this data folder."""

from __future__ import annotations

import json
from typing import TypedDict

from tableflow import env

FILE_NAME = "endpoints.json"


class Endpoints(TypedDict):
    """The two addresses, as URLs."""

    database_url: str
    redis_url: str


def embedded_database() -> bool:
    """Whether PostgreSQL is the embedded one."""
    return not env.text("DATABASE_URL")


def embedded_redis() -> bool:
    """Whether Redis is the embedded one."""
    return not env.text("REDIS_URL")


def read() -> Endpoints:
    """The addresses to use now. The embedded servers' are written to the data folder when they start."""
    path = env.home() / "run" / FILE_NAME
    recorded = json.loads(path.read_text()) if path.exists() else {}
    return {
        "database_url": env.text("DATABASE_URL") or recorded.get("database_url", "postgres:///tableflow"),
        "redis_url": env.text("REDIS_URL") or recorded.get("redis_url", "redis://127.0.0.1:6379/0"),
    }
