"""Where rows stand: decimals, so that there is always room between two of them. Pure."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

from tableflow.errors import Conflict

# An index entry of PostgreSQL holds about 2,700 bytes, which is some 5,000 digits.
MAX_DECIMALS = 4000
_EXACT = Context(prec=2 * MAX_DECIMALS)


def between(left: Decimal | None, right: Decimal | None, count: int) -> list[Decimal]:
    """`count` positions, strictly rising, strictly between left and right, with as few decimals as there is room for.

    None means no row on that side: whole numbers follow the left one, or come before the right one. Conflict when
    so many rows were put into this one gap (some 13,000, one at a time) that no position is left in it.
    """
    if right is None:
        first = int(left.to_integral_value(ROUND_FLOOR, _EXACT)) + 1 if left is not None else 1
        return [Decimal(first + index) for index in range(count)]
    if left is None:
        end = int(right.to_integral_value(ROUND_CEILING, _EXACT))
        return [Decimal(end - count + index) for index in range(count)]
    if left >= right:
        raise ValueError("There is nothing between a position and one that is not after it.")
    return _inside(left, right, count) if count else []


def _inside(left: Decimal, right: Decimal, count: int) -> list[Decimal]:
    """An even spread over the coarsest decimal grid with room for all of them between the two."""
    gap = _EXACT.subtract(right, left)
    decimals = max(0, -gap.adjusted() - 1)
    while True:
        if decimals > MAX_DECIMALS:
            raise Conflict("Too many rows were put into this one place. Insert at another place.", "no_position_left")
        low = _floor(left, decimals)
        room = -_floor(_EXACT.minus(right), decimals) - low - 1
        if room >= count:
            break
        decimals += 1
    steps = (low + index * (room + 1) // (count + 1) for index in range(1, count + 1))
    return [_EXACT.scaleb(Decimal(step), -decimals) for step in steps]


def _floor(position: Decimal, decimals: int) -> int:
    return int(_EXACT.scaleb(position, decimals).to_integral_value(ROUND_FLOOR, _EXACT))
