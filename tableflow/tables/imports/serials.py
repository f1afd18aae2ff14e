"""Dates in spreadsheets: numbers that only their format tells from others. Pure."""

from __future__ import annotations

import datetime as dt
import re
from enum import Enum

_BUILT_IN_DATES = frozenset({14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58})
_BUILT_IN_MOMENTS = frozenset({22})
_BUILT_IN_TIMES = frozenset({18, 19, 20, 21, *range(32, 36), 45, 47, 55, 56})
_BUILT_IN_DURATION = 46

# Texts, escaped characters, fillers, colours and conditions: none of their letters is a part of a date.
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_ELAPSED = re.compile(r"\[[hms]+\]")

_MS_A_DAY = 86_400_000
_SECONDS_A_DAY = 86_400
_LAST_SERIAL = 2_958_466  # the day after 9999-12-31
_LEAP_DAY_THAT_WAS_NONE = 60  # 1900-02-29


class Look(Enum):
    """What a number format shows of a number."""

    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    TIME = "time"
    DURATION = "duration"


def look_of(format_id: int, code: str | None) -> Look:
    """What the format shows: by its code where the workbook has one, else by the id of a built-in one."""
    if code is not None:
        return _look_of_code(code)
    if format_id in _BUILT_IN_DATES:
        return Look.DATE
    if format_id in _BUILT_IN_MOMENTS:
        return Look.MOMENT
    if format_id == _BUILT_IN_DURATION:
        return Look.DURATION
    return Look.TIME if format_id in _BUILT_IN_TIMES else Look.NUMBER


def _look_of_code(code: str) -> Look:
    bare = _LITERALS.sub("", code.partition(";")[0]).lower()
    if "general" in bare:
        return Look.NUMBER
    if _ELAPSED.search(bare):
        return Look.DURATION
    has_time = "h" in bare or "s" in bare
    has_day = "y" in bare or "d" in bare or ("m" in bare and not has_time)
    if has_day:
        return Look.MOMENT if has_time else Look.DATE
    return Look.TIME if has_time else Look.NUMBER


def value_of(serial: float, look: Look, *, since_1904: bool) -> dt.date | str | float:
    """The day, the moment, or the time of day or duration as text (`36:05:00`); the number itself outside the calendar.

    A day that has a time in it, and a time that has a day, are moments whatever their format shows.
    """
    if look is Look.NUMBER or not 0 <= serial < _LAST_SERIAL:
        return serial
    if look is Look.DURATION or (look is Look.TIME and serial < 1):
        return _clock(serial)
    try:
        moment = _moment(serial, since_1904=since_1904)
    except OverflowError:
        return serial
    return moment.date() if look is Look.DATE and moment.time() == dt.time() else moment


def _moment(serial: float, *, since_1904: bool) -> dt.datetime:
    start = dt.datetime(1904, 1, 1) if since_1904 else dt.datetime(1899, 12, 30)  # noqa: DTZ001  (sheets have no zones)
    if not since_1904 and serial < _LEAP_DAY_THAT_WAS_NONE:
        start += dt.timedelta(days=1)
    return start + dt.timedelta(milliseconds=round(serial * _MS_A_DAY))


def _clock(serial: float) -> str:
    minutes, seconds = divmod(round(serial * _SECONDS_A_DAY), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
