"""The formats that a form may ask for (JSON Schema's `format`). They are checked as columns of such types are."""

from __future__ import annotations

import re
from datetime import time

from jsonschema import FormatChecker

from tableflow.tables.types import CannotCoerce, coerce

EXAMPLES = {
    "date": "a date, such as 2026-12-24",
    "date-time": "a date and time, such as 2026-12-24T18:00:00Z",
    "time": "a time, such as 18:00",
    "email": "an e-mail address, such as ada@example.org",
    "uri": "a web address, such as https://example.org/",
}

CHECKER = FormatChecker(formats=())

_TIME = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


@CHECKER.checks("date", raises=CannotCoerce)
def _date(value: object) -> bool:
    return _fits("date", value)


@CHECKER.checks("date-time", raises=CannotCoerce)
def _date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    has_time = ":" in value and value == value.strip()
    return has_time and coerce("datetime", {}, value) is not None


@CHECKER.checks("time", raises=ValueError)
def _time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return _TIME.fullmatch(value) is not None and time.fromisoformat(value) is not None


@CHECKER.checks("email", raises=CannotCoerce)
def _email(value: object) -> bool:
    return _fits("email", value)


@CHECKER.checks("uri", raises=CannotCoerce)
def _uri(value: object) -> bool:
    return _fits("url", value)


def _fits(type_: str, value: object) -> bool:
    """Whether a text is just what a column of the type would keep of it. What is no text has no format."""
    return not isinstance(value, str) or coerce(type_, {}, value) == value
