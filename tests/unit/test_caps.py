"""Caps: what may be one, and when one is reached."""

from __future__ import annotations

import pytest

from dispatch.caps import LEAST_ENDED, Standing, check, judge
from tableflow.errors import InvalidInput


def reached(caps: dict[str, float], *, ended: int = 0, errors: int = 0, minutes: float = 0.0) -> str | None:
    found = judge(caps, Standing(ended, errors, minutes))
    return found.name if found is not None else None


def test_without_caps_nothing_is_reached() -> None:
    assert reached({}, ended=10**9, errors=10**9, minutes=10**9) is None
    assert reached({"rows": 1}, ended=100, errors=100, minutes=100) is None


def test_a_number_of_errors_is_reached_by_that_many() -> None:
    assert reached({"errors": 3}, ended=100, errors=2) is None
    assert reached({"errors": 3}, ended=3, errors=3) == "errors"
    assert reached({"errors": 3}, ended=3, errors=30) == "errors"


@pytest.mark.parametrize(
    ("ended", "errors", "name"),
    [
        (LEAST_ENDED - 1, LEAST_ENDED - 1, None),
        (LEAST_ENDED, LEAST_ENDED // 2 - 1, None),
        (LEAST_ENDED, LEAST_ENDED // 2, "error_share"),
        (1000, 499, None),
        (1000, 500, "error_share"),
    ],
)
def test_a_share_of_errors_is_judged_once_enough_cells_have_ended(ended: int, errors: int, name: str | None) -> None:
    assert reached({"error_share": 0.5}, ended=ended, errors=errors) == name


def test_a_share_of_one_is_reached_when_every_cell_failed() -> None:
    assert reached({"error_share": 1}, ended=50, errors=49) is None
    assert reached({"error_share": 1}, ended=50, errors=50) == "error_share"


def test_minutes_are_reached_by_the_time_of_dispatching() -> None:
    assert reached({"minutes": 0.5}, minutes=0.49) is None
    assert reached({"minutes": 0.5}, minutes=0.5) == "minutes"


def test_it_is_said_which_cap_and_how_far() -> None:
    found = judge({"errors": 1000}, Standing(5000, 1234, 2))
    assert found is not None
    assert found.said == "1,234 cells failed; the cap is 1,000."


def test_caps_that_are_null_are_no_caps() -> None:
    assert check({"rows": None, "errors": 2, "minutes": 0.25}) == {"errors": 2, "minutes": 0.25}


@pytest.mark.parametrize(
    ("caps", "attrs"),
    [
        ({"rows": 0}, ["caps.rows"]),
        ({"rows": 1.0}, ["caps.rows"]),
        ({"errors": True}, ["caps.errors"]),
        ({"error_share": 1.5}, ["caps.error_share"]),
        ({"error_share": float("nan")}, ["caps.error_share"]),
        ({"minutes": "5"}, ["caps.minutes"]),
        ({"minutes": float("inf")}, ["caps.minutes"]),
        ({"seconds": 5}, ["caps.seconds"]),
        ({"rows": 0, "errors": 1, "minutes": -1}, ["caps.rows", "caps.minutes"]),
    ],
)
def test_what_cannot_be_a_cap_is_named(caps: dict[str, object], attrs: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(caps)
    assert [problem.attr for problem in caught.value.problems] == attrs
