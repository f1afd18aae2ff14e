"""Records of csv and tsv: quoted fields with delimiters and line ends in them, and bad lines that stay alone.

A quote that is never closed would swallow every line after it. Here it costs its own line: the reader goes back to
the line after it and reads on. The price of going back is bounded (MAX_REREAD_CHARS).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from tableflow.errors import InvalidInput
from tableflow.tables import types
from tableflow.tables.imports.lines import MAX_LINE_CHARS
from tableflow.tables.imports.rejected import Rejected

BLOCK_CHARS = 256 * 1024
MAX_FIELD_CHARS = types.MAX_VALUE_BYTES + 1
MAX_REREAD_CHARS = 2 * 1024 * 1024 * 1024

# The limit is the process's own: a field may be as long as the longest line, and is then judged (convert.py).
csv.field_size_limit(MAX_LINE_CHARS + 1)


class _Feed:
    """Lines for one csv reader; remembers those of the record under way, so that they can be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: list[str] = []
        self.record: list[str] = []
        self.chars = 0
        self.line = 0
        self.too_long = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.chars >= MAX_LINE_CHARS:
            self.too_long = True
            raise StopIteration
        line = self._again.pop() if self._again else next(self._lines)
        self.record.append(line)
        self.chars += len(line)
        return line

    def block(self) -> list[str]:
        """The next lines, some BLOCK_CHARS of them; none at the end."""
        block: list[str] = []
        chars = 0
        for line in self._lines:
            block.append(line)
            chars += len(line)
            if chars >= BLOCK_CHARS:
                break
        return block

    def start(self) -> int:
        """Forget the lines of the last record; the number of the next one's first line."""
        self.line += len(self.record)
        self.record.clear()
        self.chars = 0
        self.too_long = False
        return self.line + 1

    def put_back(self, lines: list[str]) -> None:
        """Read these lines again before all others."""
        self._again.extend(reversed(lines))

    @property
    def has_put_back(self) -> bool:
        """Whether lines that were put back are still to come."""
        return bool(self._again)

    def go_back(self) -> int:
        """Keep only the first line of the record as read; the others come again. How many characters they have."""
        rest = self.record[1:]
        self.put_back(rest)
        del self.record[1:]
        return sum(map(len, rest))


def records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]] | Rejected]:
    """Each record as (number of its first line, fields), or Rejected. Blank lines are left out.

    Fields are cut to MAX_FIELD_CHARS, which is more than a cell may have. InvalidInput when unclosed quotes make
    too much be read again.
    """
    feed = _Feed(iter(lines))
    careful = _Careful(feed, delimiter)
    while block := feed.block():
        quick = _one_record_a_line(block, delimiter)
        if quick is None:
            feed.put_back(block)
            yield from careful.records()
            continue
        for line, fields in enumerate(quick, feed.line + 1):
            if _is_filled(fields):
                yield line, fields
        feed.line += len(block)


def _one_record_a_line(block: list[str], delimiter: str) -> list[list[str]] | None:
    """The records of lines that are one record each, as nearly all are; None when some are not."""
    if len(block[-1]) > MAX_FIELD_CHARS:
        return None
    try:
        found = list(csv.reader(block, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found if len(found) == len(block) else None


def _is_filled(fields: list[str]) -> bool:
    return len(fields) > 1 or (bool(fields) and not fields[0].isspace())


class _Careful:
    """Reads record by record: for lines with quoted line ends, and for bad ones."""

    def __init__(self, feed: _Feed, delimiter: str) -> None:
        self._feed = feed
        self._delimiter = delimiter
        self._reread = 0

    def records(self) -> Iterator[tuple[int, list[str]] | Rejected]:
        """The records that begin in the lines that were put back."""
        reader = self._reader()
        while True:
            line = self._feed.start()
            if not self._feed.has_put_back:
                return
            try:
                fields = next(reader)
            except StopIteration:
                problem = _too_long_or_unclosed(self._feed)
            except csv.Error as error:
                problem = _explain(error, self._feed)
            else:
                if self._feed.chars >= MAX_LINE_CHARS:
                    yield Rejected(line, f"The record is longer than {MAX_LINE_CHARS:,} characters.")
                elif _is_filled(fields):
                    # A field that is too long is refused later, for which its beginning is enough.
                    yield line, [field[:MAX_FIELD_CHARS] for field in fields]
                continue
            self._go_back(line)
            yield Rejected(line, problem, record="".join(self._feed.record))
            reader = self._reader()

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._feed, delimiter=self._delimiter, strict=True)

    def _go_back(self, line: int) -> None:
        self._reread += self._feed.go_back()
        if self._reread > MAX_REREAD_CHARS:
            raise InvalidInput.at("file", f"Too many quotes are opened and never closed, the last on line {line}.")


def _too_long_or_unclosed(feed: _Feed) -> str:
    if len(feed.record) == 1 and feed.too_long:
        return f"The line is longer than {MAX_LINE_CHARS:,} characters."
    return "A quote is opened on this line and never closed."


def _explain(error: csv.Error, feed: _Feed) -> str:
    text = str(error)
    if "expected after" in text and len(feed.record) > 1:
        return "A quote is opened on this line, and where a later line closes it other text follows."
    if "expected after" in text:
        return "A quoted field goes on after its closing quote; write a quote inside a field twice."
    if "field larger than" in text:
        return f"A field is longer than {MAX_LINE_CHARS:,} characters."
    return _too_long_or_unclosed(feed)
