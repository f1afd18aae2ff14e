"""Which runs a list is asked for: the fields of the filter form, as they come in an address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import QueryDict

from dispatch import listing
from dispatch.models import Dispatch
from tableflow.grid.access import MOST_DIGITS
from tableflow.tables.models import Table

T = TypeVar("T")

BY_ITSELF = "(itself)"
"""In place of a person's name; no user can have it."""
PROBLEMS = {
    "state": "There is no such state.",
    "table": "You have no such table.",
    "person": "There is no such person.",
    "from": "Write a day like 2026-11-21.",
    "until": "Write a day like 2026-11-21.",
}
FIELDS = ("state", "table", "person", "from", "until")


@dataclass(frozen=True)
class Asked:
    """What stands in each field of the filter, and what is wrong with it, by field."""

    values: dict[str, str]
    problems: dict[str, str]

    @property
    def kept(self) -> QueryDict:
        """The fields in which something stands, for the addresses of other pages of the list."""
        kept = QueryDict(mutable=True)
        kept.update({name: value for name, value in self.values.items() if value})
        return kept


def read(user: User, query: QueryDict) -> tuple[Asked, QuerySet[Dispatch]]:
    """The filter that an address gives, and the runs that it asks for; none where a field cannot be understood."""
    asked = Asked({name: query.get(name, "").strip() for name in FIELDS}, {})
    by = _understood(asked, "person", _person)
    found = listing.asked(
        user,
        status=_understood(asked, "state", _state),
        table=_understood(asked, "table", lambda text: _table(user, text)),
        by=by if by != BY_ITSELF else None,
        since=_understood(asked, "from", listing.begin_of),
        until=_understood(asked, "until", listing.end_of),
    )
    if by == BY_ITSELF:
        found = found.filter(is_manual=False)
    return asked, found.none() if asked.problems else found


def _understood(asked: Asked, name: str, reader: Callable[[str], T]) -> T | None:
    """What the field says; None where it says nothing, or nothing that can be understood: its problem is noted."""
    if not asked.values[name]:
        return None
    try:
        return reader(asked.values[name])
    except ValueError:
        asked.problems[name] = PROBLEMS[name]
        return None


def _state(text: str) -> str:
    if text not in listing.STATUSES:
        raise ValueError(text)
    return text


def _person(text: str) -> str:
    if "\0" in text:  # PostgreSQL cannot even look for it
        raise ValueError(text)
    return text


def _table(user: User, text: str) -> int:
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        raise ValueError(text)
    if not Table.objects.visible_to(user).filter(pk=int(text)).exists():
        raise ValueError(text)
    return int(text)
