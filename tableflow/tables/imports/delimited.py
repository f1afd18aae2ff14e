"""Records of csv and tsv: quoted fields with delimiters and line ends in them, and bad lines that stay alone.

A quote that is never closed would swallow every line after it. Here it costs its own line: the reader goes back to
the line after it and reads on. The price of going back is bounded (MAX_REREAD_CHARS).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from tableflow.errors import InvalidInput
from tableflow.tables.imports.lines import MAX_LINE_CHARS
from tableflow.tables.imports.rejected import Rejected

MAX_REREAD_CHARS = 2 * 1024 * 1024 * 1024

# The limit is the process's own: fields up to the longest line are read whole, then judged (convert.py).
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

    def start(self) -> int:
        """Forget the lines of the last record; the number of the next one's first line."""
        self.line += len(self.record)
        self.record.clear()
        self.chars = 0
        self.too_long = False
        return self.line + 1

    def go_back(self) -> None:
        """Keep only the first line of the record as read; the others come again."""
        self._again.extend(reversed(self.record[1:]))
        del self.record[1:]


def records(lines: Iterable[str], delimiter: str) -> Iterator[tuple[int, list[str]] | Rejected]:
    """Each record as (number of its first line, fields), or Rejected. Blank lines are left out.

    Fields may be up to MAX_LINE_CHARS long. InvalidInput when unclosed quotes make too much be read again.
    """
    feed = _Feed(iter(lines))
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    reread = 0
    while True:
        line = feed.start()
        try:
            fields = next(reader)
        except StopIteration:
            if not feed.record:
                return
            problem = _too_long_or_unclosed(feed)
        except csv.Error as error:
            problem = _explain(error, feed)
        else:
            if feed.chars >= MAX_LINE_CHARS:
                yield Rejected(line, f"The record is longer than {MAX_LINE_CHARS:,} characters.")
            elif fields and not (len(fields) == 1 and fields[0].isspace()):
                yield line, fields
            continue
        reread += feed.chars - len(feed.record[0])
        if reread > MAX_REREAD_CHARS:
            raise InvalidInput.at("file", f"Too many quotes are opened and never closed, the last on line {line}.")
        feed.go_back()
        yield Rejected(line, problem)
        reader = csv.reader(feed, delimiter=delimiter, strict=True)


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
