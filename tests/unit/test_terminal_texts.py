"""What came over the wire is fit for a terminal: nothing in it steers one, and times and shares are said in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cells.models import Approval, Status, Worker
from dispatch.models import DispatchStatus
from tableflow.terminal import states, texts
from tableflow.terminal.states import Live, Polling, Reconnecting, Stopped

STEERING = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x9b31mred", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;c2VjcmV0\x07", ""),
        ("\x1bP1$r0m\x1b\\after", "after"),
        ("\x1b]0;never ended", ""),
        ("\x1b(Bletters", "letters"),
        ("\x1bcreset", "reset"),
        ("end\x1b", "end"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("left \u202eright", "left right"),
        ("\u2066isolated\u2069 \u200fmark", "isolated mark"),
        ("one\ntwo\r\nthree\ttab", "one two three tab"),
        ("a\u2028b\x85c", "a b c"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("soft\u00adhyphen \ufefffirst", "softhyphen first"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("日本 é", "日本 é"),
    ],
)
def test_nothing_that_steers_a_terminal_is_left(text: str, cleaned: str) -> None:
    assert texts.clean(text) == cleaned


def test_lines_stay_where_they_are_wanted() -> None:
    assert texts.clean("one\r\ntwo\n\tthree\rfour\x1b[K", lines=True) == "one\ntwo\n three four"


@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_no_text_steers_a_terminal(text: str) -> None:
    assert not STEERING & set(texts.clean(text))
    assert not STEERING - {"\n"} & set(texts.clean(text, lines=True))
    assert texts.clean(texts.clean(text)) == texts.clean(text)
    texts.clean(text).encode()


@pytest.mark.parametrize(
    ("text", "width", "clipped"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("word next", 6, "word…"),
        ("\x1b[31mred\x1b[0m", 3, "red"),
        ("anything", 1, "…"),
        ("anything", 0, ""),
        ("x" * 1_000_000, 4, "xxx…"),
        ("", 0, ""),
    ],
)
def test_a_text_is_clipped_to_the_cells_of_the_terminal(text: str, width: int, clipped: str) -> None:
    assert texts.clip(text, width) == clipped


@given(st.text(max_size=300), st.integers(0, 40))
def test_a_clipped_text_is_never_wider(text: str, width: int) -> None:
    assert cell_len(texts.clip(text, width)) <= width


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        ("", ""),
        ("a\nb\x1b", "a\nb\x1b"),
        (True, "true"),
        (1.5, "1.5"),
        (["é", 1], '["é", 1]'),
        ({"a": "\x1b[31m"}, '{"a": "\\u001b[31m"}'),
    ],
)
def test_a_value_is_written_as_it_is_or_as_json(value: Any, said: str) -> None:
    assert texts.value(value) == said


def test_a_value_is_written_in_lines() -> None:
    assert texts.value({"a": [1]}, lines=True) == '{\n  "a": [\n    1\n  ]\n}'


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (-3, "now"), (0, "now"), (1, "1 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"),
     (3600, "1 h"), (86399, "23 h"), (86400 * 400, "400 d")],
)  # fmt: skip
def test_an_age_is_a_number_and_its_unit(seconds: float | None, said: str) -> None:
    assert texts.age(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (-1, "0.0 s"), (0.44, "0.4 s"), (9.97, "10 s"), (12.4, "12 s"), (59.6, "1 min"), (200, "3 min 20 s"),
     (3600, "1 h"), (7500, "2 h 5 min"), (86400, "1 d"), (86400 * 3 + 4 * 3600, "3 d 4 h")],
)  # fmt: skip
def test_a_duration_has_its_two_largest_units(seconds: float | None, said: str) -> None:
    assert texts.duration(seconds) == said


def test_a_moment_of_the_api_is_so_many_seconds_ago() -> None:
    now = datetime(2026, 11, 21, 15, 0, 30, tzinfo=UTC)

    assert texts.since("2026-11-21T15:00:00.500000Z", now) == 29.5
    assert texts.since("2026-11-21T16:00:00+01:00", now) == 30
    assert texts.since(None, now) is None
    assert texts.since("yesterday", now) is None
    assert texts.since("2026-11-21T15:00:00", now) is None


@pytest.mark.parametrize(
    ("done", "total", "said"),
    [
        (0, 10, "░░░░░░░░░░   0 %"),
        (1, 1000, "█░░░░░░░░░   0 %"),
        (5, 10, "█████░░░░░  50 %"),
        (999, 1000, "█████████░  99 %"),
        (10, 10, "██████████ 100 %"),
        (11, 10, "██████████ 100 %"),
        (0, 0, "██████████ 100 %"),
        (1234, None, "1,234"),
    ],
)
def test_a_bar_is_full_at_the_end_alone(done: int, total: int | None, said: str) -> None:
    assert texts.bar(done, total, 10) == said


@pytest.mark.parametrize(
    "kinds", [Status.values, DispatchStatus.values, Worker.Status.values, Approval.Status.values], ids=str
)
def test_states_are_told_apart_without_colour(kinds: list[str]) -> None:
    marks = [texts.mark(status) for status in kinds if status not in ("expired", "withdrawn")]

    assert len(set(marks)) == len(marks)
    assert all(cell_len(mark) == 1 and mark.strip() for mark in marks)


def test_a_state_that_is_not_known_has_a_blank() -> None:
    assert texts.mark("something new") == " "


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (Live(), "live"),
        (Polling(), "polling"),
        (Polling("No answer."), "polling (No answer)"),
        (Reconnecting(until=106.2, cause="No answer."), "reconnecting in 7 s (No answer)"),
        (Reconnecting(until=99, cause="No answer."), "reconnecting in 0 s (No answer)"),
        (Stopped("Invalid token."), "stopped: Invalid token."),
    ],
)
def test_the_connection_is_said_in_words(state: states.State, said: str) -> None:
    assert states.said(state, now=100) == said
