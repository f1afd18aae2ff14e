"""Running one cell: a group's pinned workflow on a row's values, from inputs to the values for its columns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cells.binding import Binding, bind
from cells.lifecycle import Claim, Ended
from cells.models import Status, WorkflowVersion
from cells.templates import TemplateFailed
from cells.workflows import run as workflow_run
from cells.workflows.definition import Program, compile_program
from cells.workflows.run import Completed, Failed

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GroupRun:
    """A group as a dispatch pinned it, ready to run. `program` is None when its workflow was deleted before."""

    id: int
    bit: int
    auto_run: bool
    run_after: Sequence[str]
    keys: Sequence[str]
    version: int | None
    program: Program | None = field(compare=False)
    binding: Binding | None = field(compare=False)

    @classmethod
    def of(cls, pinned: Mapping[str, Any]) -> GroupRun:
        """From the dispatch's plan (dispatch/plan.py says what it holds)."""
        program = _program(pinned["version_id"]) if pinned["version_id"] else None
        binding = bind(pinned, program, pinned["columns"]) if program else None
        return cls(
            id=pinned["id"],
            bit=pinned["bit"],
            auto_run=pinned["auto_run"],
            run_after=pinned["run_after"],
            keys=pinned["keys"],
            version=pinned["version"],
            program=program,
            binding=binding,
        )


@lru_cache(maxsize=256)
def _program(version_id: int) -> Program | None:
    version = WorkflowVersion.objects.filter(pk=version_id).first()
    return compile_program(version.inputs, version.steps, version.outputs) if version else None


@dataclass(frozen=True)
class Aborted:
    """A cell whose coroutine was cancelled, because its claim was taken away: nothing of it is written."""

    claim: Claim


@dataclass(frozen=True)
class Work:
    """A claimed cell with all that is needed to run it."""

    claim: Claim
    group: GroupRun
    row: Mapping[str, Any]

    async def run(self) -> Ended:
        """Run the workflow; every failure is an end like another. Only a cancellation escapes."""
        try:
            return await self._run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled this cell: a function let the cancellation of something that it awaited escape.
            return self._ended(Status.ERROR, error="A function of this workflow was cancelled from within.")
        except Exception as failure:  # the cell's edge: one that fails in an unforeseen way stops no other
            logger.exception("Execution %s failed in an unforeseen way", self.claim.id)
            return self._ended(Status.ERROR, error=f"{type(failure).__name__}: {failure}")

    async def _run(self) -> Ended:
        program, binding = self.group.program, self.group.binding
        if program is None or binding is None:
            return self._ended(
                Status.ERROR, error="The workflow of this column was deleted. Choose another one for it."
            )
        row = {**dict.fromkeys(self.group.keys), **self.row}
        try:
            if not binding.run_if(row):
                return self._ended(Status.SKIPPED)
            inputs = binding.inputs(row)
        except TemplateFailed as failure:
            return self._ended(Status.ERROR, error=str(failure))
        match await workflow_run.run(program, inputs, row):
            case Completed(outputs, trace):
                return self._completed(binding, outputs, trace)
            case Failed(error, trace):
                return self._ended(Status.ERROR, error=error, trace=trace)

    async def report(self, results: Any) -> None:
        """Run, and put the end into the draw's queue, whatever it is."""
        try:
            results.put(await self.run())
        except asyncio.CancelledError:
            results.put(Aborted(self.claim))

    def run_inline(self) -> Ended:
        """Run a program that never waits, without the event loop."""
        coroutine = self.run()
        try:
            coroutine.send(None)
        except StopIteration as stop:
            ended: Ended = stop.value
            return ended
        coroutine.close()
        raise RuntimeError("A program that says it never waits has waited")

    def _completed(self, binding: Binding, outputs: dict[str, Any], trace: list[dict[str, Any]]) -> Ended:
        patch, notes = binding.patch(outputs)
        if notes:
            trace = [*trace, {"id": "outputs", "type": "outputs", "status": "completed", "notes": notes}]
        return self._ended(Status.COMPLETED, output=patch, trace=trace)

    def _ended(self, status: Status, **what: Any) -> Ended:
        return Ended(self.claim, status, self.group.bit, version=self.group.version, **what)
