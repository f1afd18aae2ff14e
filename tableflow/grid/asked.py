"""Which rows the address of a page asks for: `filter` (JSON), `sort`, `search`, and a part of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cells.filters import compiled
from tableflow.errors import InvalidInput
from tableflow.tables import pages
from tableflow.tables.models import View
from tableflow.tables.pages import Page
from tableflow.tables.schema import Schema

MOST_DIGITS = 10
MOST_FILTER_CHARACTERS = 60_000


@dataclass(frozen=True)
class Asked:
    """What is shown of a table, and in which order: a filter or None, keys to sort by, a text to search for."""

    filter: Any = None
    sort: tuple[str, ...] = ()
    search: str = ""

    def page(self, schema: Schema, offset: int, limit: int) -> Page:
        """A part of it. InvalidInput names filter, sort or search."""
        q = compiled(schema, self.filter) if self.filter is not None else None
        return pages.fetch(schema, offset=offset, limit=limit, q=q, sort=self.sort, search=self.search)


def asked(query: Mapping[str, str], view: View | None = None) -> Asked:
    """What the address asks for; of what it does not name, what the view has. InvalidInput names what is no JSON, or
    has a NUL.
    """
    for name in ("filter", "sort", "search"):
        if "\x00" in query.get(name, ""):
            raise InvalidInput.at(name, "A NUL character has no place here.", "null_characters_not_allowed")
    wanted = _decoded(query["filter"]) if "filter" in query else (view.filter if view else None)
    sort = query.get("sort", view.sort if view else "")
    search = query.get("search", view.search if view else "")
    return Asked(wanted, tuple(key.strip() for key in sort.split(",") if key.strip()), search.strip())


def number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number from 0 to most; the default when absent."""
    given = query.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= MOST_DIGITS and int(given) <= most):
        raise InvalidInput.at(name, f"`{name}` is a whole number from 0 to {most}.", "out_of_range")
    return int(given)


def _decoded(given: str) -> Any:
    if not given:
        return None
    if len(given) > MOST_FILTER_CHARACTERS:
        raise InvalidInput.at("filter", f"The filter is longer than {MOST_FILTER_CHARACTERS:,} characters.")
    try:
        return json.loads(given)
    except (ValueError, RecursionError) as error:
        raise InvalidInput.at("filter", "The filter is not JSON.") from error
