"""The form of a question, out of the JSON Schema of its fields. Pure: the server checks what comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONG_TEXT = 200
# What can be a part of a form's path (static/grid/values.js).
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_FORMATS = {"date": "date", "date-time": "datetime", "time": "time", "email": "email", "uri": "url"}


@dataclass(frozen=True)
class Option:
    """A choice; `value` is JSON."""

    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One field. `kind`: text, email, url, date, datetime, time, number, choice, long or json.

    `path` is where its value goes.
    `value` is what it begins with, as it is written in the field.
    """

    path: str
    label: str
    kind: str
    required: bool = False
    hint: str = ""
    value: str = ""
    options: tuple[Option, ...] = ()


def form(schema: Mapping[str, Any] | None) -> tuple[Field, ...]:
    """The fields of a form; one JSON field where the schema is no plain list of properties.

    The required ones come first, in the order of that list: PostgreSQL does not keep the order of properties.
    """
    if schema is None:
        return ()
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not all(_PLAIN.fullmatch(name) for name in properties):
        return (Field("fields", "Answer", "json", hint=f"JSON that fits: {json.dumps(schema, ensure_ascii=False)}"),)
    required = [name for name in schema.get("required", ()) if name in properties]
    names = [*required, *(name for name in properties if name not in required)]
    return tuple(_field(name, properties[name], required=name in required) for name in names)


def _field(name: str, schema: Any, *, required: bool) -> Field:
    its: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    kind, options = _kind(its)
    return Field(
        path=f"fields.{name}",
        label=str(its.get("title") or name.replace("_", " ").capitalize()),
        kind=kind,
        required=required,
        hint=str(its.get("description") or ""),
        value=_written(kind, its.get("default")),
        options=options,
    )


def _kind(schema: Mapping[str, Any]) -> tuple[str, tuple[Option, ...]]:
    choices = schema.get("enum")
    if isinstance(choices, list):
        return "choice", tuple(Option(json.dumps(choice), _label(choice)) for choice in choices)
    match _type(schema):
        case "boolean":
            return "choice", (Option("true", "Yes"), Option("false", "No"))
        case "number" | "integer":
            return "number", ()
        case "string":
            is_long = schema.get("maxLength", 0) > LONG_TEXT
            return _FORMATS.get(str(schema.get("format")), "long" if is_long else "text"), ()
    return "json", ()


def _type(schema: Mapping[str, Any]) -> str:
    """The type, `null` beside another one left aside."""
    given = schema.get("type")
    types = [type_ for type_ in given if type_ != "null"] if isinstance(given, list) else [given]
    return str(types[0]) if len(types) == 1 else ""


def _label(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice, ensure_ascii=False)


def _written(kind: str, default: Any) -> str:
    if default is None:
        return ""
    if kind == "json":
        return json.dumps(default, indent=2, ensure_ascii=False)
    return json.dumps(default) if kind == "choice" else _label(default)
