"""How a workflow runs: its steps one after the other, each under its condition, timeout, retries and `on_error`.

The result is a value, matched exhaustively by whoever asked; only a cancellation is raised.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cells.models import WorkflowVersion
from cells.steps import shown
from cells.steps.step import InlineStep, StepFailed, WaitingStep
from cells.templates import TemplateFailed
from cells.values import is_true
from cells.workflows.definition import BACKOFF_LIMIT_SECONDS, PlannedStep, Program, Retry, compile_program

RETRY_AFTER_LIMIT_SECONDS = 60.0
TEST_LIMIT_SECONDS = 120.0
ERROR_LIMIT = 4000

Trace = list[dict[str, Any]]

logger = logging.getLogger(__name__)


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


Result = Completed | Failed


class _Stop(Exception):
    """A step failed and the workflow with it; the message is the error."""


async def run(program: Program, inputs: Mapping[str, Any], row: Mapping[str, Any]) -> Result:
    """Run the program once. An input that is not given is null; `row` has a value for every column key.

    The trace has one record a step that was reached. Raises nothing but CancelledError.
    """
    return await _run(program, inputs, row, [])


async def _run(program: Program, inputs: Mapping[str, Any], row: Mapping[str, Any], trace: Trace) -> Result:
    given: dict[str, Any] = {}
    scope = {"inputs": {name: inputs.get(name) for name in program.inputs}, "steps": given, "row": row}
    try:
        for planned in program.steps:
            given[planned.id] = await _step(planned, scope, trace)
        return Completed(_outputs(program, scope), trace)
    except _Stop as stop:
        return Failed(str(stop), trace)


def _outputs(program: Program, scope: Mapping[str, Any]) -> dict[str, Any]:
    outputs = {}
    for name, template in program.outputs:
        try:
            outputs[name] = template.render(scope)
        except TemplateFailed as error:
            raise _Stop(f"The output {name!r}: {error}"[:ERROR_LIMIT]) from error
    return outputs


async def _step(planned: PlannedStep, scope: Mapping[str, Any], trace: Trace) -> Any:
    """What `steps.<id>` is from now on. Its record is in the trace, however it ends."""
    began = time.perf_counter()
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
    trace.append(record)
    try:
        if planned.condition is not None and not is_true(planned.condition.render(scope)):
            record["status"] = "skipped"
            return None
        output = await _tried(planned, scope, record)
        record["output"] = shown.kept(planned.step.shown_output(output))
        record["status"] = "completed"
    except (StepFailed, TemplateFailed) as failure:
        return _failed(planned, record, failure)
    except Exception as error:
        logger.exception("A step of type %s failed in an unforeseen way", planned.type)
        return _failed(planned, record, StepFailed(f"Internal error: {type(error).__name__}: {error}"))
    finally:
        record["duration_ms"] = round((time.perf_counter() - began) * 1000, 3)
    return output


def _failed(planned: PlannedStep, record: dict[str, Any], failure: StepFailed | TemplateFailed) -> dict[str, Any]:
    message = str(failure)[:ERROR_LIMIT]
    record["status"] = "error"
    record["error"] = message
    if isinstance(failure, StepFailed) and failure.output is not None:
        record["output"] = shown.kept(planned.step.shown_output(failure.output))
    if not planned.goes_on:
        raise _Stop(f"{planned.id}: {message}") from failure
    return {"error": message}


async def _tried(planned: PlannedStep, scope: Mapping[str, Any], record: dict[str, Any]) -> Any:
    """The step's output, after as many tries as it is allowed."""
    config = planned.step.render(scope)
    record["input"] = shown.kept(planned.step.shown(config))
    for number in itertools.count(1):
        record["attempts"] = number
        try:
            return await _attempt(planned, config)
        except StepFailed as failure:
            if not failure.retryable or number >= planned.retry.attempts:
                raise
            wait = wait_seconds(planned.retry, number, failure.retry_after)
            retries = record.setdefault("retries", [])
            retries.append({"error": str(failure)[:ERROR_LIMIT], "waited_s": round(wait, 3)})
            await asyncio.sleep(wait)
    raise AssertionError("counting has no end")


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


def wait_seconds(retry: Retry, failures: int, retry_after: float | None) -> float:
    """How long to wait after that many failures: doubling from the backoff, less up to a half by chance, and no less
    than the other side asked for (a minute at most).
    """
    longest: float = min(retry.backoff_seconds * 2.0 ** (failures - 1), BACKOFF_LIMIT_SECONDS)
    asked = min(retry_after or 0.0, RETRY_AFTER_LIMIT_SECONDS)
    return max(longest * random.uniform(0.5, 1.0), asked)


def test(version: WorkflowVersion, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Run a version once, without a table: `{status: completed|error, outputs, error, steps}`.

    It has an event loop of its own, so the caller must not be on one. It is stopped after two minutes.
    """
    return asyncio.run(_tested(compile_program(version.inputs, version.steps, version.outputs), inputs))


async def _tested(program: Program, inputs: Mapping[str, Any]) -> dict[str, Any]:
    from cells import network

    trace: Trace = []
    result: Result
    try:
        async with asyncio.timeout(TEST_LIMIT_SECONDS):
            result = await _run(program, inputs, {}, trace)
    except TimeoutError:
        result = Failed(f"A test is stopped after {TEST_LIMIT_SECONDS:g} s.", trace)
    finally:
        await network.close()
    match result:
        case Completed(outputs, steps):
            return {"status": "completed", "outputs": outputs, "error": None, "steps": steps}
        case Failed(error, steps):
            return {"status": "error", "outputs": None, "error": error, "steps": steps}
