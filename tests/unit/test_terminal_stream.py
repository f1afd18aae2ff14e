"""The small parts of a live connection: lines out of pieces, and the time between two tries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableflow.terminal.backoff import Backoff
from tableflow.terminal.lines import Splitter, TooLong


@given(st.lists(st.binary(max_size=20), max_size=20), st.data())
def test_lines_are_the_same_however_they_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"\n".join(part.replace(b"\n", b"") for part in parts) + b"\n"
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)))))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    splitter = Splitter()

    assert [line for piece in pieces for line in splitter.feed(piece)] == whole.split(b"\n")[:-1]
    assert splitter.rest == b""


def test_a_line_that_has_not_ended_waits() -> None:
    splitter = Splitter()

    assert splitter.feed(b'{"type":') == []
    assert splitter.rest == b'{"type":'
    assert splitter.feed(b' "a"}\n{') == [b'{"type": "a"}']
    assert splitter.rest == b"{"


def test_a_line_may_be_as_long_as_is_taken_and_no_longer() -> None:
    splitter = Splitter(most_bytes=4)
    assert splitter.feed(b"1234\n12") == [b"1234"]
    assert splitter.feed(b"34") == []
    with pytest.raises(TooLong, match="4 bytes"):
        splitter.feed(b"5")

    with pytest.raises(TooLong):
        Splitter(most_bytes=4).feed(b"12345\n")


def test_the_time_between_tries_doubles_up_to_half_a_minute() -> None:
    backoff = Backoff(chance=lambda: 1.0)

    assert [backoff.next() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]

    backoff.reset()
    assert [backoff.next() for _ in range(2)] == [1, 2]


def test_the_time_between_tries_is_any_part_of_its_bound() -> None:
    chances = iter([0.0, 0.5, 0.25])
    backoff = Backoff(chance=lambda: next(chances))

    assert [backoff.next() for _ in range(3)] == [0, 1, 1]
