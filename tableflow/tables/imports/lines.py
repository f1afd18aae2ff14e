"""The bytes of a file, in pieces, as lines of text. Bounded memory whatever a line's length."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

# A longer line is cut here; no record of this size is taken, so that nothing is half read.
MAX_LINE_CHARS = 12 * 1024 * 1024
# Stands in the text where bytes could not be decoded. It is no character, so JSON refuses it and the line is rejected.
UNDECODABLE = "\udc80"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return UNDECODABLE, error.end
    raise error


codecs.register_error("tableflow.mark", _mark)


class Pieces(io.RawIOBase):
    """Pieces of bytes as one binary file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Always: it is what it is for."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer with what is left of the current piece, else of the next; 0 at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        room = memoryview(buffer).cast("B")
        size = min(len(room), len(self._rest))
        room[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def lines(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    """The lines with their ends (LF, CR LF or CR); one longer than MAX_LINE_CHARS is cut to that many characters."""
    buffered = io.BufferedReader(Pieces(pieces), buffer_size=256 * 1024)
    text = io.TextIOWrapper(buffered, encoding=encoding, errors="tableflow.mark", newline="")
    for line in iter(partial(text.readline, MAX_LINE_CHARS), ""):
        if len(line) == MAX_LINE_CHARS and not line.endswith(("\n", "\r")):
            _skip_line(text)
        yield line


def _skip_line(text: io.TextIOWrapper) -> None:
    """Read on to the end of the current line, keeping nothing."""
    while True:
        piece = text.readline(1024 * 1024)
        if not piece or piece.endswith(("\n", "\r")):
            return
