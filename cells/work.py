"""Running one cell: a group's pinned workflow on a row's values, from inputs to the values for its columns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection

from cells import lifecycle, threads
from cells.binding import Binding, bind
from cells.lifecycle import Claim, Ended, Suspended
from cells.models import Status
from cells.templates import TemplateFailed
from cells.usage import Usage
from cells.workflows import programs
from cells.workflows import run as workflow_run
from cells.workflows.programs import Compiled
from cells.workflows.results import Completed, Failed, Paused, Result, Standing

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class GroupRun:
    """A group as a dispatch pinned it, ready to run. `version` is None when its workflow was deleted before.

    `upstream` are the groups of the dispatch that it reads; `feeds`: a group outside the dispatch reads what it gives.
    """

    id: int
    bit: int
    auto_run: bool
    run_after: Sequence[str]
    keys: Sequence[str]
    usage: Usage
    upstream: Sequence[int]
    feeds: bool
    version: Compiled | None = field(compare=False)
    binding: Binding | None = field(compare=False)

    @classmethod
    def of(cls, pinned: Mapping[str, Any]) -> GroupRun:
        """From the dispatch's plan (dispatch/plan.py says what it holds)."""
        version = programs.compiled(pinned["version_id"]) if pinned["version_id"] else None
        binding = bind(pinned, version.program, pinned["columns"]) if version else None
        return cls(
            id=pinned["id"],
            bit=pinned["bit"],
            auto_run=pinned["auto_run"],
            run_after=pinned["run_after"],
            keys=pinned["keys"],
            usage=Usage(tuple(pinned["reads"]), pinned["token"]),
            upstream=pinned["upstream"],
            feeds=pinned["feeds"],
            version=version,
            binding=binding,
        )


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
    express: bool = False

    async def run(self) -> Ended | Suspended:
        """Run the workflow, or go on with it; every failure is an end like another. Only a cancellation escapes."""
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

    async def _run(self) -> Ended | Suspended:
        version, binding = self.group.version, self.group.binding
        if version is None or binding is None:
            return self._ended(
                Status.ERROR, error="The workflow of this column was deleted. Choose another one for it."
            )
        row = {**dict.fromkeys(self.group.keys), **self.row}
        if self.claim.standing is not None:
            return await self._go_on(self.claim.standing, version, binding, row)
        try:
            if not binding.run_if(row):
                return self._ended(Status.SKIPPED)
            inputs = binding.inputs(row)
        except TemplateFailed as failure:
            return self._ended(Status.ERROR, error=str(failure))
        return self._judged(await workflow_run.run(version.program, inputs, row), version, binding)

    async def _go_on(
        self, at: lifecycle.Standing, version: Compiled, binding: Binding, row: Mapping[str, Any]
    ) -> Ended | Suspended:
        """Go on where the cell was paused, with the version that it was paused with or was moved to since."""
        if at.version_id is not None and at.version_id != version.id:
            moved_to: Compiled | None = await asyncio.to_thread(_version, at.version_id)
            version = moved_to or version
        result = await workflow_run.resume(version.program, Standing.from_json(at.state), row, at.result)
        return self._judged(result, version, binding)

    def _judged(self, result: Result, version: Compiled, binding: Binding) -> Ended | Suspended:
        match result:
            case Completed(outputs, trace):
                patch, notes = binding.patch(outputs)
                if notes:
                    trace = [*trace, {"id": "outputs", "type": "outputs", "status": "completed", "notes": notes}]
                return self._ended(Status.COMPLETED, output=patch, trace=trace, version=version.number)
            case Failed(error, trace):
                return self._ended(Status.ERROR, error=error, trace=trace, version=version.number)
            case Paused(kind, standing, due_at, question):
                asked = asdict(question) if question is not None else None
                return Suspended(self.claim, kind, standing.as_json(), due_at, asked, version.id)

    async def report(self, results: Any) -> None:
        """Run, and put the end into the draw's queue, whatever it is."""
        threads.express.set(self.express)
        try:
            results.put(await self.run())
        except asyncio.CancelledError:
            results.put(Aborted(self.claim))

    def run_inline(self) -> Ended | Suspended:
        """Run a program that never waits, without the event loop."""
        coroutine = self.run()
        try:
            coroutine.send(None)
        except StopIteration as stop:
            ended: Ended | Suspended = stop.value
            return ended
        coroutine.close()
        raise RuntimeError("A program that says it never waits has waited")

    def _ended(self, status: Status, **what: Any) -> Ended:
        what.setdefault("version", self.group.version.number if self.group.version else None)
        return Ended(self.claim, status, self.group.bit, **what)


def _version(version_id: int) -> Compiled | None:
    """Another version than the dispatch's, read in a thread of its own, whose connection goes back."""
    try:
        return programs.compiled(version_id)
    finally:
        connection.close()
