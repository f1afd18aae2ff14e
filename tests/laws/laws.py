"""What must hold, whatever was done: of each state by itself, and of each step from one state to the next.

The model is small: it remembers which cells ended in which dispatch, what each claim was given to write, and what was
stopped at which number. Everything else is read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cells.models import CLAIMED, FINAL, Attempt, Status
from tests.laws.view import OUTCOMES, Cell, View


@dataclass(frozen=True)
class Deed:
    """What was done between two views. `named` are the cells (row, group) that it may cancel; `recalls`: it may have
    cells begin anew, and forget where they stood.
    """

    name: str
    named: frozenset[tuple[int, int]] = frozenset()
    recalls: bool = False


@dataclass(frozen=True)
class Shape:
    """A group as the laws see it: the key of its output, its bit, what it reads, whether it runs by itself."""

    id: int
    key: str
    bit: int
    reads: frozenset[str]
    auto_run: bool


@dataclass
class Laws:
    """The model, and the checks."""

    groups: Mapping[int, Shape]
    upstream: dict[int, Mapping[int, list[int]]] = field(default_factory=dict)
    given: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)
    ended: set[tuple[int, int, int]] = field(default_factory=set)
    stopped: dict[tuple[int, int], int] = field(default_factory=dict)

    def check(self, before: View, deed: Deed, now: View) -> None:
        """Hold the step and the state that it led to against every law; an AssertionError names the one broken."""
        self.check_state(now)
        for cell in now.cells.values():
            self._check_step(before, before.cells.get(cell.id), deed, cell, now)
        self._check_values(before, now)
        for gone in before.cells.keys() - now.cells.keys():
            self._remember(before, before.cells[gone], None)

    def check_state(self, now: View) -> None:
        """The laws of a state."""
        _windows_add_up(now)
        _in_flight_is_at_home(now)
        _one_owner_per_row(now)
        _pauses_are_those_of_paused_cells(now)
        self._done_bits_are_lawful(now)
        self._readers_come_after(now)

    # of a state

    def _done_bits_are_lawful(self, now: View) -> None:
        for row, (_, done) in now.rows.items():
            for group in self.groups.values():
                if done & 1 << group.bit:
                    cell = now.at.get((row, group.id))
                    fine = cell is not None and (cell.status == Status.COMPLETED or cell.in_flight)
                    assert fine, f"row {row} is marked done for {group.key}, whose cell is {cell}"

    def _readers_come_after(self, now: View) -> None:
        for cell in now.in_flight:
            if cell.status != Status.RUNNING or cell.dispatch is None:
                continue
            for near in self.upstream[cell.dispatch].get(cell.group, ()):
                read = now.at.get((cell.row, near))
                coming = read is not None and read.in_flight and read.dispatch == cell.dispatch
                assert not coming, f"{cell} runs before what it reads in the same dispatch: {read}"

    # of a step

    def _check_step(self, before: View, was: Cell | None, deed: Deed, cell: Cell, now: View) -> None:
        if was == cell:
            return
        if was is not None:
            assert cell.fence >= was.fence, f"the fence of {was} fell: {cell}"
            self._remember(before, was, cell)
            self._check_cancels(was, deed, cell)
            self._check_pause_is_kept(before, was, deed, cell, now)
        if cell.in_flight and (was is None or not was.in_flight or was.dispatch != cell.dispatch):
            self._check_begin_of_cell(before, was, cell, now)

    def _remember(self, before: View, was: Cell, cell: Cell | None) -> None:
        """A cell has ended in its dispatch, unless its stamp was only taken back (its number goes below then)."""
        if not was.in_flight or was.dispatch is None:
            return
        withdrawn = cell is None or cell.sequence < before.dispatches[was.dispatch]["sequence"]
        if not withdrawn and cell is not None and (not cell.in_flight or cell.dispatch != was.dispatch):
            self.ended.add((was.dispatch, was.row, was.group))

    def _check_begin_of_cell(self, before: View, was: Cell | None, cell: Cell, now: View) -> None:
        assert cell.dispatch is not None
        dispatch = now.dispatches[cell.dispatch]
        place = (cell.row, cell.group)
        assert (cell.dispatch, *place) not in self.ended, f"{cell} ran in its dispatch before"
        stopped_at = self.stopped.get(place, 0)
        assert dispatch["sequence"] > stopped_at, f"{cell} starts for a dispatch that was stopped here ({stopped_at})"
        if not dispatch["is_manual"]:
            assert self.groups[cell.group].auto_run, f"{cell} runs by itself, and must not"
            if was is not None and was.attempt > 0 and not was.in_flight:
                fed = any(_value(before, cell.row, key) != _value(now, cell.row, key) for key in self._reads(cell))
                assert was.outdated or fed, f"an automatic run touches {was}, which is not outdated"

    def _check_cancels(self, was: Cell, deed: Deed, cell: Cell) -> None:
        if was.in_flight and cell.status == Status.CANCELLED and cell.sequence >= was.sequence:
            assert (cell.row, cell.group) in deed.named, f"{deed.name} cancelled {was}, which nobody named"

    def _check_pause_is_kept(self, before: View, was: Cell, deed: Deed, cell: Cell, now: View) -> None:
        if was.id in before.pauses and cell.in_flight and cell.id not in now.pauses:
            assert deed.recalls, f"{deed.name} lost where {was} stood: {cell}"

    def _check_values(self, before: View, now: View) -> None:
        """A value changes when a completed cell writes it, under its fence, and at no other time."""
        for row, (data, _) in now.rows.items():
            if row not in before.rows:
                continue
            for group in self.groups.values():
                old, new = before.rows[row][0].get(group.key), data.get(group.key)
                was, cell = before.at.get((row, group.id)), now.at.get((row, group.id))
                completed = (
                    cell is not None
                    and was is not None
                    and was.in_flight
                    and cell.status == Status.COMPLETED
                    and cell.sequence == was.sequence
                )
                if completed:
                    assert cell is not None
                    given = self.given.get((cell.id, cell.fence))
                    assert given is not None, f"{cell} completed, and nobody ended it under its fence"
                    assert new == given[group.key], f"{cell} completed with {given}, and the row has {data}"
                else:
                    assert new == old, f"{group.key} of row {row} changed from {old} to {new}: {was} → {cell}"

    def _reads(self, cell: Cell) -> frozenset[str]:
        return self.groups[cell.group].reads

    # of the end

    def check_end(self, now: View) -> None:
        """What must hold when nothing is left to do: every dispatch has ended, and its counts add up."""
        assert now.in_flight == []
        for dispatch in now.dispatches.values():
            assert dispatch["status"] in ("complete", "cancelled"), dispatch
            counted = sum(dispatch[name] for name in OUTCOMES) + dispatch["waiting"]
            assert dispatch["total"] == counted, dispatch
            of_it = [w for w in now.windows.values() if w["dispatch_id"] == dispatch["pk"]]
            assert all(w["closed_at"] for w in of_it), of_it
            for name in OUTCOMES:
                assert dispatch[name] == sum(w[name] for w in of_it), (name, dispatch, of_it)
        ended = Counter(dispatch for dispatch, _, _ in self.ended)
        for dispatch in now.dispatches.values():
            counted = sum(dispatch[name] for name in OUTCOMES)
            assert counted >= ended[dispatch["pk"]], f"more ended in {dispatch} than it counted"
        self._attempts_are_numbered(now)

    def _attempts_are_numbered(self, now: View) -> None:
        numbers: dict[int, list[int]] = defaultdict(list)
        for execution, number in Attempt.objects.filter(execution__in=list(now.cells)).values_list(
            "execution_id", "number"
        ):
            numbers[execution].append(number)
        doubled = {pk: found for pk, found in numbers.items() if len(set(found)) < len(found)}
        assert not doubled, f"attempts that were written twice: {doubled}"


def _value(view: View, row: int, key: str) -> Any:
    return view.rows[row][0].get(key) if row in view.rows else None


def _windows_add_up(now: View) -> None:
    places = Counter(cell.window for cell in now.in_flight)
    for window in now.windows.values():
        if window["closed_at"] is None:
            held = sum(window[name] for name in OUTCOMES) + places[window["pk"]]
            assert window["cells"] == held, f"{window} has {places[window['pk']]} cells in flight"


def _in_flight_is_at_home(now: View) -> None:
    for cell in now.in_flight:
        window = now.windows.get(cell.window or 0)
        assert window is not None, f"{cell} is in no window"
        assert window["closed_at"] is None, f"{cell} is in a closed window"
        assert window["dispatch_id"] == cell.dispatch, f"{cell} is in a window of another dispatch"
        assert now.is_active(cell.dispatch), f"{cell} is in flight in a dispatch that has ended"
        assert (cell.worker is not None) == (cell.status in CLAIMED), f"{cell} has the wrong owner"
        assert window["lobby"] == (cell.status == Status.PAUSED), f"{cell} waits in the wrong place: {window}"
        assert cell.row in now.rows, f"{cell} is of a row that is gone"


def _one_owner_per_row(now: View) -> None:
    owners: dict[int, set[Any]] = defaultdict(set)
    running: Counter[int] = Counter()
    for cell in now.in_flight:
        if cell.status in CLAIMED:
            owners[cell.row].add((cell.worker, cell.dispatch))
            running[cell.row] += cell.status == Status.RUNNING
    assert all(len(of_row) == 1 for of_row in owners.values()), f"rows with several owners: {owners}"
    assert all(count <= 1 for count in running.values()), f"rows in which several cells run: {running}"


def _pauses_are_those_of_paused_cells(now: View) -> None:
    paused = {cell.id for cell in now.in_flight if cell.status == Status.PAUSED}
    assert paused <= now.pauses.keys(), f"paused, and nobody knows where: {paused - now.pauses.keys()}"
    over = [now.cells[pk] for pk in now.pauses if now.cells[pk].status in FINAL]
    assert not over, f"ended, and still paused: {over}"
    waiting = {pk for pk in paused if now.pauses[pk] == "approval"}
    assert now.asked.keys() == waiting, f"open questions of {set(now.asked)}, cells that wait for an answer {waiting}"
