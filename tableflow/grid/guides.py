"""What the page tells about step types to somebody who writes a workflow: their config, and a step to begin with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cells.steps import registry
from cells.steps.step import StepType

EXAMPLES: dict[str, dict[str, Any]] = {
    "template": {"template": "{{ inputs.text | title }}"},
    "http": {"method": "GET", "url": "https://example.org/search", "query": {"q": "{{ inputs.text }}"}},
    "llm": {"model": "gpt-4o-mini", "prompt": "In one sentence: what is {{ inputs.text }}?"},
    "python": {"function": "word_count", "arguments": {"text": "{{ inputs.text }}"}},
    "wait": {"seconds": 60},
    "approval": {"prompt": "Is this right? {{ inputs.text }}", "expires_in": 86400, "on_expiry": "rejected"},
}
RESULTS = {"http": ".body", "llm": ".text", "wait": ".resumed_at", "approval": ".decision"}


@dataclass(frozen=True)
class Part:
    """A property of a config; `about` is its description, with its choices where there are some."""

    name: str
    kind: str
    required: bool
    about: str


@dataclass(frozen=True)
class Function:
    """A function for the python step, as it is called."""

    call: str
    about: str


@dataclass(frozen=True)
class Guide:
    """A step type explained; `example` is a whole step as JSON, `result` what of its output one mostly wants."""

    type: str
    title: str
    description: str
    parts: tuple[Part, ...]
    functions: tuple[Function, ...]
    output: str
    example: str
    result: str


def guides() -> list[Guide]:
    """Every step type that this installation has."""
    return [_guide(step_type) for step_type in registry.step_types()]


def example(type_: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A step of that type that shows its required config."""
    config = EXAMPLES.get(type_) or dict.fromkeys(schema.get("required", ()), "")
    functions = schema.get("x-functions")
    if functions:
        config = _call(functions[0])
    return {"id": type_, "type": type_, "config": config}


def _call(function: Mapping[str, Any]) -> dict[str, Any]:
    parameters = function["parameters"]
    names = parameters.get("required") or list(parameters.get("properties", {}))[:1]
    return {"function": function["name"], "arguments": dict.fromkeys(names, "{{ inputs.text }}")}


def _guide(step_type: StepType) -> Guide:
    schema = step_type.config_schema
    required = schema.get("required", ())
    return Guide(
        type=step_type.type,
        title=step_type.title,
        description=step_type.description,
        parts=tuple(
            Part(name, _kind(part), name in required, _about(part)) for name, part in schema["properties"].items()
        ),
        functions=tuple(_function(function) for function in schema.get("x-functions", ())),
        output=_output(step_type),
        example=json.dumps(example(step_type.type, schema), indent=2, ensure_ascii=False),
        result=RESULTS.get(step_type.type, ""),
    )


def _kind(part: Mapping[str, Any]) -> str:
    if part.get("format") == "template":
        return "template"
    kind = part.get("type", "any")
    return kind if isinstance(kind, str) else " or ".join(kind)


def _about(part: Mapping[str, Any]) -> str:
    said = [str(part.get("description", part.get("title", ""))).removesuffix(".") + "."]
    if "enum" in part:
        said.append(f"One of {', '.join(map(str, part['enum']))}.")
    if "default" in part:
        said.append(f"Without it: {part['default']}.")
    return " ".join(text for text in said if text != ".")


def _function(function: Mapping[str, Any]) -> Function:
    names = ", ".join(function["parameters"].get("properties", {}))
    return Function(f"{function['name']}({names})", function["description"].splitlines()[0])


def _output(step_type: StepType) -> str:
    names = list(step_type.output_schema.get("properties", {}))
    if not names:
        return f"steps.{step_type.type}"
    return ", ".join(f"steps.{step_type.type}.{name}" for name in names)
