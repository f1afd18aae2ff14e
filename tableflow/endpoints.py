"""Where PostgreSQL and Redis are: what the environment names, else the embedded servers of this data folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypedDict

from tableflow import env

FILE_NAME = "endpoints.json"
# What settings hold while no embedded server runs: commands that need none (check, makemigrations) still load them.
NOWHERE = {"database_url": "postgres://tableflow@127.0.0.1:1/tableflow", "redis_url": "redis://127.0.0.1:1/0"}


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
    """The addresses to use now. The embedded servers' stand in the data folder while they run."""
    path = _path(env.home())
    recorded = json.loads(path.read_text()) if path.exists() else {}
    return {
        "database_url": env.text("DATABASE_URL") or recorded.get("database_url") or NOWHERE["database_url"],
        "redis_url": env.text("REDIS_URL") or recorded.get("redis_url") or NOWHERE["redis_url"],
    }


def record(home: Path, addresses: dict[str, str]) -> None:
    """Write the addresses of the embedded servers that run now, in one step, readable by their owner only."""
    path = _path(home)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(addresses, file)
    draft.replace(path)


def recorded(home: Path) -> bool:
    """Whether the embedded servers' addresses are there: whoever runs them writes them last."""
    return _path(home).exists()


def forget(home: Path) -> None:
    """The embedded servers do not run any more."""
    _path(home).unlink(missing_ok=True)


def _path(home: Path) -> Path:
    return home / "run" / FILE_NAME
