"""What is made plain steers nothing, keeps what is to be read, and takes no longer for what is made to take long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableflow.plain import plain

LONG = 200_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\r\ntwo\tthree\n", "one\ntwo\tthree\n"),
        ("10 %\r20 %\x85\u2028", "10 % 20 %  "),
        ("\x1b]0;a title that never ends\nthe next line", "\nthe next line"),
        ("\x1b]0;cut off by\x1b[31mred", "red"),
        ("\x9d\x9d\x9dtitle\x07after", "after"),
        ("left \u202eright \ufeffé 日本 🏳️\u200d🌈", "left right é 日本 🏳️\u200d🌈"),
        ("half \ud800", "half \ufffd"),
    ],
)
def test_what_is_to_be_read_is_kept(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_the_caller_says_which_blanks_stay() -> None:
    assert plain("a\tb\nc", kept="") == "a b c"
    assert plain("a\tb\nc", kept="\t") == "a\tb c"


@given(st.text(alphabet=st.sampled_from("\x1b\x9d\x90\x9b\x9c\x07[]P\\;0m \n"), max_size=60))
def test_nothing_that_opens_a_sequence_is_left(text: str) -> None:
    assert not set("\x1b\x9d\x90\x9b\x9c\x07") & set(plain(text))
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize("opening", ["\x9d", "\x1b]", "\x1b", "\x1b[", "\x9b0", "\x1b ", "\x90\x1b"])
def test_openings_without_an_end_are_read_once(opening: str) -> None:
    before = time.process_time()
    plain(opening * LONG + "\x1b")
    assert time.process_time() - before < 5
