"""A trial: a workflow run once, without a table, while somebody waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from cells import network
from cells.models import WorkflowVersion
from cells.workflows.definition import Program, compile_program
from cells.workflows.results import Completed, Failed, Paused, Result, Trace
from cells.workflows.run import resume, run

LIMIT_SECONDS = 120.0


def test(version: WorkflowVersion, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Run a version once: `{status: completed|error|paused, outputs, error, steps}`.

    It has an event loop of its own, so the caller must not be on one. It is stopped after two minutes. It ends as
    paused at what asks a person, and at a wait that is longer than what is left of them.
    """
    return once(compile_program(version.inputs, version.steps, version.outputs), inputs, {})


def once(program: Program, inputs: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a program and the values of a row. No connection to the database is held meanwhile."""
    if not connection.in_atomic_block:
        connection.close()
    return asyncio.run(_tested(program, inputs, row))


async def _tested(program: Program, inputs: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    ends_at = time.monotonic() + LIMIT_SECONDS
    trace: Trace = []
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            result = await run(program, inputs, row, trace=trace)
            while isinstance(result, Paused) and (wait := _wait(result)) is not None:
                if time.monotonic() + wait >= ends_at:
                    break
                await asyncio.sleep(wait)
                given = {"resumed_at": datetime.now(UTC).isoformat()} if result.kind == "wait" else None
                result = await resume(program, result.standing, row, given, trace=trace)
    except TimeoutError:
        result = _stopped(trace)
    finally:
        await network.close()
    return _answer(result)


def _wait(paused: Paused) -> float | None:
    """The seconds until it goes on by itself; None when it waits for a person."""
    if paused.question is not None or paused.due_at is None:
        return None
    return max(0.0, (paused.due_at - datetime.now(UTC)).total_seconds())


def _stopped(trace: Trace) -> Failed:
    message = f"A test is stopped after {LIMIT_SECONDS:g} s."
    for record in trace:
        if record["status"] in ("running", "paused"):
            record.update(status="error", error=message)
    return Failed(message, trace)


def _answer(result: Result) -> dict[str, Any]:
    match result:
        case Completed(outputs, steps):
            return {"status": "completed", "outputs": outputs, "error": None, "steps": steps}
        case Failed(error, steps):
            return {"status": "error", "outputs": None, "error": error, "steps": steps}
        case Paused(trace=steps):
            return {"status": "paused", "outputs": None, "error": None, "steps": steps}
