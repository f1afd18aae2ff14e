"""Numbered pages over a list whose length is known."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

MOST_DIGITS = 12


@dataclass(frozen=True)
class Paging:
    """One page: its `number` (from 1), and how many things (`count`) there are in pages of `size`."""

    number: int
    size: int
    count: int

    @property
    def last(self) -> int:
        """The number of the last page: 1 when there is nothing."""
        return max(1, ceil(self.count / self.size))

    @property
    def offset(self) -> int:
        """How many things lie before this page."""
        return (self.number - 1) * self.size

    @property
    def previous(self) -> int:
        """The number of the page before."""
        return self.number - 1

    @property
    def next(self) -> int:
        """The number of the page after."""
        return self.number + 1


def paging(wanted: str, *, size: int, count: int) -> Paging:
    """The page that was asked for in an address; the nearest one there is, when it does not exist or is no number."""
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= MOST_DIGITS else 1
    return Paging(min(max(number, 1), Paging(1, size, count).last), size, count)
