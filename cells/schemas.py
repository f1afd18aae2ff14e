"""JSON Schemas: what a value lacks against one, as problems that name the field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, validators
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from cells import formats
from tableflow.errors import InvalidInput, Problem

_DETAIL_LIMIT = 300

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a text",
}


def _unchecked(*_: Any) -> Iterator[ValidationError]:
    yield from ()


_WithoutPatterns: type[Validator] = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _unchecked, "patternProperties": _unchecked}
)


def validator(schema: Mapping[str, Any]) -> Validator:
    """A validator that reads nothing but the schema itself: a `$ref` elsewhere is never fetched."""
    return Draft202012Validator(schema, registry=Registry())


def unhurried(schema: Mapping[str, Any], checker: FormatChecker | None = None) -> Validator:
    """A validator of a schema that a user wrote, and of the formats of the checker where there is one.

    It does not look at `pattern`: a bad one can take for ever, and would hold up every other cell of the process.
    """
    return _WithoutPatterns(schema, registry=Registry(), format_checker=checker)


def check_draft(schema: Mapping[str, Any], attr: str) -> None:
    """Raises InvalidInput at `attr` when this is no JSON Schema of the 2020-12 draft."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise InvalidInput.at(attr, f"This is no JSON Schema: {_short(error.message)}") from error


def check(schema: Mapping[str, Any], attr: str) -> None:
    """Raises InvalidInput at `attr` when this is no JSON Schema of the draft, or one that leads out of itself."""
    check_draft(schema, attr)
    for key, value in _keywords(schema):
        if key in {"$ref", "$dynamicRef"} and isinstance(value, str) and not value.startswith("#"):
            raise InvalidInput.at(attr, f"The reference {value!r} leads out of the schema; only #/… can be used.")
        if key == "patternProperties":
            raise InvalidInput.at(attr, "patternProperties cannot be used here.")


def problems(against: Validator, value: Any, attr: str) -> list[Problem]:
    """Everything in which the value does not fit, each at its own field."""
    try:
        found = [problem for error in against.iter_errors(value) for problem in _of(error, attr)]
    except (Unresolvable, RecursionError) as error:
        return [Problem(f"The schema cannot be followed: {_short(str(error))}", attr)]
    return list(dict.fromkeys(found))


def _of(error: ValidationError, attr: str) -> Iterator[Problem]:
    place = ".".join([attr, *(str(part) for part in error.absolute_path)])
    rule: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "required":
        for name in rule:
            if name not in instance:
                yield Problem(f"{name!r} is required.", f"{place}.{name}", "required")
    elif error.validator == "additionalProperties" and rule is False:
        known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
        for name in instance:
            if name not in known:
                detail = f"{name!r} is not known here; known are: {', '.join(known)}."
                yield Problem(detail, f"{place}.{name}", "unknown")
    else:
        yield Problem(_short(_said(error)), place)


def _said(error: ValidationError) -> str:
    """What is wrong, in plain words where there are some."""
    rule: Any = error.validator_value
    words: dict[str, Callable[[], str]] = {
        "type": lambda: f"This must be {_any_of([rule] if isinstance(rule, str) else rule)}.",
        "enum": lambda: f"This must be one of: {', '.join(json.dumps(item, ensure_ascii=False) for item in rule)}.",
        "format": lambda: f"This must be {formats.EXAMPLES.get(rule, rule)}.",
        "minLength": lambda: "This must not be empty." if rule == 1 else f"This must have {rule:,} characters or more.",
        "maxLength": lambda: f"This may have {rule:,} characters at most.",
    }
    say = words.get(str(error.validator))
    return say() if say else error.message


def _any_of(types: list[str]) -> str:
    return " or ".join(_TYPES.get(type_, type_) for type_ in types)


def _keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            yield key, value
            yield from _keywords(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _keywords(item)


def _short(text: str) -> str:
    return text if len(text) <= _DETAIL_LIMIT else text[:_DETAIL_LIMIT] + "…"
