"""`approval`: the run pauses until a person has answered, or the time for that is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cells.steps import times
from cells.steps.approval import form
from cells.steps.step import Pausing, PausingStep, Question, StepFailed, StepType
from cells.templates import Nested, Template, compile_value, is_template
from tableflow.errors import InvalidInput

ASSIGNEES_LIMIT = 20
NAME_LIMIT = 150
PROMPT_LIMIT = 20_000
ON_EXPIRY = ("error", "approved", "rejected")

_RENDERED = ("prompt", "assignees", "expires_in")


@dataclass(frozen=True)
class ApprovalStep(PausingStep):
    """A question whose prompt, assignees and time to answer are templates."""

    given: Nested
    fields: dict[str, Any] | None
    on_expiry: str
    templates: tuple[tuple[str, Template], ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        config = {**self.given.render(scope), "on_expiry": self.on_expiry}
        return config if self.fields is None else {**config, "fields": self.fields}

    def pause(self, config: Any, now: datetime) -> Pausing:
        question = Question(_prompt(config["prompt"]), self.fields, _assignees(config), self.on_expiry)
        return Pausing("approval", _due(config.get("expires_in"), now), question)


def _prompt(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if not text.strip():
        raise StepFailed("prompt: It came out empty.")
    if len(text) > PROMPT_LIMIT:
        raise StepFailed(f"prompt: It may be {PROMPT_LIMIT:,} characters long, and came out with {len(text):,}.")
    return text


def _assignees(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names, each once. A list that comes out empty is a failure: it would let everybody answer."""
    given = config.get("assignees") or []
    names = [name for item in given for name in (item if isinstance(item, list) else [item])]
    if any(not isinstance(name, str | None) or len(name or "") > NAME_LIMIT for name in names):
        raise StepFailed("assignees: They are names of users, as texts.")
    found = tuple(dict.fromkeys(name.strip() for name in names if name and name.strip()))
    if given and not found:
        raise StepFailed("assignees: Nobody is left, because all of them came out empty.")
    if len(found) > ASSIGNEES_LIMIT:
        raise StepFailed(f"assignees: They may be {ASSIGNEES_LIMIT}, and came out as {len(found)}.")
    return found


def _due(expires_in: Any, now: datetime) -> datetime | None:
    if expires_in is None:
        return None
    try:
        return now + timedelta(seconds=times.seconds(expires_in))
    except ValueError as error:
        raise StepFailed(f"expires_in: {error}") from error


def _compile(config: Mapping[str, Any], attr: str) -> ApprovalStep:
    fields = config.get("fields")
    if fields is not None:
        form.check(fields, f"{attr}.fields")
    expires_in = config.get("expires_in")
    if expires_in is not None and not is_template(expires_in):
        try:
            times.seconds(expires_in)
        except ValueError as error:
            raise InvalidInput.at(f"{attr}.expires_in", str(error)) from error
    given = compile_value({name: config[name] for name in _RENDERED if name in config}, attr)
    return ApprovalStep(given, fields, config.get("on_expiry", "error"), given.templates)


def step_type() -> StepType:
    """The step type."""
    return StepType(
        type="approval",
        title="Approval",
        description="Asks a person, and pauses until the answer; meanwhile it takes up no slot.",
        config_schema={
            "type": "object",
            "properties": {
                "prompt": {
                    "type": "string",
                    "title": "Question",
                    "description": "What the person is asked.",
                    "format": "template",
                    "x-multiline": True,
                    "minLength": 1,
                },
                "fields": {
                    "type": ["object", "null"],
                    "title": "Form",
                    "description": "A JSON Schema of an object: its properties are the fields to fill in.",
                },
                "assignees": {
                    "type": "array",
                    "title": "Who may answer",
                    "description": "Names of users; without any, whoever may edit the table.",
                    "items": {"type": "string", "format": "template", "minLength": 1},
                    "maxItems": ASSIGNEES_LIMIT,
                },
                "expires_in": {
                    "type": ["number", "string", "null"],
                    "title": "Seconds to answer",
                    "description": "From 0 to 31,536,000 (a year); without it the question never expires.",
                    "format": "template",
                },
                "on_expiry": {
                    "type": "string",
                    "title": "When nobody has answered",
                    "enum": list(ON_EXPIRY),
                    "default": "error",
                },
            },
            "required": ["prompt"],
            "additionalProperties": False,
        },
        output_schema={
            "type": "object",
            "properties": {
                "decision": {"enum": ["approved", "rejected"], "title": "The decision"},
                "fields": {"type": ["object", "null"], "title": "The form as it was filled in"},
                "by": {"type": ["string", "null"], "title": "Who answered; null when the time was over"},
                "at": {"type": "string", "format": "date-time", "title": "When"},
            },
        },
        compile=_compile,
    )
