"""A table as a client keeps it who hears of changes only: it fetches what it is told of, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from tableflow.tables.models import Table
from tests.live.conftest import Person
from tests.live.streams import Event, Stream

Answer = dict[str, Any]
PAGE = 100


@dataclass(frozen=True)
class Heard:
    """What an event asks for: rows by id (None: all of them), and the columns."""

    rows: frozenset[int] | None = frozenset()
    schema: bool = False


ALL = Heard(None, True)


class Feed(Protocol):
    """A stream of a table's changes, and how to read it."""

    def open(self, person: Person, table: Table, cursor: str | None) -> Stream:
        """It, from a cursor on; None: from now on."""

    def heard(self, event: Event) -> Heard:
        """What an event asks for."""


class Events:
    """The stream for programs. Of a run it says in `cells.changed` which rows look different by it."""

    def open(self, person: Person, table: Table, cursor: str | None) -> Stream:
        """It, from a cursor on; None: from now on."""
        after = "" if cursor is None else f"&after={cursor}"
        return person.events(f"table={table.pk}{after}")

    def heard(self, event: Event) -> Heard:
        """What an event asks for."""
        match event.name:
            case "stream.reset":
                return ALL
            case "schema.changed":
                return Heard(None, schema=True)
            case "rows.changed" | "cells.changed":
                return _named(event.data["rows"])
        return Heard()


class Hints:
    """The stream for pages."""

    def open(self, person: Person, table: Table, cursor: str | None) -> Stream:
        """It, from a cursor on; None: from now on."""
        return person.hints(table, **({} if cursor is None else {"last_event_id": cursor}))

    def heard(self, event: Event) -> Heard:
        """What an event asks for."""
        match event.name:
            case "stream-reset":
                return ALL
            case "schema-changed":
                return Heard(None, schema=True)
            case "rows-changed" | "run-changed" | "import-changed" | "approvals-changed":
                return _named(event.data["rows"])
        return Heard()


class Mirror:
    """What a client keeps of a table: the answers of the API for its rows and its columns."""

    def __init__(self, person: Person, api: httpx2.Client, table: Table, feed: Feed) -> None:
        self.rows: dict[int, Answer] = {}
        self.schema: Answer = {}
        self._person = person
        self._api = api
        self._table = table
        self._feed = feed
        self._cursor: str | None = None
        self._open()

    def hear(self) -> None:
        """Fetch what was told since the last time."""
        if self._stream.ended:
            self._open()
        come = self._stream.events[self._heard :]
        self._heard += len(come)
        self._fetch([self._feed.heard(event) for event in come])
        self._cursor = next((event.id for event in reversed(come) if event.id is not None), self._cursor)

    def cut(self, cursor: str | None = None) -> None:
        """Lose the connection with all that was not heard yet, and come back: with the last cursor, or with another."""
        self._stream.close()
        self._cursor = cursor or self._cursor
        self._open()

    def state(self) -> Answer:
        """All that it keeps, to be compared."""
        return {"schema": self.schema, "rows": self.rows}

    def _open(self) -> None:
        self._stream = self._feed.open(self._person, self._table, self._cursor)
        self._heard = 0
        self._stream.until(lambda: self._stream.events, "it is open")
        if self._cursor is None:  # nothing from before will be told
            self._fetch([ALL])

    def _fetch(self, heard: list[Heard]) -> None:
        if any(one.schema for one in heard):
            self.schema = schema_of(self._api, self._table)
        if any(one.rows is None for one in heard):
            self.rows = rows_of(self._api, self._table)
            return
        for row_id in frozenset[int]().union(*(one.rows or () for one in heard)):
            answer = self._api.get(f"/tables/{self._table.pk}/rows/{row_id}/")
            if answer.status_code == 404:
                self.rows.pop(row_id, None)
            else:
                self.rows[row_id] = answer.raise_for_status().json()


def rows_of(api: httpx2.Client, table: Table) -> dict[int, Answer]:
    """All rows of a table as the API has them now, by id."""
    found: dict[int, Answer] = {}
    query = f"limit={PAGE}"
    while query:
        page = api.get(f"/tables/{table.pk}/rows/?{query}").raise_for_status().json()
        found |= {row["id"]: row for row in page["results"]}
        query = f"limit={PAGE}&after={page['next_cursor']}" if page["next_cursor"] else ""
    return found


def schema_of(api: httpx2.Client, table: Table) -> Answer:
    """The table's name, switch and columns as the API has them now."""
    answer = api.get(f"/tables/{table.pk}/").raise_for_status().json()
    return {name: answer[name] for name in ("name", "auto_run", "columns", "groups")}


def fetched(api: httpx2.Client, table: Table) -> Answer:
    """What somebody gets who comes just now, to be compared with what a mirror keeps."""
    return {"schema": schema_of(api, table), "rows": rows_of(api, table)}


def _named(rows: list[int] | str) -> Heard:
    return Heard(None if rows == "many" else frozenset(int(row_id) for row_id in rows))
