"""The SQL that the ORM cannot say: one file a statement in `<app>/sql/`, loaded by name and run prepared.

`{name}` in a statement stands for the text of another file, for what several statements say alike.

It runs on Django's own connection, so inside Django's transactions. It goes around Django's cursor because that
one binds on the client and never prepares, and planning costs the hot statements as much as running them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection
from psycopg.rows import namedtuple_row

_PART = re.compile(r"\{(\w+)\}")


class Statements:
    """The statements of one app: `Statements(Path(__file__).parent / "sql")("claim", {...})`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.text = cache(self._load)

    def __call__(self, name: str, params: Mapping[str, Any]) -> list[Any]:
        """Run the statement with named parameters; gives its rows as named tuples (none for a plain write).

        A jsonb column comes as text: Django's connection leaves the decoding to its reader.
        """
        connection.ensure_connection()
        # Django's wrapper turns the driver's errors into Django's, as its own cursor does.
        with (
            connection.wrap_database_errors,
            psycopg.Cursor(connection.connection, row_factory=namedtuple_row) as cursor,
        ):
            cursor.execute(self.text(name).encode(), params, prepare=True)
            return cursor.fetchall() if cursor.description else []

    def _load(self, name: str) -> str:
        text = (self._folder / f"{name}.sql").read_text()
        return _PART.sub(lambda part: self._load(part[1]), text)
