"""Strict readers of the environment: an odd value stops the process with a sentence, never with a guess."""

from __future__ import annotations

import os
from pathlib import Path

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class BadSetting(SystemExit):
    """A variable of the environment holds something that cannot be used."""

    def __init__(self, name: str, value: str, wanted: str) -> None:
        super().__init__(f"{name}={value!r} cannot be used: it must be {wanted}.")


def text(name: str, default: str = "") -> str:
    """The variable's text without the blanks around it; the default when it is unset or blank."""
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
    """The variable as a whole number between `least` and `most`."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise BadSetting(name, value, f"a whole number from {least} to {most}")
    return int(value)


def boolean(name: str, *, default: bool) -> bool:
    """The variable as a truth value: 1, true, yes, on, or 0, false, no, off."""
    value = os.environ.get(name)
    if value is None:
        return default
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadSetting(name, value, "1 or 0")


def words(name: str) -> list[str]:
    """The variable as a list: its parts between commas, blank parts left out."""
    return [part for part in (p.strip() for p in os.environ.get(name, "").split(",")) if part]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """The variable as one of the allowed words."""
    value = text(name, default)
    if value not in allowed:
        raise BadSetting(name, value, "one of " + ", ".join(allowed))
    return value


def home() -> Path:
    """The data folder, as an absolute path: TABLEFLOW_HOME."""
    return Path(text("TABLEFLOW_HOME", ".tableflow")).expanduser().resolve()


def host() -> str:
    """Where the web process listens: HOST."""
    return text("HOST", "127.0.0.1")


def port() -> int:
    """The port of the web process: PORT."""
    return integer("PORT", 8000, most=65535)


def celery_concurrency() -> int:
    """The threads of one worker process for cells, each of which serves one cell task: CELERY_CONCURRENCY."""
    return integer("CELERY_CONCURRENCY", 32, most=400)


def database_connections() -> int:
    """How many connections to PostgreSQL one process has at the most: DATABASE_CONNECTIONS."""
    return integer("DATABASE_CONNECTIONS", 20, least=4, most=400)


def streams_per_user() -> int:
    """How many streams a user may have open at one web process: STREAMS_PER_USER."""
    return integer("STREAMS_PER_USER", 250, most=100_000)
