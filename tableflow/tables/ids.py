"""The ids of rows by which somebody names them: whole numbers, of rows that are in the table, and not too many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from tableflow.errors import InvalidInput, Problem
from tableflow.tables import values

MOST = 10_000
"""So many rows are named in one request at the most."""

Named = Iterable[tuple[Any, str]]
"""Ids as they came, each with the name of its place for messages."""


def listed(ids: Any, attr: str = "rows") -> list[int]:
    """The ids as they came. InvalidInput, by their places in `attr`, unless they are a list of whole numbers."""
    if not isinstance(ids, list | tuple):
        raise InvalidInput.at(attr, "Give a list of row ids.")
    if len(ids) > MOST:
        raise InvalidInput.at(attr, f"At most {MOST} rows can be named; use a filter for more.", "too_many")
    check(placed(ids, attr))
    return list(ids)


def placed(ids: Sequence[Any], attr: str = "rows") -> Named:
    """The ids with the names of their places in the list `attr`."""
    return ((row_id, f"{attr}.{index}") for index, row_id in enumerate(ids))


def check(named: Named) -> None:
    """InvalidInput naming those that can be no row's id."""
    _refuse(
        Problem("A row's id is a whole number.", attr)
        for row_id, attr in named
        if isinstance(row_id, bool) or not isinstance(row_id, int) or not 0 < row_id < 2**63
    )


def refuse_unknown(named: Named, found: Collection[Any]) -> None:
    """InvalidInput naming those that were not found."""
    _refuse(
        Problem(f"There is no row {row_id} in this table.", attr, "unknown_row")
        for row_id, attr in named
        if row_id not in found
    )


def _refuse(problems: Iterable[Problem]) -> None:
    if wrong := list(problems):
        raise InvalidInput(wrong[: values.MAX_PROBLEMS])
