"""The deeds: what people, workers, messages and faults do to one table. Each is one call of the engine, or a few.

Whatever a deed needs to choose it takes as a number, and counts round what there is to choose from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from unittest import mock

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models.functions import Now

from cells import lifecycle, usage
from cells.eligibility import unmet
from cells.lifecycle import Claim, Ended, Suspended
from cells.models import Approval, Status, Worker
from cells.work import Aborted
from dispatch import admit, audit, bell, cancel, caps, gather, lanes, pausing, plan, resume, sweep, waiting
from dispatch.begin import begin
from dispatch.lanes import Link
from dispatch.models import ACTIVE, Change, Dispatch, DispatchStatus, Lane
from tableflow.api import removal
from tableflow.errors import Conflict
from tableflow.tables import rows, schema
from tableflow.tables.models import Column
from tests import hands, scenes, standing
from tests.laws.draws import Hand, HandDraw
from tests.laws.laws import Deed, Laws, Shape
from tests.laws.view import read

T = TypeVar("T")

WIDTH = 3
PATIENCE = 400
LONG_AGO = timedelta(hours=1)
KEYS = "abc"


@dataclass(frozen=True)
class GroupPlan:
    """How a group of the table is made: what it reads, what it runs after besides, whether by itself."""

    reads: str
    run_after: tuple[str, ...]
    auto_run: bool


@dataclass(frozen=True)
class Message:
    """What lies in the broker."""

    task: str
    lane: int
    fence: int


@contextmanager
def small() -> Iterator[None]:
    """Windows, lanes and slots so small that a few rows fill several of them; what the bell sends goes nowhere."""
    with ExitStack() as stack:
        for module, name, value in (
            (admit, "NARROWEST", 1),
            (admit, "WIDEST", WIDTH),
            (plan, "CONCURRENCY_LOCAL", WIDTH),
            (lanes, "LANES", 2),
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        yield


class World:
    """One table, its workers and its messages; `do` does a deed and holds what came of it against the laws."""

    def __init__(self, groups: Sequence[GroupPlan], count: int) -> None:
        empty()
        self.table = scenes.table(0)
        Column.objects.create(table=self.table, key="go", name="Go", type="boolean", position=1)
        Column.objects.create(table=self.table, key="note", name="Note", type="text", position=2)
        work = scenes.doubling(self.table)
        self.groups = [
            scenes.group(
                self.table, work, key, reads=made.reads, run_after=list(made.run_after), auto_run=made.auto_run
            )
            for key, made in zip(KEYS, groups, strict=False)
        ]
        self.person = get_user_model().objects.get(username="owner")
        self.usages = usage.of(schema.load(self.table.pk))
        shapes = {
            group.pk: Shape(group.pk, group.name, group.bit, frozenset(self.usages[group.pk].keys), group.auto_run)
            for group in self.groups
        }
        self.laws = Laws(shapes)
        self.workers: list[Hand] = []
        self.draws: list[HandDraw] = []
        self.ghosts: list[HandDraw] = []
        self.messages: list[Message] = []
        self.values = iter(range(1000, 1_000_000))
        self.names = iter(range(1_000_000))
        self.let_be: set[tuple[int, int]] = set()
        self.view = read(self.table.pk, self.usages)
        self.do(Deed("insert"), rows.insert, self.table, [{"n": n, "go": True} for n in range(count)])
        self.hire()

    def do(self, deed: Deed, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Make the call; then the laws of the step and of the state must hold."""
        with self._collecting():
            given = call(*args, **kwargs)
        before, self.view = self.view, read(self.table.pk, self.usages)
        unknown = self.view.dispatches.keys() - self.laws.upstream.keys()
        for dispatch_id, pinned in Dispatch.objects.filter(pk__in=unknown).values_list("pk", "plan") if unknown else ():
            self.laws.upstream[dispatch_id] = {group["id"]: group["upstream"] for group in pinned}
        self.laws.check(before, deed, self.view)
        return given

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name, does in (
                ("ring", self._ring),
                ("announce", self._call),
                ("call", self._call),
                ("ask_for_total", self._ask),
            ):
                stack.enter_context(mock.patch.object(bell, name, does))
            yield

    def _ring(self, link: Link) -> None:
        self.messages += [Message("draw", link.lane_id, link.fence)] * link.tasks

    def _ask(self, dispatch: Dispatch) -> None:
        """The counting is a deed of its own (`count`)."""

    def _call(self, _: Dispatch, called: Iterable[Lane]) -> None:
        self.messages += [Message("advance", lane.pk, lane.fence) for lane in called]

    # what people do

    def insert(self, data: Sequence[Mapping[str, Any]], after: int | None) -> None:
        """New rows, at the end or after a row."""
        place = pick(self.row_ids, after) if after is not None and self.row_ids else None
        self.do(Deed("insert"), rows.insert, self.table, data, after=place)

    def edit(self, chosen: Sequence[int], patch: Mapping[str, Any]) -> None:
        """Write the same values into some rows."""
        named = {pick(self.row_ids, number): patch for number in chosen}
        for row in named:  # what a filter named may be another row now
            for group in self.groups:
                self.laws.stopped.pop((row, group.pk), None)
        self.do(Deed("edit", recalls=True), rows.update, self.table, named)

    def delete(self, number: int) -> None:
        """Delete a row, with what runs in it."""
        row = pick(self.row_ids, number)
        self.do(Deed("delete", self._cells([row])), removal.delete_rows, self.table, [row])

    def begin(self, mode: str, scope: Mapping[str, Any], groups: Sequence[int], given_caps: Mapping[str, Any]) -> None:
        """Press Run."""
        chosen = self._chosen(groups)
        what = self._scope(scope)
        named = self._cells(self._matching(what), chosen)
        limit = scope.get("limit")
        self.do(
            Deed("begin", named), begin, self.table.pk, groups=chosen, mode=mode, limit=limit, caps=given_caps, **what
        )

    def stop(self, scope: Mapping[str, Any], groups: Sequence[int]) -> None:
        """Stop a part of the table, or all of it."""
        what = {key: value for key, value in self._scope(scope).items() if key != "exclude_rows"}
        named = self._cells(self._matching(what), self._chosen(groups))
        numbers = [dispatch["sequence"] for dispatch in self.view.dispatches.values()]
        before = max(numbers, default=0)
        self.do(
            Deed("stop", named, recalls=True), cancel.cancel_runs, self.table.pk, groups=self._chosen(groups), **what
        )
        self.let_be |= named
        # What was pending became a run, and was stopped with the rest.
        barred = max([before, *(dispatch["sequence"] for dispatch in self.view.dispatches.values())])
        self.laws.stopped |= dict.fromkeys(named, barred)
        late = [cell for cell in self.view.in_flight if (cell.row, cell.group) in named]
        assert late == [], f"stopped, and in flight when the call had answered: {late}"

    def stop_dispatch(self, number: int) -> None:
        """Stop one run."""
        dispatch = pick(self.active, number)
        of_it = {(c.row, c.group) for c in self.view.in_flight if c.dispatch == dispatch}
        self.let_be |= self._cells(self.row_ids)
        self.do(Deed("stop a run", frozenset(of_it)), cancel.cancel_dispatch, dispatch)
        assert self.view.dispatches[dispatch]["status"] == DispatchStatus.CANCELLED

    def pause_dispatch(self, number: int) -> None:
        """Pause a run."""
        self.do(Deed("pause"), pausing.pause_dispatch, pick(self.active, number))

    def resume_dispatch(self, number: int) -> None:
        """Resume a run, if it is paused and no cap is in the way."""
        paused = [pk for pk in self.active if self.view.dispatches[pk]["status"] == DispatchStatus.PAUSED]
        chosen = pick(paused or self.active, number)
        with suppress(Conflict):  # a cap is in the way
            self.do(Deed("resume"), pausing.resume_dispatch, chosen)

    def answer(self, number: int, decision: str) -> None:
        """Answer an open question, and once more: the second answer changes nothing."""
        asked = sorted(self.view.asked.values())
        approval = pick(asked, number)
        self.do(Deed("answer"), resume.answer, Approval.objects.get(pk=approval), self.person, decision, None)
        view = self.view
        self.do(Deed("answer again"), resume.answer, Approval.objects.get(pk=approval), self.person, "rejected", None)
        assert self.view == view, "an answer was taken twice"

    # what happens by itself

    def gather(self) -> None:
        """Beat gathers the changes."""
        self.do(Deed("gather", recalls=True), gather.gather, self.table.pk)

    def resume_due(self) -> None:
        """Beat lets what is due go on."""
        self.do(Deed("resume due"), resume.resume_due)

    def sweep(self) -> None:
        """Beat sweeps."""
        self.do(Deed("sweep"), sweep.sweep)

    def count(self, number: int) -> None:
        """The cells that a run asks for are counted in the background."""
        self.do(Deed("count"), waiting.count_total, pick(self.active, number))

    # messages

    def deliver(self, number: int, times: int) -> None:
        """A message comes, or comes twice."""
        message = self.messages.pop(number % len(self.messages))
        for _ in range(times):
            if message.task == "advance":
                self.do(Deed("advance"), self._advance, message)
            elif self.workers:
                self._enter(message, pick(self.workers, number))

    def _advance(self, message: Message) -> None:
        link = lanes.advance(message.lane, message.fence)
        if link is not None:
            bell.ring(link)

    def _enter(self, message: Message, worker: Hand) -> None:
        lane = lanes.enter(message.lane, message.fence)
        if lane is None:
            self.messages.append(Message("advance", message.lane, message.fence))
        else:
            self.draws.append(HandDraw(lane, message.fence, worker))

    def lose(self, number: int) -> None:
        """A message is lost."""
        self.messages.pop(number % len(self.messages))

    def expire(self, number: int) -> None:
        """A lane's lease runs out, be its draw slow or its message lost."""
        found = list(Lane.objects.filter(dispatch__table=self.table, retired_at=None).order_by("pk"))
        if found:
            Lane.objects.filter(pk=pick(found, number).pk).update(lease_until=Now() - LONG_AGO)

    # workers

    def hire(self) -> None:
        """A worker comes."""
        self.workers.append(Hand(f"worker-{next(self.names)}"))

    def die(self, number: int) -> None:
        """A worker falls silent: what it holds is held by a ghost, which may still write."""
        worker = self.workers.pop(number % len(self.workers))
        hands.lapse(worker.record)
        self._bury(worker)

    def retire(self, number: int) -> None:
        """A worker hands back what it holds, and leaves."""
        worker = self.workers.pop(number % len(self.workers))
        self.do(Deed("hand back"), worker.hand_back, ())
        Worker.objects.filter(pk=worker.record.pk).delete()
        self._bury(worker)

    def _bury(self, worker: Hand) -> None:
        self.ghosts += [draw for draw in self.draws if draw.worker is worker]
        self.draws = [draw for draw in self.draws if draw.worker is not worker]

    def beat(self, number: int) -> None:
        """A worker hands back what it was given by a commit whose answer was lost."""
        worker = pick(self.workers, number)
        keep = set().union(*(draw.holds for draw in self.draws if draw.worker is worker))
        self.do(Deed("beat"), worker.hand_back, keep)

    def turn(self, number: int, outcomes: Sequence[str], *, unseen: bool = False) -> None:
        """A draw commits how some of its cells ended, goes on, and claims."""
        draw = pick(self.draws, number)
        self._turn(draw, outcomes, unseen=unseen)
        if draw.is_over:
            self.draws.remove(draw)
            draw.leave()
            self.messages.append(Message("advance", draw.lane_id, draw.fence))

    def haunt(self, number: int, outcomes: Sequence[str]) -> None:
        """A dead worker wakes, and writes what it has in hand."""
        self._turn(pick(self.ghosts, number), outcomes, unseen=False)

    def _turn(self, draw: HandDraw, outcomes: Sequence[str], *, unseen: bool) -> None:
        gone = lifecycle.fenced(draw.leads)
        results = [
            self._result(draw, claim, outcome, is_gone=claim.id in gone)
            for claim, outcome in zip(draw.leads, outcomes, strict=False)
            if outcome != "keep"
        ]
        self.do(Deed("turn"), draw.turn, results, unseen=unseen)

    def _result(self, draw: HandDraw, claim: Claim, outcome: str, *, is_gone: bool) -> Ended | Suspended | Aborted:
        bit, key = draw.bit(claim), self.laws.groups[claim.group_id].key
        match outcome:
            case "abort" if is_gone:
                return Aborted(claim)
            case "wait":
                return Suspended(claim, "wait", standing.state("wait", "hold"), datetime.now(UTC) - LONG_AGO)
            case "ask":
                return Suspended(claim, "approval", standing.state("approval", "hold"), None, standing.question())
            case "error":
                return Ended(claim, Status.ERROR, bit, error="It broke.")
            case "skip":
                return Ended(claim, Status.SKIPPED, bit)
        output = {key: None if outcome == "blank" else next(self.values)}
        self.laws.given[claim.id, claim.fence] = output
        return Ended(claim, Status.COMPLETED, bit, output=output, version=1)

    # the end

    def drain(self) -> None:
        """Let all of it end; then nothing is in flight, every run has ended, and every count adds up."""
        for _ in range(PATIENCE):
            if self._is_calm():
                break
            self._heal()
            self._work()
        else:
            raise AssertionError(f"no end: {self._unfinished()}")
        self.sweep()
        self.laws.check_end(self.view)
        found = audit.audit()
        assert found.is_clean, found
        self._automatic_cells_are_fresh()

    def _is_calm(self) -> bool:
        return not (self.active or self.view.in_flight or Change.objects.filter(table=self.table).exists())

    def _unfinished(self) -> list[Any]:
        return [*(self.view.dispatches[pk] for pk in self.active), *self.view.in_flight]

    def _heal(self) -> None:
        if not self.workers:
            self.hire()
        self.gather()
        for dispatch in Dispatch.objects.filter(table=self.table, status=DispatchStatus.PAUSED):
            caps.change(dispatch.pk, None)
            self.do(Deed("resume"), pausing.resume_dispatch, dispatch.pk)
        self.resume_due()
        for _ in list(self.view.asked):
            self.answer(0, "approved")
        at_work = {draw.lane_id for draw in self.draws} | {message.lane for message in self.messages}
        resting = Lane.objects.filter(dispatch__table=self.table, retired_at=None).exclude(pk__in=at_work)
        resting.update(lease_until=Now() - LONG_AGO)
        self.sweep()
        for number in range(len(self.workers)):
            self.beat(number)

    def _work(self) -> None:
        for _ in list(self.messages):
            self.deliver(0, 1)
        for draw in list(self.draws):
            gone = lifecycle.fenced(draw.leads)
            self.turn(self.draws.index(draw), ["abort" if claim.id in gone else "complete" for claim in draw.leads])

    def _automatic_cells_are_fresh(self) -> None:
        """What runs by itself has run on what its row holds, but where somebody stopped it."""
        for group in (group for group in self.groups if group.auto_run):
            for row, (data, _) in self.view.rows.items():
                if unmet(group, data) or (row, group.pk) in self.let_be:
                    continue
                cell = self.view.at.get((row, group.pk))
                assert cell is not None, f"{group.name} of row {row} never ran by itself"
                assert not cell.outdated, f"{group.name} of row {row} did not run again by itself: {cell}"

    # choosing

    @property
    def row_ids(self) -> list[int]:
        """The rows that there are."""
        return sorted(self.view.rows)

    @property
    def active(self) -> list[int]:
        """The runs that have not ended."""
        return sorted(pk for pk, dispatch in self.view.dispatches.items() if dispatch["status"] in ACTIVE)

    @property
    def is_paused(self) -> bool:
        """Whether some run is paused."""
        return any(dispatch["status"] == DispatchStatus.PAUSED for dispatch in self.view.dispatches.values())

    def _chosen(self, groups: Sequence[int]) -> list[int] | None:
        return sorted({pick(self.groups, number).pk for number in groups}) or None

    def _scope(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        ids = self.row_ids
        match scope["kind"]:
            case "rows" if ids:
                return {"rows": sorted({pick(ids, number) for number in scope["rows"]})}
            case "filter":
                return {"filter": {"all": [{"field": "n", "op": "gt", "value": scope["over"]}]}}
            case "without" if ids:
                return {"exclude_rows": sorted({pick(ids, number) for number in scope["rows"]})}
        return {}

    def _matching(self, what: Mapping[str, Any]) -> list[int]:
        if "rows" in what:
            return list(what["rows"])
        if "filter" in what:
            over = what["filter"]["all"][0]["value"]
            return [row for row, (data, _) in self.view.rows.items() if (data.get("n") or 0) > over]
        return [row for row in self.view.rows if row not in what.get("exclude_rows", ())]

    def _cells(self, chosen: Iterable[int], groups: Sequence[int] | None = None) -> frozenset[tuple[int, int]]:
        named = [group.pk for group in self.groups] if groups is None else groups
        return frozenset((row, group) for row in chosen for group in named)


def pick(found: Sequence[T], number: int) -> T:
    """One of them, counted round."""
    return found[number % len(found)]


def empty() -> None:
    """Remove every table with all that belongs to it."""
    names = (
        "cells_attempt", "cells_approval", "cells_pause", "cells_execution", "cells_worker", "dispatch_change",
        "dispatch_window", "dispatch_lane", "dispatch_dispatch", "tables_row", "tables_column", "tables_group",
        "cells_workflowversion", "cells_workflow", "tables_table",
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(";".join(f"DELETE FROM {name}" for name in names))
