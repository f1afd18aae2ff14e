"""What a run was asked to do, in words; how far it is; and the beginnings of texts."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.progress import Counts
from tableflow.grid import outcomes, scopes
from tableflow.grid.values import clipped

PINNED = {
    "columns": [{"key": "n", "name": "Number"}, {"key": "ok", "name": "OK"}],
    "groups": [{"id": 7, "name": "Fetch"}],
}


def condition(field: str, op: str, value: Any = None) -> dict[str, Any]:
    """One condition of a filter."""
    return {"field": field, "op": op, "value": value}


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ({}, "All rows"),
        ({"rows": None, "exclude_rows": [1]}, "All rows, but for 1 row"),
        ({"rows": [3]}, "1 named row"),
        ({"rows": [*range(2000)], "exclude_rows": [1, 2]}, "2,000 named rows, but for 2 rows"),
        ({"ranges": [[1, 9]]}, "Rows that an import brought"),
    ],
)
def test_a_scope_says_which_rows_it_covers(scope: dict[str, Any], said: str) -> None:
    assert scopes.rows(scope) == said


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (condition("n", "gt", 3), "Number is above 3"),
        (condition("n", "eq"), "Number is empty"),
        (condition("n", "is_not_empty"), "Number is not empty"),
        (condition("ok", "eq", True), "OK is ticked"),
        (condition("gone", "contains", "a\x1b[31mb\u202e"), "gone contains “ab”"),
        (condition("*", "ncontains", "x"), "any column does not contain “x”"),
        (condition("@7", "eq", "error"), "the state of Fetch is “error”"),
        (condition("@7.error", "eq", "x" * 500), f"the error of Fetch is “{'x' * 120}…”"),
        (condition("n", "in", [1, 2, 3, 4, 5, 6, 7]), "Number is one of 1, 2, 3, 4, 5 and 2 more"),
        (condition("n", "eq", {"a": 1}), "Number is “{'a': 1}”"),
        ({"any": [{"all": [condition("n", "lt", 1)]}]}, "Number is below 1"),
        (
            {"all": [condition("n", "lte", 1), {"any": [condition("n", "ne", 0), condition("n", "is_empty")]}]},
            "Number is at most 1 and (Number is not 0 or Number is empty)",
        ),
    ],
)
def test_a_filter_is_said_by_the_names_it_was_given_by(node: dict[str, Any], said: str) -> None:
    assert scopes.rows({"rows": None, "filter": node, "schema": PINNED}) == f"Rows where {said}"


def test_limits_and_caps_say_where_a_run_ends() -> None:
    assert scopes.ends(None, {}) == []
    caps = {"rows": 1000, "errors": 1, "error_share": 0.25, "minutes": 90.5}
    assert scopes.ends(10, caps) == [
        "Completes after 10 rows",
        "Pauses after 1,000 rows",
        "Pauses at 1 failed cell",
        "Pauses when 25% of the cells fail",
        "Pauses after 90.5 minutes",
    ]


def counts(total: int | None, *, completed: int = 0, error: int = 0, skipped: int = 0, in_flight: int = 0) -> Counts:
    """The counts of a run."""
    return Counts(
        total, completed, error, 0, skipped, 0, in_flight, completed + error + skipped, rate=None, eta_seconds=None
    )


def test_the_bar_shows_one_failed_cell_in_a_million_and_never_leaves_its_length() -> None:
    bar = outcomes.bar(counts(1_000_000, completed=999_999, error=1))
    assert [(part.kind, part.start, part.width) for part in bar.parts] == [("completed", 0, 996), ("error", 996, 4)]
    bar = outcomes.bar(counts(1000, completed=300, error=1, in_flight=20))
    assert [(part.kind, part.start, part.width) for part in bar.parts] == [
        ("completed", 0, 300),
        ("error", 300, 4),
        ("running", 304, 20),
    ]
    assert (bar.ended, bar.whole) == ("301", "1,000")


def test_a_run_whose_cells_are_not_counted_yet_has_no_bar() -> None:
    assert outcomes.bar(counts(None, completed=3)) == outcomes.Bar((), "3", "")


@pytest.mark.parametrize(
    ("rate", "eta", "said"),
    [
        (None, None, ""),
        (0.0, None, ""),
        (0.05, None, "3 cells/min"),
        (2.44, 90.0, "2.4 cells/s · about 2 min left"),
        (1234.5, None, "1,234 cells/s"),
    ],
)
def test_a_rate_is_told_as_people_count(rate: float | None, eta: float | None, said: str) -> None:
    assert outcomes.pace(Counts(9, 1, 0, 0, 0, 0, 0, 1, rate=rate, eta_seconds=eta)) == said


def test_a_long_text_is_clipped_by_its_lines_and_its_characters() -> None:
    assert clipped("short\nand so on") == "short\nand so on"
    assert clipped("x" * 301) == f"{'x' * 300}…"
    assert clipped("1\n2\n3\n4") == "1\n2\n3…"
