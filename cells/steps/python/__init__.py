"""`python`: a function that an installed app registers (cells/functions). Code is never typed into a page.

Async functions are awaited; sync ones run in threads (cells/threads.py), `quick` ones on the loop. When a sync function
outlives the step's timeout the step fails at once, and the function is told to end by an exception raised within it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from cells import functions, threads
from cells.functions import Function
from cells.steps.python import arguments
from cells.steps.step import InlineStep, StepFailed, StepType, WaitingStep
from cells.templates import Nested, Template, compile_value
from cells.values import Unfit, plain
from tableflow.errors import InvalidInput


@dataclass(frozen=True)
class _Call:
    """A function with the templates of its arguments."""

    function: Function
    given: Nested
    converters: Mapping[str, Callable[[Any], Any]]

    def render(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        return arguments.convert(self.converters, self.given.render(scope))

    def shown(self, config: dict[str, Any]) -> dict[str, Any]:
        return {"function": self.function.name, "arguments": config}

    def __call__(self, config: dict[str, Any]) -> Any:
        try:
            return plain(self.function.call(**config))
        except StepFailed:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise _failure(error) from error

    async def awaited(self, config: dict[str, Any]) -> Any:
        try:
            return plain(await self.function.call(**config))
        except StepFailed:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise _failure(error) from error


@dataclass(frozen=True)
class QuickStep(InlineStep):
    """A call of a quick function."""

    call: _Call
    templates: tuple[tuple[str, Template], ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        return self.call.render(scope)

    def shown(self, config: Any) -> Any:
        return self.call.shown(config)

    def compute(self, config: Any) -> Any:
        return self.call(config)


@dataclass(frozen=True)
class PythonStep(WaitingStep):
    """A call of an async function, or of a sync one in a thread."""

    call: _Call
    templates: tuple[tuple[str, Template], ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        return self.call.render(scope)

    def shown(self, config: Any) -> Any:
        return self.call.shown(config)

    async def perform(self, config: Any) -> Any:
        if self.call.function.is_async:
            return await self.call.awaited(config)
        return await threads.call(partial(self.call, config))


def _failure(error: BaseException) -> StepFailed:
    if isinstance(error, Unfit):
        return StepFailed(f"What the function returned cannot be used. {error}")
    return StepFailed(f"{type(error).__name__}: {error}", retryable=True)


def _compile(config: Mapping[str, Any], attr: str) -> QuickStep | PythonStep:
    function = functions.find(config["function"])
    if function is None:
        known = ", ".join(known.name for known in functions.listing()) or "none"
        raise InvalidInput.at(
            f"{attr}.function", f"There is no function {config['function']!r}; there are: {known}.", "unknown"
        )
    given = config.get("arguments", {})
    problems = arguments.problems(function, given, f"{attr}.arguments")
    if problems:
        raise InvalidInput(problems)
    nested = compile_value(given, f"{attr}.arguments")
    call = _Call(function, nested, arguments.converters(function))
    if function.quick and not function.is_async:
        return QuickStep(call, nested.templates)
    return PythonStep(call, nested.templates)


def step_type() -> StepType:
    """The step type. `x-functions` of its config schema lists the functions with their arguments."""
    return StepType(
        type="python",
        title="Python function",
        description="Calls a function that an installed app offers. The output is what the function returns.",
        config_schema={
            "type": "object",
            "properties": {
                "function": {"type": "string", "title": "Function", "minLength": 1},
                "arguments": {
                    "type": "object",
                    "title": "Arguments",
                    "description": "By name; a text may be a template.",
                    "additionalProperties": {"format": "template"},
                },
            },
            "required": ["function"],
            "additionalProperties": False,
            "x-functions": [
                {
                    "name": function.name,
                    "title": function.title,
                    "description": function.description,
                    "parameters": function.parameters,
                    "returns": function.returns,
                }
                for function in functions.listing()
            ],
        },
        output_schema={"title": "What the function returned"},
        compile=_compile,
    )
