"""`llm`: one question to a model behind any OpenAI-compatible endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cells import connections, schemas
from cells.steps.llm import models
from cells.steps.step import StepFailed, StepType, WaitingStep
from cells.templates import Nested, Template, compile_value
from cells.values import Unfit, plain

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_RENDERED = ("model", "system", "prompt")
_PASSED = ("temperature", "max_tokens")


@dataclass(frozen=True)
class LlmStep(WaitingStep):
    """A question whose model, system message and prompt are templates. The answer fits the schema, if there is one."""

    given: Nested
    passed: Mapping[str, Any]
    schema: Mapping[str, Any] | None
    connection: str | None
    templates: tuple[tuple[str, Template], ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        config = {**self.given.render(scope), **self.passed}
        return {**config, "connection": self.connection} if self.connection else config

    async def perform(self, config: Any) -> Any:
        connection = connections.resolve_model(self.connection)
        answer = await models.complete(connection, self._request(config))
        if answer.refusal:
            raise StepFailed(f"The model refused: {answer.refusal[:500]}")
        usage = {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens, "cost": answer.cost}
        output = {"text": answer.text, "data": None, "usage": usage}
        if self.schema is not None:
            output["data"] = _data(output, schemas.unhurried(self.schema), answer.finish_reason)
        try:
            return plain(output)
        except Unfit as error:
            raise StepFailed(f"The model's answer cannot be used: {error}") from error

    def _request(self, config: Mapping[str, Any]) -> dict[str, Any]:
        messages = [{"role": "system", "content": _text(config["system"])}] if config.get("system") else []
        messages.append({"role": "user", "content": _text(config["prompt"])})
        request: dict[str, Any] = {"model": _text(config["model"]), "messages": messages, **self.passed}
        if self.schema is not None:
            answer = {"name": "answer", "schema": self.schema}
            request["response_format"] = {"type": "json_schema", "json_schema": answer}
        return request


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _data(output: Mapping[str, Any], validator: Validator, finish_reason: str | None) -> Any:
    """The answer by the schema. Raises StepFailed, which another try may mend."""
    try:
        data = json.loads(output["text"])
    except (ValueError, RecursionError) as error:
        cut = " It was cut off: raise max_tokens." if finish_reason == "length" else ""
        raise StepFailed(f"The model's answer is no JSON.{cut}", retryable=True, output=output) from error
    problems = schemas.problems(validator, data, "data")
    if problems:
        said = "; ".join(f"{problem.attr}: {problem.detail}" for problem in problems[:5])
        raise StepFailed(f"The model's answer does not fit the schema: {said}", retryable=True, output=output)
    return data


def _compile(config: Mapping[str, Any], attr: str) -> LlmStep:
    connections.check(config.get("connection"), f"{attr}.connection")
    if "schema" in config:
        schemas.check(config["schema"], f"{attr}.schema")
    given = compile_value({name: config[name] for name in _RENDERED if name in config}, attr)
    return LlmStep(
        given=given,
        passed={name: config[name] for name in _PASSED if name in config},
        schema=config.get("schema"),
        connection=config.get("connection"),
        templates=given.templates,
    )


def step_type() -> StepType:
    """The step type."""
    return StepType(
        type="llm",
        title="Language model",
        description="Asks a model behind an OpenAI-compatible address; with a schema the answer is structured data.",
        config_schema={
            "type": "object",
            "properties": {
                "connection": {
                    "type": "string",
                    "title": "Connection",
                    "description": "Whose address and key to use; without one, the operator's provider.",
                },
                "model": {"type": "string", "title": "Model", "format": "template", "minLength": 1},
                "system": {"type": "string", "title": "System message", "format": "template", "x-multiline": True},
                "prompt": {
                    "type": "string",
                    "title": "Prompt",
                    "format": "template",
                    "x-multiline": True,
                    "minLength": 1,
                },
                "schema": {
                    "type": "object",
                    "title": "Schema of the answer",
                    "description": "A JSON Schema: the answer is data that fits it. Patterns are for the model only.",
                },
                "temperature": {"type": "number", "title": "Temperature", "minimum": 0, "maximum": 2},
                "max_tokens": {"type": "integer", "title": "Most tokens of the answer", "minimum": 1},
            },
            "required": ["model", "prompt"],
            "additionalProperties": False,
        },
        output_schema={
            "type": "object",
            "properties": {
                "text": {"type": "string", "title": "The answer"},
                "data": {"title": "The answer as data, by the schema"},
                "usage": {
                    "type": "object",
                    "properties": {
                        "input_tokens": {"type": ["integer", "null"]},
                        "output_tokens": {"type": ["integer", "null"]},
                        "cost": {"type": ["number", "null"]},
                    },
                },
            },
        },
        compile=_compile,
    )
