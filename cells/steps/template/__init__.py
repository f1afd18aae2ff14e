"""`template`: one value out of what the steps before gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cells.steps.step import InlineStep, StepType
from cells.templates import Template, compile_template


@dataclass(frozen=True)
class TemplateStep(InlineStep):
    """The step's template; its rendering is the output."""

    template: Template
    templates: tuple[tuple[str, Template], ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        return self.template.render(scope)

    def shown(self, config: Any) -> Any:  # noqa: ARG002
        return {"template": self.template.source}

    def compute(self, config: Any) -> Any:
        return config


def _compile(config: Mapping[str, Any], attr: str) -> TemplateStep:
    place = f"{attr}.template"
    template = compile_template(config["template"], place)
    return TemplateStep(template, ((place, template),))


def step_type() -> StepType:
    """The step type."""
    return StepType(
        type="template",
        title="Template",
        description="Makes a value from the inputs and the steps before. One single {{ expression }} keeps its type.",
        config_schema={
            "type": "object",
            "properties": {
                "template": {
                    "type": "string",
                    "title": "Template",
                    "description": "Jinja2, for example {{ inputs.name | title }}.",
                    "format": "template",
                    "x-multiline": True,
                },
            },
            "required": ["template"],
            "additionalProperties": False,
        },
        output_schema={"title": "The value"},
        compile=_compile,
    )
