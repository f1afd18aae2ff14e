from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tableflow.tables.imports.serials import Look, look_of, value_of

moment = dt.datetime.fromisoformat


@pytest.mark.parametrize(
    ("code", "look"),
    [
        ("General", Look.NUMBER),
        ("0.00", Look.NUMBER),
        ("0.00E+00", Look.NUMBER),
        ('#,##0.00 "days"', Look.NUMBER),
        ("[Red]-0.0;[Blue]0", Look.NUMBER),
        ("0\\d", Look.NUMBER),
        ("_-* #,##0.00_-", Look.NUMBER),
        ("yyyy-mm-dd", Look.DATE),
        ("[$-409]d\\-mmm\\-yy;@", Look.DATE),
        ("mmm", Look.DATE),
        ("yyyy-mm-dd hh:mm", Look.MOMENT),
        ("h:mm AM/PM", Look.TIME),
        ("[h]:mm:ss", Look.DURATION),
        ("[ss].000", Look.DURATION),
    ],
)
def test_a_format_tells_dates_from_numbers(code: str, look: Look) -> None:
    assert look_of(164, code) is look


@pytest.mark.parametrize(
    ("format_id", "look"), [(0, Look.NUMBER), (14, Look.DATE), (22, Look.MOMENT), (20, Look.TIME), (46, Look.DURATION)]
)
def test_built_in_formats_are_known_by_their_ids(format_id: int, look: Look) -> None:
    assert look_of(format_id, None) is look


@pytest.mark.parametrize(
    ("serial", "look", "value"),
    [
        (45322.0, Look.DATE, dt.date(2024, 1, 31)),
        (45322.5, Look.DATE, moment("2024-01-31T12:00:00")),
        (45322.0, Look.MOMENT, moment("2024-01-31T00:00:00")),
        (45322.999988425926, Look.MOMENT, moment("2024-01-31T23:59:59")),
        (0.5, Look.TIME, "12:00:00"),
        (45322.5, Look.TIME, moment("2024-01-31T12:00:00")),
        (1.5, Look.DURATION, "36:00:00"),
        (1.0, Look.DATE, dt.date(1900, 1, 1)),
        (59.0, Look.DATE, dt.date(1900, 2, 28)),
        (61.0, Look.DATE, dt.date(1900, 3, 1)),
        (2958465.0, Look.DATE, dt.date(9999, 12, 31)),
        (-1.0, Look.DATE, -1.0),
        (1e300, Look.DATE, 1e300),
        (45322.0, Look.NUMBER, 45322.0),
    ],
)
def test_a_serial_is_the_day_that_the_spreadsheet_shows(serial: float, look: Look, value: Any) -> None:
    assert value_of(serial, look, since_1904=False) == value


def test_some_workbooks_count_from_1904() -> None:
    assert value_of(43860.0, Look.DATE, since_1904=True) == dt.date(2024, 1, 31)
    assert value_of(2958465.0, Look.DATE, since_1904=True) == 2958465.0
