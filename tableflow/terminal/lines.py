"""Lines out of the pieces in which a stream arrives, of a size that is bounded."""

from __future__ import annotations

MOST_BYTES = 1_000_000


class TooLong(Exception):
    """A line is longer than what is taken."""


class Splitter:
    """Gathers pieces and gives the lines that are complete, without their ends."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._pieces: list[bytes] = []
        self._length = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that this piece completes. TooLong when one is, or becomes, longer than what is taken."""
        *ends, rest = piece.split(b"\n")
        lines = [self._completed(end) for end in ends]
        self._hold(rest)
        return lines

    @property
    def rest(self) -> bytes:
        """What came after the last end of a line."""
        return b"".join(self._pieces)

    def _completed(self, end: bytes) -> bytes:
        self._hold(end)
        line = self.rest
        self._pieces, self._length = [], 0
        return line

    def _hold(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > self._most_bytes:
            raise TooLong(f"The server sent a line of more than {self._most_bytes:,} bytes.")
        if piece:
            self._pieces.append(piece)
