"""`wait`: the run pauses for some seconds, or until a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cells.steps import times
from cells.steps.step import Pausing, PausingStep, StepFailed, StepType
from cells.templates import Nested, Template, compile_value, is_template
from tableflow.errors import InvalidInput


@dataclass(frozen=True)
class WaitStep(PausingStep):
    """The span or the moment, either of which may be a template."""

    given: Nested
    templates: tuple[tuple[str, Template], ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        return self.given.render(scope)

    def pause(self, config: Any, now: datetime) -> Pausing:
        try:
            return Pausing("wait", _due(config, now))
        except ValueError as error:
            (name,) = config
            raise StepFailed(f"{name}: {error}") from error


def _due(config: Mapping[str, Any], now: datetime) -> datetime:
    if "until" in config:
        return times.moment(config["until"])
    return now + timedelta(seconds=times.seconds(config["seconds"]))


def _compile(config: Mapping[str, Any], attr: str) -> WaitStep:
    if len(config) != 1:
        said = "A wait has seconds or until, not both." if config else "A wait needs seconds or until."
        raise InvalidInput.at(f"{attr}.{'until' if config else 'seconds'}", said, "invalid" if config else "required")
    ((name, value),) = config.items()
    if not is_template(value):
        try:
            times.moment(value) if name == "until" else times.seconds(value)
        except ValueError as error:
            raise InvalidInput.at(f"{attr}.{name}", str(error)) from error
    given = compile_value(dict(config), attr)
    return WaitStep(given, given.templates)


def step_type() -> StepType:
    """The step type."""
    return StepType(
        type="wait",
        title="Wait",
        description="Pauses for some seconds, or until a time; meanwhile it takes up no slot. One of the two is given.",
        config_schema={
            "type": "object",
            "properties": {
                "seconds": {
                    "type": ["number", "string"],
                    "title": "Seconds",
                    "description": "From 0 to 31,536,000 (a year).",
                    "format": "template",
                },
                "until": {
                    "type": "string",
                    "title": "Until",
                    "description": "A date or a time as ISO 8601 has them; without an offset it is UTC.",
                    "format": "template",
                },
            },
            "required": [],
            "additionalProperties": False,
        },
        output_schema={
            "type": "object",
            "properties": {"resumed_at": {"type": "string", "format": "date-time", "title": "When it went on"}},
        },
        compile=_compile,
    )
