"""Positions: always room between two rows, always in order."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableflow.errors import Conflict
from tableflow.tables import positions

POSITIONS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=12)


def rising(values: list[Decimal]) -> bool:
    return all(a < b for a, b in pairwise(values))


@given(POSITIONS, POSITIONS, st.integers(0, 200))
def test_positions_lie_strictly_between_their_neighbours_and_rise(a: Decimal, b: Decimal, count: int) -> None:
    left, right = sorted((a, b))
    if left == right:
        right += 1
    found = positions.between(left, right, count)
    assert len(found) == count
    assert rising([left, *found, right])


@given(st.none() | POSITIONS, st.integers(1, 50))
def test_appended_positions_are_whole_numbers_after_the_last(left: Decimal | None, count: int) -> None:
    found = positions.between(left, None, count)
    assert len(found) == count
    assert rising(found)
    assert left is None or left < found[0] <= left + 1
    assert all(position == int(position) for position in found)


@given(POSITIONS, st.integers(1, 50))
def test_positions_before_the_first_are_whole_numbers_below_it(right: Decimal, count: int) -> None:
    found = positions.between(None, right, count)
    assert rising([*found, right])
    assert len(found) == count


def test_an_empty_table_starts_at_one() -> None:
    assert positions.between(None, None, 3) == [1, 2, 3]


def test_positions_are_short() -> None:
    assert positions.between(Decimal(1), Decimal(2), 1) == [Decimal("1.5")]
    assert positions.between(Decimal(1), Decimal(2), 9) == [Decimal(10 + n) / 10 for n in range(1, 10)]
    assert positions.between(Decimal(1), Decimal(10), 1) == [Decimal(5)]
    assert positions.between(Decimal("1.5"), Decimal(2), 1) == [Decimal("1.7")]


@pytest.mark.parametrize("side", ["left", "right", "in turn"])
def test_two_thousand_inserts_into_one_gap_stay_in_order_and_bounded(side: str) -> None:
    left, right = Decimal(1), Decimal(2)
    for turn in range(2000):
        (new,) = positions.between(left, right, 1)
        assert left < new < right
        if side == "left" or (side == "in turn" and turn % 2):
            left = new
        else:
            right = new
    assert -left.as_tuple().exponent < 1100  # type: ignore[operator]
    assert -right.as_tuple().exponent < 1100  # type: ignore[operator]


def test_a_gap_without_room_is_said_clearly() -> None:
    left = Decimal(1)
    right = Decimal("1." + "0" * 3999 + "1")
    with pytest.raises(Conflict, match="another place"):
        positions.between(left, right, 1)


def test_neighbours_in_the_wrong_order_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="not after"):
        positions.between(Decimal(2), Decimal(2), 1)
