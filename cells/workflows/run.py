"""How a workflow runs: its steps one after the other, each under its condition, timeout, retries and `on_error`.

The result is a value, matched exhaustively by whoever asked; only a cancellation is raised. A run that pauses ends with
its standing, and `resume` goes on from there: the trace is one list from the first start to the end.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cells.steps import shown
from cells.steps.step import InlineStep, Pausing, PausingStep, Question, StepFailed, WaitingStep
from cells.steps.times import spoken
from cells.templates import TemplateFailed
from cells.values import is_true, readable_size
from cells.workflows.definition import PlannedStep, Program
from cells.workflows.results import Completed, Failed, Paused, Result, Standing, Trace
from cells.workflows.retries import RETRY_IN_PLACE_SECONDS, wait_seconds

__all__ = ["Completed", "Failed", "Paused", "Question", "Result", "Standing", "Trace", "resume", "run"]

ERROR_LIMIT = 4000
EXPIRED = {"expired": True}
"""What a step is given instead of a result when nobody answered and that is an error."""

STANDING_LIMIT = 16 * 1024 * 1024
"""How much a run may keep while it is paused, in bytes of JSON."""
_SAID_LIMIT = readable_size(STANDING_LIMIT)

logger = logging.getLogger(__name__)


class _Stop(Exception):
    """A step failed and the workflow with it; the message is the error."""


class _Pause(Exception):
    """The run pauses at this step, which has failed `tries` times so far."""

    def __init__(self, step: str, pausing: Pausing, tries: int = 0) -> None:
        super().__init__(step)
        self.step = step
        self.pausing = pausing
        self.tries = tries


@dataclass(frozen=True)
class _Resumed:
    """What a run that goes on brings to its step: the step's record, and a result or the tries before.

    `allowed_seconds`: what it was paused for at most; None when it had no end.
    """

    record: dict[str, Any]
    result: Any | None
    tries: int
    allowed_seconds: float | None

    @classmethod
    def of(cls, record: dict[str, Any], result: Any | None, tries: int) -> _Resumed:
        """From the record of a step that was paused, which is so no more."""
        due_at = record.pop("due_at", None)
        allowed = _between(record["started_at"], due_at) if due_at else None
        return cls(record, result, tries, allowed)

    def given(self) -> Any:
        """What the step gives. Raises StepFailed when nobody answered in time."""
        if self.result == EXPIRED:
            span = "the time that was given" if self.allowed_seconds is None else spoken(self.allowed_seconds)
            raise StepFailed(f"Nobody answered within {span}.")
        return self.result


async def run(
    program: Program,
    inputs: Mapping[str, Any],
    row: Mapping[str, Any],
    *,
    may_pause: bool = True,
    trace: Trace | None = None,
) -> Result:
    """Run the program once. An input that is not given is null; `row` has a value for every column key.

    The trace has one record a step that was reached; `trace` is an empty list for it, for who wants it also when this
    is cancelled. When it may not pause it waits where it is, however long that is, and a step that asks somebody fails.
    Raises nothing but CancelledError.
    """
    named = {name: inputs.get(name) for name in program.inputs}
    return await _Walk(program, named, {}, row, [] if trace is None else trace, may_pause=may_pause).on(0)


async def resume(
    program: Program, standing: Standing, row: Mapping[str, Any], result: Any | None, *, trace: Trace | None = None
) -> Result:
    """Go on where a run paused. `standing` is left as it is; `trace` is a list for the records, as with `run`.

    `result` is what the step gives now: `{"resumed_at"}` after a wait, `{"decision", "fields", "by", "at"}` after an
    approval, `{"expired": True}` fails it because nobody answered. None: the step is tried again. The program may be
    of a newer version; when it has no such step any more the run has failed.
    """
    trace = [] if trace is None else trace
    trace[:] = [dict(record) for record in standing.trace]
    at = replace(standing, trace=trace)
    record = next((record for record in reversed(trace) if record["id"] == standing.step), None)
    place = next((at for at, planned in enumerate(program.steps) if planned.id == standing.step), None)
    if record is None or place is None or program.steps[place].type != record["type"]:
        return _nowhere("It paused here, and the workflow has no such step any more. Run the cell again.", at)
    inputs = {**dict.fromkeys(program.inputs), **standing.inputs}
    walk = _Walk(program, inputs, dict(standing.given), row, trace, may_pause=True)
    return await walk.on(place, _Resumed.of(record, result, standing.tries))


def _nowhere(message: str, standing: Standing) -> Failed:
    """The end of a run that cannot pause at this step, or go on from it."""
    for record in standing.trace:
        if record["id"] == standing.step:
            record.pop("due_at", None)
            record.update(status="error", error=message)
    return Failed(f"{standing.step}: {message}", standing.trace)


class _Walk:
    """One walk along the steps, from wherever it starts to the end, a failure or a pause."""

    def __init__(
        self,
        program: Program,
        inputs: dict[str, Any],
        given: dict[str, Any],
        row: Mapping[str, Any],
        trace: Trace,
        *,
        may_pause: bool,
    ) -> None:
        self._program = program
        self._inputs = inputs
        self._given = given
        self._scope = {"inputs": inputs, "steps": given, "row": row}
        self._trace = trace
        self._may_pause = may_pause

    async def on(self, place: int, resumed: _Resumed | None = None) -> Result:
        """Walk on from the step at this place."""
        try:
            for planned in self._program.steps[place:]:
                self._given[planned.id] = await self._step(planned, resumed)
                resumed = None
            return Completed(self._outputs(), self._trace)
        except _Stop as stop:
            return Failed(str(stop), self._trace)
        except _Pause as pause:
            return self._paused(pause)

    def _paused(self, pause: _Pause) -> Paused | Failed:
        standing = Standing(pause.step, self._inputs, self._given, self._trace, pause.tries)
        if shown.weighs_more([self._inputs, self._given], STANDING_LIMIT):
            return _nowhere(f"It cannot pause: what the steps before gave is bigger than {_SAID_LIMIT}.", standing)
        return Paused(pause.pausing.kind, standing, pause.pausing.due_at, pause.pausing.question, self._trace)

    def _outputs(self) -> dict[str, Any]:
        outputs = {}
        for name, template in self._program.outputs:
            try:
                outputs[name] = template.render(self._scope)
            except TemplateFailed as error:
                raise _Stop(f"The output {name!r}: {error}"[:ERROR_LIMIT]) from error
        return outputs

    async def _step(self, planned: PlannedStep, resumed: _Resumed | None) -> Any:
        """What `steps.<id>` is from now on. Its record is in the trace, however it ends."""
        record = self._record(planned, resumed)
        earlier_ms, began = _earlier_ms(resumed), time.perf_counter()
        try:
            if resumed is None and not self._applies(planned, record):
                record["status"] = "skipped"
                return None
            output = await self._output(planned, record, resumed)
            record["output"] = shown.kept(planned.step.shown_output(output))
            record["status"] = "completed"
        except _Pause as pause:
            _paused(record, pause)
            raise
        except (StepFailed, TemplateFailed) as failure:
            return _failed(planned, record, failure)
        except Exception as error:
            logger.exception("A step of type %s failed in an unforeseen way", planned.type)
            return _failed(planned, record, StepFailed(f"Internal error: {type(error).__name__}: {error}"))
        finally:
            record["duration_ms"] = round(earlier_ms + (time.perf_counter() - began) * 1000, 3)
        return output

    def _record(self, planned: PlannedStep, resumed: _Resumed | None) -> dict[str, Any]:
        if resumed is not None:
            return resumed.record
        record: dict[str, Any] = {
            "id": planned.id,
            "type": planned.type,
            "status": "running",
            "input": None,
            "output": None,
            "error": None,
            "started_at": datetime.now(UTC).isoformat(),
            "duration_ms": 0,
            "attempts": 0,
        }
        self._trace.append(record)
        return record

    def _applies(self, planned: PlannedStep, record: dict[str, Any]) -> bool:
        if planned.condition is None:
            return True
        try:
            return is_true(planned.condition.render(self._scope))
        except TemplateFailed:
            record["input"] = {"if": planned.condition.source}
            raise

    async def _output(self, planned: PlannedStep, record: dict[str, Any], resumed: _Resumed | None) -> Any:
        if resumed is not None and resumed.result is not None:
            return resumed.given()
        config = self._config(planned, record)
        if isinstance(planned.step, PausingStep):
            return await self._pausing(planned, planned.step, config, record)
        return await self._tried(planned, config, record, resumed.tries if resumed else 0)

    def _config(self, planned: PlannedStep, record: dict[str, Any]) -> Any:
        try:
            config = planned.step.render(self._scope)
        except (TemplateFailed, StepFailed):
            record["input"] = shown.kept(shown.sources(planned.step.templates)) or None
            raise
        record["input"] = shown.kept(planned.step.shown(config))
        return config

    async def _pausing(self, planned: PlannedStep, step: PausingStep, config: Any, record: dict[str, Any]) -> Any:
        record["attempts"] = 1
        now = datetime.now(UTC)
        pausing = step.pause(config, now)
        lies_behind = pausing.due_at is not None and pausing.due_at <= now
        if pausing.question is None and lies_behind:
            return {"resumed_at": now.isoformat()}
        if self._may_pause:
            raise _Pause(planned.id, pausing)
        if pausing.question is not None or pausing.due_at is None:
            raise StepFailed("Nobody can be asked here.")
        await asyncio.sleep((pausing.due_at - now).total_seconds())
        return {"resumed_at": datetime.now(UTC).isoformat()}

    async def _tried(self, planned: PlannedStep, config: Any, record: dict[str, Any], tries: int) -> Any:
        """The step's output, after as many tries as it is allowed."""
        for number in itertools.count(tries + 1):
            record["attempts"] = number
            began = datetime.now(UTC)
            try:
                return await _attempt(planned, config)
            except StepFailed as failure:
                if not failure.retryable or number >= planned.retry.attempts:
                    raise
                wait = wait_seconds(planned.retry, number, failure.retry_after)
                record["retries"] = [*record.get("retries", ()), _retry(planned, failure, began, wait)]
            await self._wait_for_retry(planned, number, wait)
        raise AssertionError("counting has no end")

    async def _wait_for_retry(self, planned: PlannedStep, tries: int, seconds: float) -> None:
        if self._may_pause and seconds > RETRY_IN_PLACE_SECONDS:
            due_at = datetime.now(UTC) + timedelta(seconds=seconds)
            raise _Pause(planned.id, Pausing("retry", due_at), tries)
        await asyncio.sleep(seconds)


def _earlier_ms(resumed: _Resumed | None) -> float:
    """How long the step has taken before, its pauses included; nothing when the clock was set back."""
    if resumed is None:
        return 0.0
    return max(0.0, _between(resumed.record["started_at"], datetime.now(UTC).isoformat()) * 1000)


def _between(earlier: str, later: str) -> float:
    """The seconds between two moments, as the trace has them."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


def _paused(record: dict[str, Any], pause: _Pause) -> None:
    record["status"] = "paused"
    if pause.pausing.due_at is not None:
        record["due_at"] = pause.pausing.due_at.isoformat()


def _failed(planned: PlannedStep, record: dict[str, Any], failure: StepFailed | TemplateFailed) -> dict[str, Any]:
    message = str(failure)[:ERROR_LIMIT]
    record["status"] = "error"
    record["error"] = message
    if isinstance(failure, StepFailed) and failure.output is not None:
        record["output"] = shown.kept(planned.step.shown_output(failure.output))
    if not planned.goes_on:
        raise _Stop(f"{planned.id}: {message}") from failure
    return {"error": message}


def _retry(planned: PlannedStep, failure: StepFailed, began: datetime, wait: float) -> dict[str, Any]:
    """What is kept of a try that another one follows; `waited_s` is the wait before that."""
    took = datetime.now(UTC) - began
    output = None if failure.output is None else planned.step.shown_output(failure.output)
    return {
        "error": str(failure)[:ERROR_LIMIT],
        "output": shown.kept(output, shown.RETRY_LIMIT),
        "started_at": began.isoformat(),
        "duration_ms": round(took.total_seconds() * 1000, 3),
        "waited_s": round(wait, 3),
    }


async def _attempt(planned: PlannedStep, config: Any) -> Any:
    match planned.step:
        case InlineStep() as step:
            return step.compute(config)
        case WaitingStep() as step:
            return await _within(planned.timeout_seconds, step, config)
    raise TypeError(f"{planned.step!r} is neither inline nor waiting")


async def _within(seconds: float, step: WaitingStep, config: Any) -> Any:
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            return await step.perform(config)
    except TimeoutError as error:
        if not deadline.expired():
            raise StepFailed(f"TimeoutError: {error}", retryable=True) from error
        raise StepFailed(f"It took longer than its timeout of {seconds:g} s.", retryable=True) from error
