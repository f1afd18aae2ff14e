"""Column types: what each takes, what it stores, what it refuses and how it says so."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableflow.errors import InvalidInput
from tableflow.tables import types
from tableflow.tables.models import ColumnType

CHOICES = {"choices": ["New", "won", "a, b"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
EAST = dt.timezone(dt.timedelta(hours=2))


def test_the_types_are_those_of_the_model() -> None:
    assert set(types.TYPES) == set(ColumnType.values)


@pytest.mark.parametrize("type_", types.TYPES)
@pytest.mark.parametrize("value", [None, "", "  ", "\n"])
def test_empty_is_null_in_every_type(type_: str, value: str | None) -> None:
    assert types.coerce(type_, {}, value) is None


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [
        ("text", "  kept as it is ", "  kept as it is "),
        ("text", 12, "12"),
        ("text", 1.5, "1.5"),
        ("text", True, "true"),
        ("text", {"ä": [1]}, '{"ä": [1]}'),
        ("text", dt.date(2024, 1, 2), "2024-01-02"),
        ("number", 3, 3),
        ("number", 3.0, 3.0),
        ("number", " 42 ", 42),
        ("number", "-1.50", -1.5),
        ("number", "+.5", 0.5),
        ("number", "1e3", 1000.0),
        ("number", "1,234,567", 1234567),
        ("number", "1,234.5", 1234.5),
        ("number", "12345678901234567890123", 12345678901234567890123),
        ("number", Decimal(12), 12),
        ("number", Decimal("1.25"), 1.25),
        ("currency", 9.99, 9.99),
        ("currency", "€ 1,234.50", 1234.5),
        ("currency", "-$5", -5),
        ("currency", "$-5", -5),
        ("currency", "12.5 eur", 12.5),
        ("currency", "EUR12", 12),
        ("boolean", True, True),
        ("boolean", "Yes", True),
        ("boolean", "TRUE", True),
        ("boolean", " on", True),
        ("boolean", 1, True),
        ("boolean", "0", False),
        ("boolean", "off", False),
        ("boolean", 0, False),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", "2024-02-29T23:59:00+02:00", "2024-02-29"),
        ("date", dt.date(2024, 2, 29), "2024-02-29"),
        ("date", dt.datetime(2024, 2, 29, 23, tzinfo=dt.UTC), "2024-02-29"),
        ("datetime", "2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("datetime", "2024-01-02t03:04:05z", "2024-01-02T03:04:05Z"),
        ("datetime", "2024-01-02 03:04", "2024-01-02T03:04:00Z"),
        ("datetime", "2024-01-02T03:04:05.250+02:00", "2024-01-02T01:04:05.250000Z"),
        ("datetime", "2024-01-02T03:04:05-0330", "2024-01-02T06:34:05Z"),
        ("datetime", "2024-01-02", "2024-01-02T00:00:00Z"),
        ("datetime", dt.datetime(2024, 1, 2, 3, tzinfo=EAST), "2024-01-02T01:00:00Z"),
        ("datetime", dt.date(2024, 1, 2), "2024-01-02T00:00:00Z"),
        ("json", {"a": (1, Decimal("1.5"))}, {"a": [1, 1.5]}),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("json", "[1, 2", "[1, 2"),
        ("json", "plain", "plain"),
        ("json", False, False),
        ("json", [], []),
        ("select", "won", "won"),
        ("select", " new ", "New"),
        ("multiselect", ["won", "New", "won"], ["won", "New"]),
        ("multiselect", "new, won", ["New", "won"]),
        ("multiselect", "a, b", ["a, b"]),
        ("multiselect", '["a, b", "new"]', ["a, b", "New"]),
        ("multiselect", ["", None, "won"], ["won"]),
        ("multiselect", [], []),
        ("url", " https://example.com/a?b=c#d ", "https://example.com/a?b=c#d"),
        ("url", "http://localhost:8000", "http://localhost:8000"),
        ("url", "https://münchen.example/ä", "https://münchen.example/ä"),
        ("email", " a.b+c@example.com", "a.b+c@example.com"),
    ],
)
def test_values_are_stored_in_the_form_of_their_type(type_: str, value: Any, stored: Any) -> None:
    options = {**CHOICES, "currency": "EUR"}
    found = types.coerce(type_, options, value)
    assert found == stored
    assert type(found) is type(stored)
    assert types.coerce(type_, options, found) == found


@pytest.mark.parametrize(
    ("type_", "value", "hint"),
    [
        ("text", "a\x00b", "NUL"),
        ("text", {"a": "\x00"}, "NUL"),
        ("text", "\ud800", "surrogate"),
        ("text", "ä" * 600_000, "1 MiB"),
        ("text", ["x" * 1_100_000], "1 MiB"),
        ("text", object(), "no JSON value"),
        ("number", "abc", "no number"),
        ("number", "1,5", "decimal point"),
        ("number", "1,23,456", "no number"),
        ("number", "1 2", "no number"),
        ("number", "٣", "no number"),
        ("number", "0x10", "no number"),
        ("number", "NaN", "no number"),
        ("number", "inf", "no number"),
        ("number", "1_000", "no number"),
        ("number", "1e999", "too large"),
        ("number", "9" * 400, "too large"),
        ("number", 10**400, "too large"),
        ("number", float("nan"), "NaN"),
        ("number", float("-inf"), "Infinity"),
        ("number", Decimal("Infinity"), "Infinity"),
        ("number", Decimal("1e999999"), "too large"),
        ("number", True, "boolean"),
        ("number", [1], "no number"),
        ("currency", "€€5", "no amount"),
        ("currency", "5 USD", "no number"),
        ("currency", "five", "no number"),
        ("boolean", "perhaps", "neither"),
        ("boolean", 2, "neither"),
        ("boolean", 1.0, "neither"),
        ("boolean", [], "neither"),
        ("date", "2024-02-30", "YYYY-MM-DD"),
        ("date", "01/02/2024", "YYYY-MM-DD"),
        ("date", "20240102", "YYYY-MM-DD"),
        ("date", 20240102, "YYYY-MM-DD"),
        ("datetime", "2024-01-02T25:00", "YYYY-MM-DDTHH:MM:SSZ"),
        ("datetime", "yesterday", "YYYY-MM-DDTHH:MM:SSZ"),
        ("datetime", 1700000000, "YYYY-MM-DDTHH:MM:SSZ"),
        ("datetime", "0001-01-01T00:00:00+05:00", "years 1 to 9999"),
        ("json", {"a": ["\x00"]}, "NUL"),
        ("json", {"\x00": 1}, "NUL"),
        ("json", '{"a": "\\u0000"}', "NUL"),
        ("json", [float("nan")], "NaN"),
        ("json", "[NaN]", "NaN"),
        ("json", {(1, 2): 3}, "keys"),
        ("json", ["x" * 700_000, "y" * 700_000], "1 MiB"),
        ("select", "lost", "New, won"),
        ("select", ["won"], "no choice"),
        ("select", True, "no choice"),
        ("multiselect", ["won", "lost"], "none of the choices"),
        ("multiselect", {"a": 1}, "no choice"),
        ("url", "example.com", "http://"),
        ("url", "ftp://example.com", "http://"),
        ("url", "https://", "http://"),
        ("url", "http://[::1", "http://"),
        ("url", "http://a b", "http://"),
        ("url", "http://example.com:99999", "http://"),
        ("url", "javascript:alert(1)", "http://"),
        ("url", "https://example.com/\x00", "NUL"),
        ("url", 5, "http://"),
        ("email", "nobody", "e-mail"),
        ("email", "a@b@c.de", "e-mail"),
        ("email", ["a@example.com"], "e-mail"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused_with_the_reason(type_: str, value: Any, hint: str) -> None:
    with pytest.raises(types.CannotCoerce, match=hint):
        types.coerce(type_, {**CHOICES, "currency": "EUR"}, value)


def test_a_select_without_choices_takes_any_text() -> None:
    assert types.coerce("select", {}, "anything") == "anything"
    assert types.coerce("multiselect", {"choices": []}, "x, y") == ["x", "y"]


def test_json_may_be_nested_a_hundred_levels_deep_and_no_more() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    assert types.coerce("json", {}, deep) == deep
    with pytest.raises(types.CannotCoerce, match="levels deep"):
        types.coerce("json", {}, [deep])
    assert isinstance(types.coerce("json", {}, "[" * 50_000), str)


@given(st.sampled_from(types.TYPES), JSON)
def test_whatever_is_given_is_stored_stably_or_refused(type_: str, value: Any) -> None:
    try:
        stored = types.coerce(type_, CHOICES, value)
    except types.CannotCoerce:
        return
    again = json.loads(json.dumps(stored, allow_nan=False))
    assert types.same(again, stored)
    assert types.same(types.coerce(type_, CHOICES, stored), stored)
    json.dumps(stored, ensure_ascii=False).encode()


@pytest.mark.parametrize(("value", "empty", "met"), [
    (None, True, False), ("", True, False), ([], True, False), (False, False, False),
    (True, False, True), (0, False, True), ("no", False, True), ({}, False, True), ([None], False, True),
])  # fmt: skip
def test_empty_and_met_are_told_apart(value: Any, empty: bool, met: bool) -> None:
    assert types.is_empty(value) is empty
    assert types.requirement_met(value) is met


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ([1, True], [1, 1], False),
        ({"a": [1]}, {"a": [1.0]}, True),
        ({"a": None}, {}, False),
        ("1", 1, False),
        (None, None, True),
        (None, False, False),
    ],
)
def test_equal_is_equal_as_json(left: Any, right: Any, equal: bool) -> None:
    assert types.same(left, right) is equal
    assert types.same(right, left) is equal


def test_a_row_is_measured_in_bytes() -> None:
    assert types.row_bytes({"a": "ä"}) == len('{"a":"ä"}'.encode())


@pytest.mark.parametrize(
    ("type_", "options", "checked"),
    [
        ("text", None, {}),
        ("select", None, {"choices": []}),
        ("select", {"choices": [" a", "b"]}, {"choices": ["a", "b"]}),
        ("currency", {}, {"currency": "USD"}),
        ("currency", {"currency": "EUR", "precision": 2}, {"currency": "EUR", "precision": 2}),
        ("number", {"precision": 0}, {"precision": 0}),
    ],
)
def test_options_are_checked_and_filled_in(type_: str, options: Any, checked: Any) -> None:
    assert types.check_options(type_, options) == checked


@pytest.mark.parametrize(
    ("type_", "options", "attr"),
    [
        ("text", {"precision": 1}, "options.precision"),
        ("text", [], "options"),
        ("number", {"precision": 11}, "options.precision"),
        ("number", {"precision": True}, "options.precision"),
        ("currency", {"currency": "euro"}, "options.currency"),
        ("select", {"choices": "a"}, "options.choices"),
        ("select", {"choices": ["a", "a "]}, "options.choices.1"),
        ("select", {"choices": [""]}, "options.choices.0"),
        ("select", {"choices": ["\x00"]}, "options.choices.0"),
        ("select", {"choices": ["x" * 129]}, "options.choices.0"),
        ("multiselect", {"choices": list(map(str, range(501)))}, "options.choices"),
    ],
)
def test_wrong_options_are_named(type_: str, options: Any, attr: str) -> None:
    with pytest.raises(InvalidInput) as error:
        types.check_options(type_, options)
    assert [problem.attr for problem in error.value.problems] == [attr]
