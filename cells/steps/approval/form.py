"""The form of an approval: a JSON Schema of an object, whose properties are the fields to fill in.

What it asks for is checked, all of it. So what cannot be checked safely is refused when the workflow is written:
patterns, which can take for ever, and references, which can lead back to where they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from cells import formats, schemas
from cells.values import readable_size
from tableflow.errors import InvalidInput, Problem

FIELDS_LIMIT = 50
SIZE_LIMIT = 64 * 1024

_OF_AN_OBJECT = {"type", "properties", "$ref"}

# The keywords that hold schemas: one, a list of them, or some by name.
_ONE = {
    "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then", "unevaluatedItems",
    "unevaluatedProperties",
}  # fmt: skip
_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_BY_NAME = {"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}

_REFERENCE = "A form cannot refer to a part of itself or to another schema; write out what the field must be."
_REFUSED = {
    "$dynamicRef": _REFERENCE,
    "$recursiveRef": _REFERENCE,
    "$ref": _REFERENCE,
    "pattern": "A form has no patterns, because some take for ever; use enum, minLength and maxLength, or format.",
    "patternProperties": "A form has no patterns, because some take for ever; name its fields under properties.",
}


def check(form: Mapping[str, Any], attr: str) -> None:
    """Raises InvalidInput at `attr` when this is no schema of a form, or a boundless one."""
    if not form.keys() & _OF_AN_OBJECT or form.get("type", "object") != "object":
        detail = 'A form is a JSON Schema of an object: {"type": "object", "properties": {…}}.'
        raise InvalidInput.at(attr, detail)
    if len(json.dumps(form)) > SIZE_LIMIT:
        raise InvalidInput.at(attr, f"The schema of a form may be {readable_size(SIZE_LIMIT)} long.", "too_big")
    schemas.check_draft(form, attr)
    refused = list(_refused(form, attr))
    if refused:
        raise InvalidInput(refused)
    if len(form.get("properties", {})) > FIELDS_LIMIT:
        raise InvalidInput.at(f"{attr}.properties", f"A form has {FIELDS_LIMIT} fields at most.", "too_many")


def problems(form: Mapping[str, Any], given: Mapping[str, Any], attr: str) -> list[Problem]:
    """Everything in which what was filled in does not fit the form, each at its own field."""
    return schemas.problems(schemas.unhurried(form, formats.CHECKER), given, attr)


def _refused(schema: Any, attr: str) -> Iterator[Problem]:
    """Each keyword that a form may not have, at its place."""
    if not isinstance(schema, Mapping):
        return
    for key, value in schema.items():
        place = f"{attr}.{key}"
        if key in _REFUSED:
            yield Problem(_REFUSED[key], place)
        elif key == "format" and value not in formats.EXAMPLES:
            known = ", ".join(formats.EXAMPLES)
            yield Problem(f"There is no format {value!r} here; there are: {known}.", place, "invalid_choice")
        for part, inner in _within(key, value):
            yield from _refused(inner, f"{place}{part}")


def _within(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The schemas that a keyword holds, with what leads there from its place."""
    if key in _ONE:
        yield "", value
    elif key in _LISTS:
        yield from ((f".{place}", schema) for place, schema in enumerate(value))
    elif key in _BY_NAME:
        yield from ((f".{name}", schema) for name, schema in value.items())
