"""The arguments of a function: checked against its signature when the workflow is written, brought to the
annotated type when it runs. A template without a single expression gives text, and a number may well be meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from cells.functions import Function
from cells.steps.step import StepFailed
from cells.templates import is_template
from tableflow.errors import Problem

_WHOLE = re.compile(r"[+-]?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,300}(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,2})?", re.IGNORECASE)
_TRUE, _FALSE = {"true", "yes", "1", "on"}, {"false", "no", "0", "off", ""}


def problems(function: Function, arguments: Mapping[str, Any], attr: str) -> list[Problem]:
    """What is wrong with the arguments' names, and with those that are given as they are (no templates)."""
    known = function.parameters["properties"]
    takes = ", ".join(known) or "none"
    found = [
        Problem(f"{function.name} has no argument {name!r}; it has: {takes}.", f"{attr}.{name}", "unknown")
        for name in arguments
        if name not in known
    ]
    found += [
        Problem(f"{function.name} needs the argument {name!r}.", f"{attr}.{name}", "required")
        for name in function.parameters["required"]
        if name not in arguments
    ]
    for name, value in arguments.items():
        if name in known and isinstance(value, str | int | float | None) and not is_template(value):
            try:
                converter(known[name])(value)
            except ValueError as error:
                found.append(Problem(str(error), f"{attr}.{name}"))
    return found


def converters(function: Function) -> dict[str, Callable[[Any], Any]]:
    """For each parameter what brings a value to its type, raising ValueError."""
    return {name: converter(schema) for name, schema in function.parameters["properties"].items()}


def converter(schema: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What brings a value to the type of this schema; values it cannot bring there raise ValueError."""
    if "anyOf" in schema:
        return _first_of([converter(option) for option in schema["anyOf"]], schema)
    if "enum" in schema:
        return _one_of(schema["enum"])
    return _CONVERTERS.get(schema.get("type", ""), _as_it_is)


def convert(converters: Mapping[str, Callable[[Any], Any]], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, each of its type. Raises StepFailed, naming the first that cannot be."""
    converted = {}
    for name, value in arguments.items():
        try:
            converted[name] = converters[name](value)
        except ValueError as error:
            raise StepFailed(f"The argument {name!r}: {error}") from error
    return converted


def _as_it_is(value: Any) -> Any:
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise ValueError("It must be a text, and is empty (null).")
    return json.dumps(value, ensure_ascii=False)


def _integer(value: Any) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    number = _number(value)
    if number != number // 1:
        raise ValueError(f"It must be a whole number, not {_said(value)}.")
    return int(number)


def _number(value: Any) -> float | int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    raise ValueError(f"It must be a number, not {_said(value)}.")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"It must be true or false, not {_said(value)}.")


def _container(kind: type, name: str) -> Callable[[Any], Any]:
    def convert_container(value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"It must be {name}, not {_said(value)}.") from error
        if not isinstance(value, kind):
            raise ValueError(f"It must be {name}, not {_said(value)}.")  # noqa: TRY004  (one error for every type)
        return value

    return convert_container


def _null(value: Any) -> None:
    if value is not None:
        raise ValueError("It must be empty.")


def _one_of(allowed: list[Any]) -> Callable[[Any], Any]:
    def choose(value: Any) -> Any:
        for option in allowed:
            if value == option or (isinstance(value, str) and value == str(option)):
                return option
        raise ValueError(f"It must be one of {', '.join(map(str, allowed))}, not {_said(value)}.")

    return choose


def _first_of(options: list[Callable[[Any], Any]], schema: Mapping[str, Any]) -> Callable[[Any], Any]:
    nullable = {"type": "null"} in schema["anyOf"]
    others = [option for option in options if option is not _null]

    def convert_any(value: Any) -> Any:
        if value is None and nullable:
            return None
        failure = ValueError("It fits none of the allowed types.")
        for option in others:
            try:
                return option(value)
            except ValueError as error:
                failure = error
        raise failure

    return convert_any


def _said(value: Any) -> str:
    said = json.dumps(value, ensure_ascii=False, default=str)
    return said if len(said) <= 60 else said[:60] + "…"


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "null": _null,
    "array": _container(list, "a list"),
    "object": _container(dict, "an object"),
}
