"""What a cell shows, by the contract's order of precedence; values and lengths of time as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cells.models import Status
from dispatch.effective import CellState, Paused
from tableflow.grid.chips import Chip, chip
from tableflow.grid.faces import face
from tableflow.grid.paging import paging
from tableflow.grid.quantities import duration
from tableflow.grid.values import Shown, shown

NAMES = {"domain": "Domain", "country": "Country"}


@pytest.mark.parametrize(
    ("status", "has_value", "waiting_on", "kind", "pill", "dimmed"),
    [
        ("running", False, (), "running", "Running", True),
        ("running", True, (), "running", "Running", True),
        ("pending", True, (), "queued", "Queued", True),
        ("queued", False, ("domain",), "queued", "Queued", True),
        ("completed", True, (), "value", "", False),
        (None, True, ("domain",), "value", "", False),
        ("error", True, (), "value", "Error", False),
        ("paused", True, (), "value", "Paused", False),
        ("cancelled", True, ("domain",), "value", "Cancelled", False),
        ("skipped", True, (), "value", "", False),
        ("paused", False, ("domain",), "paused", "Paused", False),
        (None, False, ("domain",), "waiting", "Waiting", False),
        ("cancelled", False, ("domain",), "waiting", "Waiting", False),
        ("error", False, ("domain",), "waiting", "Waiting", False),
        ("cancelled", False, (), "cancelled", "Cancelled", False),
        ("error", False, (), "error", "Error", False),
        ("skipped", False, (), "skipped", "Skipped", False),
        ("completed", False, (), "no-output", "", False),
        (None, False, (), "blank", "", False),
    ],
)
def test_a_face_follows_the_precedence(
    status: str | None, has_value: bool, waiting_on: tuple[str, ...], kind: str, pill: str, dimmed: bool
) -> None:
    got = face(CellState(status, waiting_on=waiting_on), has_value=has_value, names=NAMES)
    assert (got.kind, got.pill, got.dimmed) == (kind, pill, dimmed)


def test_every_status_has_a_face() -> None:
    for status in (None, *Status):
        for has_value in (True, False):
            assert face(CellState(status), has_value=has_value, names={}).kind


def test_waiting_names_the_columns_and_an_error_its_message() -> None:
    waiting = face(CellState(None, waiting_on=("domain", "country", "gone")), has_value=False, names=NAMES)
    assert waiting.detail == "for Domain, Country, gone"
    failed = face(CellState("error", error="503 from the other side"), has_value=False, names=NAMES)
    assert failed.detail == "503 from the other side"


AT = datetime(2026, 11, 3, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "due_at", "tone", "detail"),
    [
        ("approval", None, "", "needs an answer"),
        ("approval", AT, "", "needs an answer by 3 Nov, 09:05"),
        ("wait", AT, "later", "waits until 3 Nov, 09:05"),
        ("retry", AT, "later", "tries again at 3 Nov, 09:05"),
        ("wait", None, "later", "goes on"),
    ],
)
def test_a_paused_cell_says_what_it_waits_for(kind: str, due_at: datetime | None, tone: str, detail: str) -> None:
    state = CellState("paused", pause=Paused(kind, due_at))
    for has_value in (True, False):
        got = face(state, has_value=has_value, names={})
        assert (got.pill, got.tone, got.detail) == ("Paused", tone, detail)


@pytest.mark.parametrize(
    ("type_", "options", "value", "expected"),
    [
        ("text", {}, "Zürich", Shown("text", "Zürich")),
        ("text", {}, None, Shown("text", "")),
        ("text", {}, "x" * 400, Shown("text", "x" * 300 + "…")),
        ("number", {}, 0, Shown("number", "0")),
        ("number", {"precision": 2}, 1.005, Shown("number", "1.00")),
        ("number", {}, 12345678901234567890, Shown("number", "12345678901234567890")),
        ("number", {"precision": 2}, 9007199254740993, Shown("number", "9007199254740993.00")),
        ("number", {}, True, Shown("text", "true")),
        ("number", {}, "many", Shown("text", "many")),
        ("currency", {"currency": "EUR"}, 1234.5, Shown("number", "EUR 1,234.50")),
        ("currency", {}, 9007199254740993, Shown("number", "9,007,199,254,740,993.00")),
        ("boolean", {}, False, Shown("text", "No")),
        ("boolean", {}, True, Shown("text", "Yes")),
        ("datetime", {}, "2024-01-31T12:00:00Z", Shown("text", "2024-01-31 12:00:00")),
        ("url", {}, "https://a.org/b/", Shown("link", "a.org/b", "https://a.org/b/")),
        ("url", {}, "javascript:alert(1)", Shown("text", "javascript:alert(1)")),
        ("email", {}, 'a"b@c.org', Shown("link", 'a"b@c.org', "mailto:a%22b@c.org")),
        ("select", {}, "red", Shown("tags", "", tags=("red",))),
        ("multiselect", {}, ["red", 1], Shown("tags", "", tags=("red", "1"))),
        ("multiselect", {}, [], Shown("text", "")),
        ("json", {}, {"ä": [1]}, Shown("code", '{"ä": [1]}')),
        ("date", {}, ["odd"], Shown("text", '["odd"]')),
    ],
)
def test_a_value_is_shown_by_its_type(type_: str, options: dict[str, Any], value: Any, expected: Shown) -> None:
    assert shown(type_, options, value) == expected


class Counts:
    """A dispatch's counts."""

    cancelled = skipped = 0

    def __init__(self, total: int | None, completed: int, error: int, in_flight: int, eta: float | None) -> None:
        self.total, self.completed, self.error, self.in_flight, self.eta_seconds = (
            total,
            completed,
            error,
            in_flight,
            eta,
        )


def test_the_chip_tells_how_far_the_runs_are() -> None:
    assert chip([]) is None
    assert chip([Counts(None, 0, 0, 0, None)], 0) == Chip("Queueing", "queued")
    assert chip([Counts(None, 4, 1, 2, None)], 2) == Chip("2 running · 5 done", "running")
    both = [Counts(1000, 300, 0, 20, 170.0), Counts(500, 40, 0, 5, 20.0)]
    assert chip(both, 1250) == Chip("1,250 running · 340 of 1,500 · about 3 min", "running")
    assert chip(both, 0, waiting=3) == Chip("3 waiting · 340 of 1,500", "paused")
    assert chip(both, 9, waiting=3) == Chip("9 running · 3 waiting · 340 of 1,500 · about 3 min", "running")
    assert chip(both, 0, paused=True) == Chip("Paused · 340 of 1,500", "paused")
    assert chip(both, 7, paused=True) == Chip("Paused · 7 still running · 340 of 1,500", "paused")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1 s"), (59.4, "59 s"), (60, "1 min"), (179, "3 min"), (3600, "1 h 0 min"), (7900, "2 h 12 min")],
)
def test_a_length_of_time_is_said_shortly(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("wanted", "count", "number", "last"),
    [
        ("", 0, 1, 1),
        ("0", 250, 1, 3),
        ("3", 250, 3, 3),
        ("99", 250, 3, 3),
        ("-1", 250, 1, 3),
        ("²", 250, 1, 3),
        ("9" * 40, 250, 1, 3),
    ],
)
def test_a_page_that_is_not_there_becomes_the_nearest(wanted: str, count: int, number: int, last: int) -> None:
    page = paging(wanted, size=100, count=count)
    assert (page.number, page.last, page.offset) == (number, last, 100 * (number - 1))
