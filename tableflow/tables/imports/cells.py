"""The cells of a worksheet's XML, row by row. What is to the right of all that an import takes is passed over."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from typing import Any

from tableflow.tables.imports import markup, serials
from tableflow.tables.imports.lines import MAX_LINE_CHARS
from tableflow.tables.imports.markup import Attributes
from tableflow.tables.imports.plan import MAX_FIELDS
from tableflow.tables.imports.serials import Look

Row = tuple[int, list[Any]]

MAX_ROWS = 1_048_576
EXACT_WHOLE = 10**15


class Cells(markup.Handler):
    """Hears a worksheet, and gathers the rows that have something in them."""

    def __init__(self, texts: Sequence[str], looks: Sequence[Look], *, since_1904: bool) -> None:
        self._texts = texts
        self._looks = looks
        self._since_1904 = since_1904
        self._rows: list[Row] = []
        self._line = 0
        self._row: list[Any] = []
        self._places: dict[str, int] = {}
        self._place = 0
        self._kind = "n"
        self._style = 0
        self._pieces: list[str] = []
        self._chars = 0
        self._is_text = False
        self._aloud = False

    def taken(self) -> Iterator[Row]:
        """The rows that have ended since the last time."""
        rows, self._rows = self._rows, []
        return iter(rows)

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins: a row, a cell, or the text of one."""
        if name in ("v", "t"):
            self._is_text = not self._aloud
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "row":
            self._begin_row(attributes.get("r"))
        elif name == "rPh":
            self._aloud = True

    def end(self, name: str) -> None:
        """An element has ended."""
        if name in ("v", "t"):
            self._is_text = False
        elif name == "c":
            self._end_cell()
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._aloud = False

    def text(self, text: str) -> None:
        """Some of a cell's text."""
        if self._is_text:
            self._count(text)
            self._pieces.append(text)

    def _count(self, text: str) -> None:
        """One more text of the row, which may not become too long."""
        self._chars += len(text)
        if self._chars > MAX_LINE_CHARS:
            raise markup.unreadable(f"row {self._line} is longer than {MAX_LINE_CHARS:,} characters.")

    def _begin_row(self, number: str | None) -> None:
        line = int(number) if number and number.isdecimal() and len(number) < 10 else self._line + 1
        if not self._line < line <= MAX_ROWS:
            raise markup.unreadable(f"a sheet has rows 1 to {MAX_ROWS:,} in their order, and this one has row {line}.")
        self._line = line
        self._place = 0
        self._chars = 0

    def _begin_cell(self, attributes: Attributes) -> None:
        reference = attributes.get("r")
        self._place = self._column(reference) if reference else self._place + 1
        self._kind = attributes.get("t", "n")
        style = attributes.get("s", "0")
        self._style = int(style) if style.isdecimal() and len(style) < 10 else 0

    def _column(self, reference: str) -> int:
        """The column of `AB12`, from 1."""
        letters = reference.rstrip("0123456789")
        if letters not in self._places:
            if not (0 < len(letters) <= 3 and letters.isascii() and letters.isalpha()):
                raise markup.unreadable(f"it has a cell at {reference[:20]!r}.")
            place = 0
            for letter in letters.upper():
                place = place * 26 + ord(letter) - 64
            self._places[letters] = place
        return self._places[letters]

    def _end_cell(self) -> None:
        pieces, self._pieces = self._pieces, []
        # One more than an import takes: so many are told from more.
        if not pieces or self._place > MAX_FIELDS + 1:
            return
        value = self._value("".join(pieces))
        if value is None:
            return
        self._row.extend([None] * (self._place - len(self._row)))
        self._row[self._place - 1] = value

    def _end_row(self) -> None:
        if self._row:
            self._rows.append((self._line, self._row))
            self._row = []

    def _value(self, text: str) -> Any:
        match self._kind:
            case "s":
                return self._shared(text)
            case "n":
                return self._number(text)
            case "b":
                return text.strip() in ("1", "true")
            case "d":
                return _moment(text.strip())
        text = markup.unescaped(text)
        return text if text and not text.isspace() else None

    def _shared(self, number: str) -> str | None:
        place = int(number) if number.isdecimal() and len(number) < 10 else len(self._texts)
        if place >= len(self._texts):
            raise markup.unreadable(f"row {self._line} names a text that is not there.")
        text = self._texts[place]
        self._count(text)
        return text if text and not text.isspace() else None

    def _number(self, text: str) -> Any:
        try:
            number = float(text)
        except ValueError:
            return text
        if self._style < len(self._looks) and self._looks[self._style] is not Look.NUMBER:
            shown = serials.value_of(number, self._looks[self._style], since_1904=self._since_1904)
            if shown is not number:
                return shown
        return int(number) if math.isfinite(number) and number.is_integer() and abs(number) < EXACT_WHOLE else number


def _moment(text: str) -> Any:
    try:
        return dt.datetime.fromisoformat(text) if "T" in text else dt.date.fromisoformat(text)
    except ValueError:
        return text or None
