"""How a run of a workflow can end, as values: completed, failed, or paused at a step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cells.steps.step import Question

Trace = list[dict[str, Any]]


@dataclass(frozen=True)
class Standing:
    """Where a paused run goes on: plain JSON.

    `step`: the id of the step it stands at. `given`: `steps.<id>` of the steps before. `trace`: the records so far,
    that of this step included. `tries`: how often this step has failed so far.
    """

    step: str
    inputs: dict[str, Any]
    given: dict[str, Any]
    trace: Trace
    tries: int

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "step": self.step,
            "inputs": self.inputs,
            "given": self.given,
            "trace": self.trace,
            "tries": self.tries,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Standing:
        """Back from what `as_json` gave."""
        return cls(state["step"], state["inputs"], state["given"], state["trace"], state["tries"])


@dataclass(frozen=True)
class Completed:
    """Every step ran or was skipped. `outputs` has every output of the workflow."""

    outputs: dict[str, Any]
    trace: Trace


@dataclass(frozen=True)
class Failed:
    """A step or an output failed; `error` names it."""

    error: str
    trace: Trace


@dataclass(frozen=True)
class Paused:
    """The run stands at a step and holds nothing: `resume` goes on with it.

    `kind` is "wait", "approval" or "retry". `due_at` (aware, UTC): when it goes on by itself, or the question expires;
    None: never by itself. `question` is there for approvals only.
    """

    kind: str
    standing: Standing
    due_at: datetime | None
    question: Question | None
    trace: Trace


Result = Completed | Failed | Paused
