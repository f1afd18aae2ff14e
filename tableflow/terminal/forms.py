"""The form of a question out of the JSON Schema of its fields. Pure: the server checks what comes back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn


class Unreadable(Exception):
    """What was typed into a field cannot be read; the message names the field."""


@dataclass(frozen=True)
class Field:
    """One field. `kind`: text, number, choice or json. `name` is None where the whole answer is one field.

    `options` are labels and what they stand for; a choice is made by its place among them. `value` is what it begins
    with, as it is typed.
    """

    name: str | None
    label: str
    kind: str
    is_required: bool = False
    hint: str = ""
    value: str = ""
    options: tuple[tuple[str, Any], ...] = ()

    def read(self, typed: str | int) -> Any:
        """What somebody typed or chose, as a value of JSON. Raises Unreadable."""
        if isinstance(typed, int):
            return self.options[typed][1]
        try:
            if self.kind in ("number", "json"):
                value = json.loads(typed, parse_constant=_refuse, parse_float=_finite)
                return value if self.kind == "json" else _number(value)
        except ValueError as error:
            wanted = "a number" if self.kind == "number" else "JSON"
            raise Unreadable(f"{self.label}: this is not {wanted}.") from error
        return typed


def fields(schema: Mapping[str, Any] | None) -> tuple[Field, ...]:
    """The fields of a question, the required ones first; one of JSON where the schema is no list of properties."""
    if schema is None:
        return ()
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return (Field(None, "Answer", "json", hint=json.dumps(schema, ensure_ascii=False)),)
    required = [name for name in schema.get("required", ()) if name in properties]
    names = [*required, *(name for name in properties if name not in required)]
    return tuple(_field(name, properties[name], is_required=name in required) for name in names)


def answer(typed: Iterable[tuple[Field, str | int | None]]) -> Any:
    """The value of the whole form; fields that were left empty, None or no text, are not in it. Raises Unreadable."""
    whole: dict[str, Any] = {}
    for field, given in typed:
        if given is None or given == "":
            continue
        value = field.read(given)
        if field.name is None:
            return value
        whole[field.name] = value
    return whole


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(value)  # noqa: TRY004  (what was typed is wrong, not who calls)
    return value


def _finite(typed: str) -> float:
    value = float(typed)
    return value if math.isfinite(value) else _refuse(typed)


def _refuse(typed: str) -> NoReturn:
    raise ValueError(typed)


def _field(name: str, schema: Any, *, is_required: bool) -> Field:
    its: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    kind, options = _kind(its)
    label = str(its.get("title") or name.replace("_", " ").capitalize())
    default = its.get("default")
    value = "" if default is None or kind == "choice" else default if isinstance(default, str) else json.dumps(default)
    return Field(name, label, kind, is_required, str(its.get("description") or ""), value, options)


def _kind(schema: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, Any], ...]]:
    choices = schema.get("enum")
    if isinstance(choices, list):
        return "choice", tuple((c if c and isinstance(c, str) else json.dumps(c), c) for c in choices)
    match schema.get("type"):
        case "boolean":
            return "choice", (("Yes", True), ("No", False))
        case "number" | "integer":
            return "number", ()
        case "string":
            return "text", ()
    return "json", ()
