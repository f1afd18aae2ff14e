"""The quick readings of an import are those of types.coerce."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableflow.tables import types
from tableflow.tables.imports.convert import converter
from tableflow.tables.imports.plan import Plan
from tableflow.tables.imports.rejected import Rejected
from tableflow.tables.schema import ColumnSpec

SPELLINGS = {
    "text": ["x", " ", "\t", " x ", "a\\b", '"', "\u2028", "😀", "\x00", "\ud800"],
    "number": [
        "1",
        "-1",
        "+1",
        "01",
        "1.50",
        "1.",
        ".5",
        "1e3",
        "1,000",
        "1,5",
        "--1",
        "٣",
        "1_0",
        "9" * 400,
        "-0",
        "0.1",
    ],
    "currency": ["1", "$5", "EUR 3"],
    "boolean": ["true", "Yes", "0", "maybe", " on "],
    "date": ["2024-01-31", "2024-02-30", "2024-01-31T10:00", "31.1.2024"],
    "datetime": ["2024-01-31", "2024-01-31T10:00:00Z", "2024-01-31 10:00+02", "2024-01-31T25:00:00Z"],
    "json": ["{}", "[1, 2]", "x", "{nope", '{"a": "\\u0000"}'],
    "select": ["red", "blue"],
    "multiselect": ["red, blue", '["red"]', ","],
    "url": [
        "http://a.org",
        "https://a.org/x?y=z#f",
        "https://a.b.c/[",
        "http://a b.org",
        "ftp://a.org",
        "http://é.org",
        "a.org",
    ],
    "email": ["a@b.org", "A.b+c@x.y.org", "a@b", "a..b@c.org", ".a@b.org", "a@-b.org", "ü@b.org", "a@b.c", "a@b.o_g"],
}


def both(type_: str, raw: Any) -> tuple[Any, Any]:
    """What an import makes of the cell, and what coercion does; the reason where it is refused."""
    convert = converter(Plan("utf-8", ",", (("c", "c"),)), {"c": ColumnSpec("c", "C", type_, {}, 0, None)})
    found = convert(1, [raw])
    try:
        expected = types.coerce(type_, {}, raw) if raw else None
    except types.CannotCoerce:
        return isinstance(found, Rejected), True
    return "rejected" if isinstance(found, Rejected) else json.loads(found).get("c"), expected


@pytest.mark.parametrize(("type_", "raw"), [(type_, raw) for type_, raws in SPELLINGS.items() for raw in raws])
def test_a_spelling_is_read_as_coercion_reads_it(type_: str, raw: str) -> None:
    found, expected = both(type_, raw)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("type_", types.TYPES)
@given(raw=st.text(max_size=30) | st.from_regex(r"[-+]?[0-9,.]{0,8}(e[0-9])?", fullmatch=True))
def test_any_text_is_read_as_coercion_reads_it(type_: str, raw: str) -> None:
    found, expected = both(type_, raw)
    assert (found, type(found)) == (expected, type(expected))


@given(address=st.from_regex(r"[a-zA-Z0-9.+_-]{1,20}@[a-zA-Z0-9.-]{1,20}\.[a-z]{1,5}", fullmatch=True))
def test_any_address_is_read_as_coercion_reads_it(address: str) -> None:
    for raw in (address, f"https://{address.partition('@')[2]}/{address}", f"http://{address}"):
        for type_ in ("email", "url"):
            found, expected = both(type_, raw)
            assert found == expected
