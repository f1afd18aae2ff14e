"""Lists of the terminal: how columns share the room, how filters stack, how the form of a question is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableflow.terminal import figures, forms, texts
from tableflow.terminal.faces import face
from tableflow.terminal.filters import Filter, Stack, parse
from tableflow.terminal.printed import table
from tableflow.terminal.screens.run import _looked_at
from tableflow.terminal.screens.worker import numbered
from tableflow.terminal.states import Live, Polling, Reconnecting, Stopped
from tableflow.terminal.widgets import status
from tableflow.terminal.widgets.columns import GAP, Cell, Choice, Column, fit


def column(key: str, **options: Any) -> Column:
    return Column(key, key, lambda record: Cell(str(record.get(key, ""))), **options)


STATE, NAME, NOTE, WHO = (
    column("state"),
    column("name", flex=True),
    column("note", flex=True, drop=2),
    column("who", drop=1),
)
ALL = [STATE, NAME, NOTE, WHO]
NATURAL = {"state": 10, "name": 30, "note": 12, "who": 8}


def widths(room: int) -> dict[str, int]:
    return {one.column.key: one.width for one in fit(ALL, NATURAL, room)}


def test_what_is_left_goes_to_the_widest_flexible_column() -> None:
    assert widths(100) == {"state": 10, "name": 64, "note": 12, "who": 8}


def test_flexible_columns_share_what_is_too_little() -> None:
    assert widths(50) == {"state": 10, "name": 14, "note": 12, "who": 8}
    assert widths(40) == {"state": 10, "name": 8, "note": 8, "who": 8}


def test_less_important_columns_go_first_and_the_others_get_their_room() -> None:
    assert widths(34) == {"state": 10, "name": 12, "who": 8}
    assert widths(24) == {"state": 10, "name": 12}
    assert widths(8) == {"state": 8}


@given(st.integers(0, 200), st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 60)), max_size=8))
def test_columns_never_need_more_than_the_room(room: int, wishes: list[tuple[bool, int, int]]) -> None:
    columns = [column(str(place), flex=flex, drop=drop) for place, (flex, drop, _) in enumerate(wishes)]
    fitted = fit(columns, {str(place): width for place, (_, _, width) in enumerate(wishes)}, room)
    assert sum(one.width for one in fitted) + GAP * max(0, len(fitted) - 1) <= max(room, 0) + GAP


def test_a_choice_orders_and_hides_and_new_columns_come_last() -> None:
    choice = Choice(("who", "state"), frozenset({"note"}))
    assert [one.key for one in choice.shown(ALL)] == ["who", "state", "name"]
    assert Choice().shown(ALL) == ALL


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("state:error", Filter("state", "error")),
        ("table: Big cities ", Filter("table", "Big cities")),
        ("by:ada", Filter("by", "ada")),
        ("http://x", Filter("text", "http://x")),
        ("  two words ", Filter("text", "two words")),
        ("state:", None),
        (" ", None),
    ],
)
def test_what_is_typed_is_a_filter(typed: str, found: Filter | None) -> None:
    assert parse(typed) == found


def test_of_one_kind_the_newest_filter_counts_and_texts_add_up() -> None:
    stack = Stack()
    for typed in ("state:error", "ber", "state:paused", "lin"):
        stack = stack.pushed(parse(typed) or Filter("text", ""))
    assert str(stack) == "/ber  /state:paused  /lin"
    assert stack.value("state") == "paused"
    assert stack.fits("Berlin", None)
    assert not stack.fits("Bern")
    assert str(stack.popped().popped()) == "/ber"
    assert not Stack().popped()


FORM = {
    "properties": {
        "note": {"type": "string", "default": "fine"},
        "amount": {"type": "number", "title": "Sum"},
        "kind": {"enum": ["a", 2, None, [1]]},
        "sure": {"type": "boolean"},
        "rest": {"type": "object"},
    },
    "required": ["amount"],
}


def test_a_form_has_a_field_for_each_property_the_required_ones_first() -> None:
    found = {field.name: field for field in forms.fields(FORM)}
    assert [(field.label, field.kind) for field in found.values()] == [
        ("Sum", "number"), ("Note", "text"), ("Kind", "choice"), ("Sure", "choice"), ("Rest", "json"),
    ]  # fmt: skip
    assert found["note"].value == "fine"
    assert found["kind"].options == (("a", "a"), ("2", 2), ("null", None), ("[1]", [1]))
    assert forms.fields(None) == ()
    assert [field.kind for field in forms.fields({"type": "string"})] == ["json"]


def test_what_is_typed_into_a_form_becomes_its_answer() -> None:
    sum_, note, kind, sure, rest = forms.fields(FORM)
    typed = [(sum_, "7"), (note, ""), (kind, 1), (sure, 1), (rest, '{"a": 1}')]
    assert forms.answer(typed) == {"amount": 7, "kind": 2, "sure": False, "rest": {"a": 1}}
    assert forms.answer([(kind, 2), (sure, None)]) == {"kind": None}
    assert forms.answer([(kind, 3), (sure, 0)]) == {"kind": [1], "sure": True}
    assert forms.answer([(sum_, "1.5")]) == {"amount": 1.5}
    for typed_wrong in ("nan", "1e999", "seven"):
        with pytest.raises(forms.Unreadable, match="Sum: this is not a number"):
            forms.answer([(sum_, typed_wrong)])
    for typed_wrong in ("{", "NaN"):
        with pytest.raises(forms.Unreadable, match="Rest: this is not JSON"):
            forms.answer([(rest, typed_wrong)])
    (whole,) = forms.fields({"type": "string"})
    assert forms.answer([(whole, '"yes"')]) == "yes"


GROUP = {"id": 7, "outputs": [{"from": "x", "column": "x"}, {"from": "y", "column": "y"}]}


def row(
    status: str | None, *, waiting: bool = False, data: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    execution = {"status": status, "error": None, "pause": None, "stale": False, **more}
    return {
        "data": data or {},
        "executions": {"7": execution} if status else {},
        "waiting": {"7": ["n", "gone"]} if waiting else {},
    }


@pytest.mark.parametrize(
    ("of", "shown"),
    [
        (row(None), Cell("")),
        (row(None, waiting=True), Cell("… waiting for The number, gone", "wait")),
        (row("completed", data={"x": 1, "y": "b"}), Cell("✓ 1 · b")),
        (row("completed", data={"x": 1}, stale=True), Cell("✓≈ 1")),
        (row("completed"), Cell("✓ no output")),
        (row("running", data={"x": 1}), Cell("▶ running (1)", "run")),
        (row("error", data={"x": 1}, error="It \x1b[31mbroke"), Cell("✗ It broke", "error")),
        (row("paused", pause={"kind": "approval"}), Cell("? needs an answer", "person")),
        (row("paused", pause={"kind": "wait"}), Cell("‖ paused", "wait")),
    ],
)
def test_a_cell_shows_its_state_and_its_value(of: dict[str, Any], shown: Cell) -> None:
    assert face(of, GROUP, {"n": "The number"}) == shown


def test_a_list_is_printed_whole_and_clean() -> None:
    columns = [column("id", right=True), column("name")]
    assert table([{"id": 1, "name": "Ada"}, {"id": 20, "name": "東京"}], columns) == "id  name\n 1  Ada\n20  東京"


def said(state: Any, *, width: int = 80, age: float | None = 2.5, filters: str = "") -> str:
    return status.line(state, 100.0, age=age, url="http://here:8000", filters=filters, width=width)


def test_the_status_line_always_says_how_the_connection_stands() -> None:
    assert said(Live(), filters="/state:error") == "● live · 2 s old · here:8000 · /state:error"
    assert said(Live(), age=0.3) == "● live · now · here:8000"
    assert said(Polling(), age=None) == "◌ polling · nothing yet · here:8000"
    waiting = Reconnecting(104.2, "The server (\x1b[1mnginx) is gone")
    assert said(waiting) == "◌ reconnecting in 5 s · 2 s old · here:8000 · The server (nginx) is gone"
    assert said(waiting, width=60) == "◌ reconnecting in 5 s · 2 s old · here:8000 · The server (n…"
    assert said(waiting, width=30) == "◌ reconnecting in 5 s · 2 s o…"
    assert said(Stopped("Invalid token.")) == "✗ stopped: Invalid token. · 2 s old · here:8000"


def test_every_state_that_has_a_tone_has_a_mark() -> None:
    assert all(texts.mark(state).strip() for state in figures.TONES)


@pytest.mark.parametrize(
    ("lines", "numbers"),
    [
        ("abc", [0, 1, 2]),
        ("abcd", [0, 1, 2, 3]),
        ("cde", [2, 3, 4]),
        ("xyz", [3, 4, 5]),
        ("", []),
    ],
)
def test_a_line_of_a_log_keeps_its_number_while_the_log_goes_on(lines: str, numbers: list[int]) -> None:
    before = numbered([], "abc")
    assert before == [(0, "a"), (1, "b"), (2, "c")]
    assert numbered(before, lines) == list(zip(numbers, lines, strict=True))
    assert numbered(numbered([], "aaa"), "aaaa")[-1] == (3, "a")


@pytest.mark.parametrize(
    ("cells", "seen", "is_all", "said"),
    [
        ([3, 2], 5, True, ""),
        ([3, 2], 9, True, "the 2 most frequent of 9 failed cells"),
        ([3, 2], 5, False, "5 failed cells that were looked at: there are more"),
        ([], 0, True, ""),
        ([], 0, False, "No error among the cells that were looked at: there are more."),
    ],
)
def test_errors_say_when_they_are_not_all(cells: list[int], seen: int, is_all: bool, said: str) -> None:
    errors = {"groups": [{"cells": count} for count in cells], "seen": seen, "is_all": is_all}
    assert _looked_at(errors) == said
