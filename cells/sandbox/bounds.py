"""The bounds of operators, filters and text methods: each is told what the operation is about to be given, and raises
Unfit when the result would be too big to be built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from cells.sandbox.meter import require, require_bits, weigh
from cells.values import SIZE_LIMIT, Unfit

WIDTH_LIMIT = 1_000

_WIDE = re.compile(r"%[^a-zA-Z%]*?(\(|\*|\d{4,})")

Bound = Callable[..., None]


def _sum(left: Any, right: Any) -> None:
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        require(len(left) + len(right))


def _product(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        require_bits(left.bit_length() + right.bit_length())
        return
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int):
            require(weigh(sequence) * max(times, 0))


def _power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        require_bits(left.bit_length() * abs(right))


def _modulo(left: Any, right: Any) -> None:
    if isinstance(left, str):
        _percent(left, (right,))


def _percent(pattern: str, values: Any) -> None:
    """`%` formatting. Names in brackets are refused, because their widths cannot be found quickly."""
    if _WIDE.search(pattern):
        raise Unfit(f"A format may be {WIDTH_LIMIT} characters wide at most, and has no names in brackets.")
    require(len(pattern) + pattern.count("%") * (WIDTH_LIMIT + weigh(values)), SIZE_LIMIT * 16)


def _width(*places: int) -> Bound:
    """A bound on the arguments at these places, and on all named ones: widths and fillings up to WIDTH_LIMIT."""

    def check(_value: Any, *args: Any, **kwargs: Any) -> None:
        positional = [args[place] for place in places if place < len(args)]
        for argument in (*positional, *kwargs.values()):
            if isinstance(argument, int | float) and abs(argument) > WIDTH_LIMIT:
                raise Unfit(f"A width may be {WIDTH_LIMIT} at most.")
            if isinstance(argument, str) and len(argument) > WIDTH_LIMIT:
                raise Unfit(f"A filling may be {WIDTH_LIMIT} characters long at most.")

    return check


def _replace(value: Any, old: Any, new: Any, *_args: Any, **_kwargs: Any) -> None:
    found = str(value).count(str(old))
    require(len(str(value)) + found * len(str(new)))


def _join(values: Any, d: Any = "", attribute: Any = None) -> None:
    del attribute
    if isinstance(values, Sequence | Mapping | AbstractSet):
        require(len(str(d)) * len(values))


def _method_join(separator: Any, values: Any) -> None:
    _join(values, separator)


def _indent(value: Any, *args: Any, **kwargs: Any) -> None:
    _width(0)(value, *args, **kwargs)
    width = kwargs.get("width", args[0] if args else 4)
    require(len(str(value)) + str(value).count("\n") * (len(width) if isinstance(width, str) else int(width)))


def _total(_values: Any, attribute: Any = None, start: Any = 0) -> None:
    del attribute
    if not isinstance(start, int | float):
        raise Unfit("Only numbers can be summed.")  # Lists and texts would be copied once for each element.


def _format(pattern: Any, *args: Any, **kwargs: Any) -> None:
    _percent(str(pattern), (*args, *kwargs.values()))


OPERATORS: dict[str, Bound] = {"+": _sum, "*": _product, "**": _power, "%": _modulo}
_BOTH: dict[str, Bound] = {"center": _width(0), "replace": _replace}
METHODS: dict[str, Bound] = {**_BOTH, "join": _method_join, "ljust": _width(0), "rjust": _width(0), "zfill": _width(0)}
FILTERS: dict[str, Bound] = {
    **_BOTH,
    "batch": _width(0),
    "format": _format,
    "indent": _indent,
    "join": _join,
    "round": _width(0),
    "slice": _width(0),
    "sum": _total,
    "tojson": _width(0),
    "truncate": _width(2),
    "wordwrap": _width(2),
}
