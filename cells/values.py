"""What may pass between steps and into the database: plain JSON values of bounded size.

PostgreSQL's jsonb refuses what Python's JSON lets through: NUL characters, lone surrogates, NaN. One such value
would fail the write of a whole batch of results, so everything that a workflow produces goes through `plain`.
"""

from __future__ import annotations

import datetime as dt
import math
import numbers
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

SIZE_LIMIT = 1024 * 1024
"""How much a value may weigh: characters of text, and a few for every number and container."""
DEPTH_LIMIT = 100
INTEGER_BITS = 4096

_QUICK = 1 << 63


class Unfit(ValueError):
    """The value is too big, too deep, or of a type that JSON cannot say; the message says which."""


def plain(value: Any, limit: int = SIZE_LIMIT) -> Any:
    """The value as plain JSON that jsonb accepts. Containers are copied, so that nothing is shared with the giver.

    Tuples, sets and generators become lists, dates ISO text, NaN and infinity null, NUL characters and lone
    surrogates U+FFFD. Raises Unfit.
    """
    kind = type(value)
    if kind is str and len(value) <= limit:
        return clean_text(value)
    if value is None or kind is bool or (kind is int and -_QUICK < value < _QUICK):
        return value
    return _Copy(limit).of(value, 0)


def clean_text(text: str) -> str:
    """The text without the characters that PostgreSQL cannot store."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class _Copy:
    """One copy in the making, with what is left of its size."""

    def __init__(self, limit: int) -> None:
        self.limit = self.left = limit

    def of(self, value: Any, depth: int) -> Any:
        if depth > DEPTH_LIMIT:
            raise Unfit(f"The value is nested more than {DEPTH_LIMIT} deep.")
        if isinstance(value, str):
            self._spend(len(value) + 1)
            return clean_text(str.__str__(value))
        self._spend(4)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, numbers.Number):
            return _number(value)
        if isinstance(value, Mapping):
            return {self.of(_key(key), depth): self.of(item, depth + 1) for key, item in value.items()}
        return self._other(value, depth)

    def _other(self, value: Any, depth: int) -> Any:
        if isinstance(value, dt.datetime | dt.date | dt.time):
            return value.isoformat()
        if isinstance(value, uuid.UUID):
            return str(value)
        if isinstance(value, bytes):
            return self.of(value[: self.left + 1].decode(errors="replace"), depth)
        if isinstance(value, Iterable):
            return [self.of(item, depth + 1) for item in value]
        raise Unfit(f"A value of type {type(value).__name__} cannot be used here: only what JSON can say.")

    def _spend(self, weight: int) -> None:
        self.left -= weight
        if self.left < 0:
            raise Unfit(f"The value is bigger than {readable_size(self.limit)}.")


def _number(value: Any) -> int | float | None:
    if isinstance(value, numbers.Integral):
        if int(value).bit_length() > INTEGER_BITS:
            raise Unfit("The number has more than a thousand digits.")
        return int(value)
    if isinstance(value, numbers.Real | Decimal):
        return float(value) if math.isfinite(value) else None
    raise Unfit(f"A number of type {type(value).__name__} cannot be used here: only what JSON can say.")


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def readable_size(count: int) -> str:
    """A number of bytes or characters as people say it: 16 kB, 1 MB."""
    return f"{count // (1024 * 1024)} MB" if count >= 1024 * 1024 else f"{count // 1024} kB"


def is_true(value: Any) -> bool:
    """Whether the value of a condition holds. Text says no when it is blank, "false" or "0"."""
    if isinstance(value, str):
        return value.strip().lower() not in {"", "false", "0"}
    return bool(value)
