"""What a request names: something, of the table, and not too much."""

from __future__ import annotations

from collections.abc import Sequence

from tableflow.errors import InvalidInput, Problem
from tableflow.tables.models import Row

MOST_ROWS = 10_000
MOST_PROBLEMS = 20


def check_some(attr: str, ids: Sequence[int]) -> None:
    """Raise InvalidInput when the field `attr` names nothing: an empty list is not everything, and hardly meant."""
    if not ids:
        raise InvalidInput.at(attr, f"Name at least one of the {attr}, or leave `{attr}` out for all of them.", "empty")


def check_rows(table_id: int, attr: str, ids: Sequence[int]) -> None:
    """Raise InvalidInput, naming the places in the field `attr`, unless these are ids of rows of the table."""
    known = rows_there(table_id, attr, ids)
    problems = [
        Problem(f"There is no row {row_id} in this table.", f"{attr}.{place}", "unknown_row")
        for place, row_id in enumerate(ids)
        if row_id not in known
    ]
    if problems:
        raise InvalidInput(problems[:MOST_PROBLEMS])


def rows_there(table_id: int, attr: str, ids: Sequence[int]) -> set[int]:
    """Those of the ids that are rows of the table. Raise InvalidInput, naming `attr`, when they are too many."""
    if len(ids) > MOST_ROWS:
        raise InvalidInput.at(attr, f"At most {MOST_ROWS} rows can be named; use a filter for more.", "too_many")
    return set(Row.objects.filter(table=table_id, pk__in=ids).values_list("pk", flat=True))
