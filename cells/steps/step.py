"""What a step type is, what a compiled step can do, and how it fails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cells.templates import Template

TIMEOUT_SECONDS = 60.0


class StepFailed(Exception):
    """A step did not give its output.

    `retryable`: another try may do better. `retry_after`: seconds that the other side asked us to wait first.
    `output`: what there was all the same, for the trace.
    """

    def __init__(
        self, message: str, *, retryable: bool = False, retry_after: float | None = None, output: Any = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after
        self.output = output


class Step(ABC):
    """A compiled step: its templates are ready, its config is checked. One of InlineStep, WaitingStep, PausingStep."""

    templates: tuple[tuple[str, Template], ...]
    """Every template of the config, with its place."""

    @abstractmethod
    def render(self, scope: Mapping[str, Any]) -> Any:
        """The config with its templates rendered. Raises TemplateFailed or StepFailed."""

    def shown(self, config: Any) -> Any:
        """What a trace shows of a rendered config."""
        return config

    def shown_output(self, output: Any) -> Any:
        """What a trace shows of an output."""
        return output


class InlineStep(Step):
    """A step that never waits and takes microseconds: it runs where it stands."""

    @abstractmethod
    def compute(self, config: Any) -> Any:
        """The output, plain JSON. Raises StepFailed."""


class WaitingStep(Step):
    """A step that waits for something: it runs as a coroutine, under a timeout."""

    timeout_seconds: float = TIMEOUT_SECONDS

    @abstractmethod
    async def perform(self, config: Any) -> Any:
        """The output, plain JSON. Raises StepFailed."""


@dataclass(frozen=True)
class Question:
    """What a person is asked. `fields` is the JSON Schema of a form, None when there is none.

    `assignees` are names of users; empty: whoever may edit the table. `on_expiry`: "error", "approved" or "rejected".
    """

    prompt: str
    fields: dict[str, Any] | None
    assignees: tuple[str, ...]
    on_expiry: str


@dataclass(frozen=True)
class Pausing:
    """What a run pauses for. `due_at` (aware, UTC): when it goes on by itself, or the question expires; None: never."""

    kind: str
    due_at: datetime | None
    question: Question | None = None


class PausingStep(Step):
    """A step during which nothing runs: the run is stored, and goes on from the store with what the step gives then."""

    @abstractmethod
    def pause(self, config: Any, now: datetime) -> Pausing:
        """What it pauses for. Without a question, a time that is not after `now` does not pause. Raises StepFailed."""


@dataclass(frozen=True)
class StepType:
    """A kind of step: what it is for, the JSON Schemas of its config and output, and its compiler.

    `compile(config, attr)` is given a config that fits the schema and raises InvalidInput for the rest.
    A text of the config whose schema has `"format": "template"` is a template; `"x-multiline": true` says that a form
    gives it several lines.
    """

    type: str
    title: str
    description: str
    config_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any]
    compile: Callable[[Mapping[str, Any], str], Step]
