"""The form of a question: which field each property gets, and what it begins with."""

from __future__ import annotations

from typing import Any

import pytest

from tableflow.grid.questions import Field, Option, form

YES_NO = (Option("true", "Yes"), Option("false", "No"))


@pytest.mark.parametrize(
    ("schema", "kind", "value", "options"),
    [
        ({"type": "string"}, "text", "", ()),
        ({"type": "string", "default": "hello"}, "text", "hello", ()),
        ({"type": "string", "maxLength": 5000}, "long", "", ()),
        ({"type": "string", "format": "date"}, "date", "", ()),
        ({"type": "string", "format": "date-time"}, "datetime", "", ()),
        ({"type": "string", "format": "time"}, "time", "", ()),
        ({"type": "string", "format": "email"}, "email", "", ()),
        ({"type": "string", "format": "hostname"}, "text", "", ()),
        ({"type": "number", "default": 2.5}, "number", "2.5", ()),
        ({"type": "integer"}, "number", "", ()),
        ({"type": ["integer", "null"]}, "number", "", ()),
        ({"type": "boolean"}, "choice", "", YES_NO),
        ({"type": "boolean", "default": False}, "choice", "false", YES_NO),
        ({"enum": ["a", 1, None]}, "choice", "", (Option('"a"', "a"), Option("1", "1"), Option("null", "null"))),
        ({"type": "string", "enum": ["a"], "default": "a"}, "choice", '"a"', (Option('"a"', "a"),)),
        ({"type": "array", "default": [1]}, "json", "[\n  1\n]", ()),
        ({"type": ["string", "number"]}, "json", "", ()),
        ({}, "json", "", ()),
        (True, "json", "", ()),
    ],
)
def test_a_property_gets_the_field_of_its_type(schema: Any, kind: str, value: str, options: tuple[Option, ...]) -> None:
    (field,) = form({"properties": {"x": schema}})
    assert (field.path, field.kind, field.value, field.options) == ("fields.x", kind, value, options)


def test_fields_bear_the_titles_and_hints_of_the_schema_the_required_ones_first() -> None:
    schema = {
        "properties": {
            "by": {"type": "string", "title": "Approved by"},
            "date": {"type": "string"},
            "net_amount": {"type": "number", "description": "Without tax."},
        },
        "required": ["net_amount", "date", "gone"],
    }
    assert form(schema) == (
        Field("fields.net_amount", "Net amount", "number", required=True, hint="Without tax."),
        Field("fields.date", "Date", "text", required=True),
        Field("fields.by", "Approved by", "text"),
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/x", "$defs": {"x": {}}},
        {"type": "object"},
        {"properties": {"a.b": {}}},
        {"properties": {"0": {}}},
    ],
)
def test_a_form_that_is_no_plain_list_of_properties_is_one_json_field(schema: dict[str, Any]) -> None:
    (field,) = form(schema)
    assert (field.path, field.kind) == ("fields", "json")


def test_a_question_without_a_form_has_no_field() -> None:
    assert form(None) == ()
    assert form({"properties": {}}) == ()
