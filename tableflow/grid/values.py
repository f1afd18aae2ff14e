"""How a value is written in a cell: one line, by the column's type. Pure; the templates escape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from tableflow.tables.types import is_empty

SHOWN_CHARACTERS = 300
SHOWN_CHOICES = 20
CLIPPED_CHARACTERS = 300
CLIPPED_LINES = 3


@dataclass(frozen=True)
class Shown:
    """`kind` says how to draw it: text, number, code, link or tags. `text` is one line, cut where nobody reads on."""

    kind: str
    text: str
    href: str = ""
    tags: tuple[str, ...] = ()


NOTHING = Shown("text", "")


def shown(type_: str, options: Mapping[str, Any], value: Any) -> Shown:
    """What a cell shows of a stored value. A value that does not fit its column's type is shown as what it is."""
    if is_empty(value):
        return NOTHING
    match type_, value:
        case (("number" | "currency"), int() | float()) if not isinstance(value, bool):
            return Shown("number", _number(type_, options, value))
        case "boolean", bool():
            return Shown("text", "Yes" if value else "No")
        case "datetime", str():
            return Shown("text", value.replace("T", " ").removesuffix("Z"))
        case "url", str() if value.startswith(("https://", "http://")):
            return Shown("link", _line(value.partition("://")[2].removesuffix("/")), value)
        case "email", str():
            return Shown("link", _line(value), f"mailto:{quote(value, safe='@')}")
        case "select", str():
            return Shown("tags", "", tags=(_line(value),))
        case "multiselect", list():
            return Shown("tags", "", tags=tuple(_line(text(item)) for item in value[:SHOWN_CHOICES]))
        case "json", _:
            return Shown("code", _line(text(value)))
    return Shown("text", _line(text(value)))


def text(value: Any) -> str:
    """The value as text in full: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def clipped(long: str) -> str:
    """The beginning of a text: its first lines, so far as they fit. All of it where that is no more."""
    start = "\n".join(long.split("\n", CLIPPED_LINES)[:CLIPPED_LINES])[:CLIPPED_CHARACTERS]
    return long if start == long else f"{start.rstrip()}…"


def _line(value: str) -> str:
    cut = value[: SHOWN_CHARACTERS + 1]
    return f"{cut[:SHOWN_CHARACTERS]}…" if len(cut) > SHOWN_CHARACTERS else cut


def _number(type_: str, options: Mapping[str, Any], value: float) -> str:
    precision = options.get("precision", 2 if type_ == "currency" else None)
    exact = Decimal(value) if isinstance(value, int) else value  # a format would round a large one
    if type_ == "number":
        return str(value) if precision is None else f"{exact:.{precision}f}"
    return f"{options.get('currency', '')} {exact:,.{precision}f}".strip()
