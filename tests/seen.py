"""What a grid shows, read out of the page, beside what the server has: frame rates do not tell of stale cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection
from playwright.sync_api import Page

from tableflow.tables.models import Row, Table
from tests.factories import TableFactory

Texts = Mapping[int, Mapping[int, str]]
"""Of rows by their number, from 1: the texts of cells by the place of their column, from 0."""

_SHOWN = """grid => {
  const heads = grid.querySelectorAll('[role=row]:has([role=columnheader])').length;
  const rows = [...grid.querySelectorAll('[role=row]:has([role=gridcell])')].filter(row => row.checkVisibility());
  return rows.map(row => [row.ariaRowIndex - heads, [...row.querySelectorAll('[role=gridcell]')]
    .map(cell => [cell.ariaColIndex - 2, cell.textContent])]);
}"""


def texts(owner: AbstractBaseUser, rows: int, columns: int) -> Table:
    """A table of this user's of text columns `c0`, `c1`, …, in whose cells stands where they are, by one statement."""
    keys = {f"c{number}": "text" for number in range(columns)}
    table = TableFactory.create(name="Texts", owner=owner, columns=keys, row_count=rows)
    pairs = ", ".join(f"'c{number}', 'r' || i || ' c{number}'" for number in range(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tables_row (table_id, position, data, done, created_at, updated_at)"
            f" SELECT %s, i, jsonb_build_object({pairs}), 0, now(), now() FROM generate_series(1, %s) AS i",
            [table.pk, rows],
        )
        cursor.execute("ANALYZE tables_row")
    return table


def shown(page: Page) -> Texts:
    """The rows and cells that exist in the page now."""
    found: Any = page.get_by_role("grid").evaluate(_SHOWN)
    return {number: dict(cells) for number, cells in found}


def is_true(page: Page, table: Table) -> bool:
    """Whether the page shows rows, and each of their cells has the server's text."""
    seen = shown(page)
    if not seen:
        return False
    first, last = min(seen), max(seen)
    rows = Row.objects.filter(table=table).order_by("position").values_list("data", flat=True)
    stored = dict(enumerate(rows[first - 1 : last], start=first))
    return all(
        text == stored[number].get(f"c{column}", "") for number, cells in seen.items() for column, text in cells.items()
    )
