"""An answer that satisfies a JSON Schema, by rule. What the rules cannot promise is refused, never ignored."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tableflow.demo import prose
from tableflow.errors import InvalidInput

_PLAIN = {"title", "description", "default", "examples", "$schema", "$defs", "additionalProperties", "strict"}
_KEYWORDS = _PLAIN | {
    "type", "enum", "const", "anyOf", "$ref", "properties", "required", "items", "minItems", "maxItems",
    "minimum", "maximum", "minLength", "maxLength",
}  # fmt: skip
_MOST_DEPTH = 10
_MOST_PARTS = 500
_MOST_ITEMS = 20
_MOST_LENGTH = 2000
_LARGEST = 1e15


class Filler:
    """Fills one schema with one prompt's facts."""

    def __init__(self, root: Mapping[str, Any], facts: prose.Facts) -> None:
        self._root = root
        self._facts = facts
        self._parts = 0
        self._kinds: dict[str, Callable[[Mapping[str, Any], str, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "number": self._number,
            "integer": self._integer,
            "boolean": self._boolean,
            "null": lambda *_: None,
        }

    def fill(self) -> Any:
        """The answer; InvalidInput for a schema that is too deep, too large, or uses what is not supported."""
        return self._value(self._root, "", 0)

    def _value(self, schema: Any, name: str, depth: int) -> Any:
        self._check(schema, name, depth)
        if "$ref" in schema:
            return self._value(self._referred(schema["$ref"]), name, depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._member(schema["enum"], name)
        if "anyOf" in schema:
            return self._value(_first(schema["anyOf"], "anyOf"), name, depth + 1)
        kind = self._kinds.get(str(_kind(schema)))
        if kind is None:
            raise _unusable(f"the type {_kind(schema)!r} of {name or 'the answer'} is not known")
        return kind(schema, name, depth)

    def _check(self, schema: Any, name: str, depth: int) -> None:
        if not isinstance(schema, dict):
            raise _unusable(f"the schema of {name or 'the answer'} must be an object")
        self._parts += 1
        if depth > _MOST_DEPTH or self._parts > _MOST_PARTS:
            raise _unusable(f"it is deeper than {_MOST_DEPTH} levels or larger than {_MOST_PARTS} parts")
        unknown = sorted(set(schema) - _KEYWORDS)
        if unknown:
            raise _unusable(f"the demo model does not support the keyword {unknown[0]!r}")

    def _referred(self, reference: Any) -> Any:
        prefix, _, name = str(reference).rpartition("/")
        definitions = self._root.get("$defs")
        if prefix != "#/$defs" or not isinstance(definitions, dict) or name not in definitions:
            raise _unusable(f"{reference!r} refers to nothing: use #/$defs/name")
        return definitions[name]

    def _member(self, members: Any, name: str) -> Any:
        """The first member that the facts bear out, else any."""
        _first(members, "enum")
        known = prose.traits(self._facts)
        fitting = [member for member in members if isinstance(member, str) and member.lower() in known]
        return fitting[0] if fitting else members[int(self._facts.choose("enum", name) * len(members))]

    def _object(self, schema: Mapping[str, Any], _: str, depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise _unusable("properties must be an object and required a list")
        missing = [key for key in required if not isinstance(key, str) or key not in properties]
        if missing:
            raise _unusable(f"the required property {missing[0]!r} is not among the properties")
        return {key: self._value(part, key, depth + 1) for key, part in properties.items()}

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[Any]:
        least, most = _range(schema, "minItems", "maxItems", 0, _MOST_ITEMS)
        part = schema.get("items", {"type": "string"})
        if isinstance(part, dict) and part.get("type") == "string" and "enum" not in part:
            words = prose.traits(self._facts)
            return [self._fit(part, word) for word in (words * _MOST_ITEMS)[: min(max(least, len(words)), most)]]
        return [self._value(part, f"{name} {index}", depth + 1) for index in range(min(max(least, 1), most))]

    def _string(self, schema: Mapping[str, Any], name: str, _: int) -> str:
        fact = self._facts.by_name.get(name.lower().replace("_", " "))
        return self._fit(schema, fact or prose.sentence(self._facts))

    def _fit(self, schema: Mapping[str, Any], text: str) -> str:
        least, most = _range(schema, "minLength", "maxLength", 0, _MOST_LENGTH)
        return text[:most].ljust(least, ".")

    def _number(self, schema: Mapping[str, Any], name: str, _: int) -> float:
        least, most = _bounds(schema)
        fact = self._facts.number(name.lower().replace("_", " "))
        if fact is not None and math.isfinite(fact):
            return min(max(fact, least), most)
        start = least if least > -_LARGEST else min(0.0, most - 100)
        end = most if most < _LARGEST else start + 100
        return min(max(round(start + self._facts.choose("number", name) * (end - start), 2), start), end)

    def _integer(self, schema: Mapping[str, Any], name: str, depth: int) -> int:
        least, most = (math.ceil(_bounds(schema)[0]), math.floor(_bounds(schema)[1]))
        if least > most:
            raise _unusable("no whole number lies between minimum and maximum")
        return min(max(int(self._number(schema, name, depth)), least), most)

    def _boolean(self, _: Mapping[str, Any], name: str, __: int) -> bool:
        return self._facts.choose("boolean", name) < 0.5


def _kind(schema: Mapping[str, Any]) -> Any:
    """The schema's type, the first of several; an object where properties say so, else a string."""
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _first(kind, "type") if isinstance(kind, list) else kind


def _bounds(schema: Mapping[str, Any]) -> tuple[float, float]:
    least, most = schema.get("minimum"), schema.get("maximum")
    for bound in (least, most):
        if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | float)):
            raise _unusable("minimum and maximum must be numbers")
    low = -_LARGEST if least is None else float(least)
    high = _LARGEST if most is None else float(most)
    if not -_LARGEST <= low <= high <= _LARGEST:
        raise _unusable("minimum must not be above maximum, nor either beyond 1e15")
    return low, high


def _range(schema: Mapping[str, Any], lower: str, upper: str, least: int, most: int) -> tuple[int, int]:
    low, high = schema.get(lower, least), schema.get(upper, most)
    if not all(isinstance(bound, int) and not isinstance(bound, bool) for bound in (low, high)):
        raise _unusable(f"{lower} and {upper} must be whole numbers")
    if not 0 <= low <= min(high, most):
        raise _unusable(f"{lower} must be from 0 to {upper}, and at most {most}")
    return low, min(high, most)


def _first(members: Any, keyword: str) -> Any:
    if not isinstance(members, list) or not members:
        raise _unusable(f"{keyword} must be a list that is not empty")
    return members[0]


def _unusable(reason: str) -> InvalidInput:
    return InvalidInput.at("response_format", f"The schema cannot be used: {reason}.")
