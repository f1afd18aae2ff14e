"""What stands in query strings: whole numbers, flags, words, filters. What is odd is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from cells.filters import compiled
from tableflow.api.parsing import check_value
from tableflow.errors import InvalidInput
from tableflow.tables import pages
from tableflow.tables.models import Row
from tableflow.tables.schema import Schema

SHOWN = [
    OpenApiParameter(
        "filter",
        OpenApiTypes.STR,
        description='JSON: {"field": "n", "op": "gt", "value": 1}, all, any; a field * is any column.',
    ),
    OpenApiParameter("sort", OpenApiTypes.STR, description="Column keys with commas; -key is descending."),
    OpenApiParameter("search", OpenApiTypes.STR, description="A text that some value contains."),
]
"""The parameters that say which rows are shown, and in which order."""

COLUMNS = OpenApiParameter("columns", OpenApiTypes.STR, description="Column keys with commas; all when absent.")

_FLAGS = {"1": True, "true": True, "0": False, "false": False}


def number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number from least to most; the default when absent."""
    given = request.query_params.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 20 and least <= int(given) <= most):
        raise InvalidInput.at(name, f"`{name}` is a whole number from {least} to {most}.", "out_of_range")
    return int(given)


def flag(request: Request, name: str) -> bool:
    """1 or true, 0 or false; false when absent."""
    given = request.query_params.get(name, "0").lower()
    if given not in _FLAGS:
        raise InvalidInput.at(name, f"`{name}` is 1 or 0.")
    return _FLAGS[given]


def text(request: Request, name: str) -> str | None:
    """A text without NUL; None when absent."""
    given = request.query_params.get(name)
    if given is not None and "\x00" in given:
        raise InvalidInput.at(name, "A NUL character has no place here.", "null_characters_not_allowed")
    return given


def choice(request: Request, name: str, choices: Sequence[str]) -> str | None:
    """One of the choices; None when absent."""
    given = request.query_params.get(name)
    if given is not None and given not in choices:
        raise InvalidInput.at(name, f"`{name}` is one of: {', '.join(choices)}.", "invalid_choice")
    return given


def moment(request: Request, name: str, read: Callable[[str], datetime]) -> datetime | None:
    """An ISO date or datetime, as `read` takes it; None when absent."""
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        return read(given)
    except ValueError as error:
        detail = f"`{name}` is a date or datetime, such as 2026-01-31 or 2026-01-31T09:30:00Z (a + is written %2B)."
        raise InvalidInput.at(name, detail) from error


def condition(request: Request, known: Schema) -> Q | None:
    """The compiled `filter`, which is JSON; None when absent."""
    given = text(request, "filter")
    if not given:
        return None
    return compiled(known, _decoded(given))


def sort(request: Request) -> list[str]:
    """The keys of `sort`; none when absent."""
    return pages.sort_keys(request.query_params.get("sort") or "")


def columns(request: Request) -> list[str]:
    """The keys of `columns`, each once; none when absent."""
    given = text(request, "columns")
    return list(dict.fromkeys(key.strip() for key in given.split(","))) if given else []


def shown(request: Request, known: Schema) -> QuerySet[Row]:
    """The rows that filter, sort and search show, in their order."""
    return pages.shown(known, q=condition(request, known), sort=sort(request), search=text(request, "search"))


def _decoded(given: str) -> Any:
    try:
        wanted = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise InvalidInput.at(
            "filter", 'The filter is not JSON, such as {"field": "n", "op": "gt", "value": 1}.'
        ) from error
    check_value({"filter": wanted})
    return wanted
