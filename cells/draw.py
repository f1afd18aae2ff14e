"""Drawing: a cell task with some slots claims stamped rows as slots come free, runs them, commits the ends in groups.

One turn of its loop is one transaction: the ends that gathered, the next groups of their rows (the cascade), and the
claims that fill the slots again. A slow cell holds one slot and nothing else. Where rows come from, and where they are
counted, is the caller's (`Source`): this module knows nothing of dispatches.
"""

from __future__ import annotations

import itertools
import logging
import math
import queue
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from django.db import DataError, InterfaceError, OperationalError, connection, transaction

from cells import lifecycle, loop, workers
from cells.cascade import Cascade, Left, Step
from cells.lifecycle import Claim, Claimed, Ended, Suspended, Won
from cells.models import Status
from cells.work import Aborted

logger = logging.getLogger(__name__)

LINGER = 0.02
IDLE = 0.1
RENEW = 3.0
OUTAGE = 120.0
RECONNECT = 0.5
GRACE = 4.0
PATIENCE = 5.0
_numbers = itertools.count()
T = TypeVar("T")


@dataclass(frozen=True)
class Tally:
    """What a transaction did to the counts: ended cells by (window, status), and cells that came to (+) or left (−)."""

    ended: Counter[tuple[int, Status]] = field(default_factory=Counter)
    cells: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True)
class Held:
    """How a dispatch stands: whether it goes on (else start nothing), and the windows to claim from."""

    going_on: bool
    windows: list[int]


@dataclass
class Gathered:
    """What has come of cells since the last transaction."""

    ended: list[Ended] = field(default_factory=list)
    suspended: list[Suspended] = field(default_factory=list)
    aborted: list[Aborted] = field(default_factory=list)

    def add(self, result: Ended | Suspended | Aborted) -> None:
        """Take one more."""
        match result:
            case Ended():
                self.ended.append(result)
            case Suspended():
                self.suspended.append(result)
            case Aborted():
                self.aborted.append(result)

    @property
    def claims(self) -> list[Claim]:
        """The claims that are over."""
        results: list[Ended | Suspended | Aborted] = [*self.ended, *self.suspended, *self.aborted]
        return [result.claim for result in results]

    def __len__(self) -> int:
        return len(self.ended) + len(self.suspended) + len(self.aborted)


class Source(Protocol):
    """Where a draw gets its rows, and where it accounts for them."""

    @property
    def table_id(self) -> int:
        """The table of the rows."""

    @property
    def is_express(self) -> bool:
        """Whether its cells go before those of big runs."""

    def hold(self) -> Held:
        """Begin a transaction: keep cancels out of it, and see how the dispatch stands."""

    def has_unclaimed(self) -> bool:
        """Whether stamped cells are left that nobody has claimed."""

    def more(self) -> bool:
        """Have more rows stamped, in a transaction of its own; False when none is ahead or enough are."""

    def room(self, free: int) -> int:
        """How many rows may be claimed now, of this many; called right before they are, in the same transaction."""

    def lobby(self) -> int:
        """The window in which paused cells wait."""

    def owed(self, ids: Sequence[int]) -> Counter[int]:
        """Stamp what the rows of these ended cells are still owed, when it may not start now; the cells by window."""

    def tally(self, tally: Tally) -> None:
        """Add to the windows' counts; called inside the transaction that changed the cells."""

    def fed(self, rows: Mapping[int, Sequence[int]]) -> None:
        """Note where values changed that somebody outside the run reads, by group; called in the same transaction."""

    def changed(self, rows: Collection[int], statuses: Mapping[str, int], asked: Collection[int]) -> None:
        """Mark the rows whose cells the transaction changed, how many of these have which status now, and the rows in
        which somebody is asked; called once in it.
        """

    def renew(self) -> bool:
        """Keep the right to draw; False when it was lost: claim no more."""


class Draw:
    """One run of a cell task: at most `slots` rows in flight, no claims after `seconds`."""

    def __init__(self, source: Source, cascade: Cascade, *, slots: int, seconds: float) -> None:
        self._source = source
        self._cascade = cascade
        self._slots = slots
        self._ends_at = time.monotonic() + seconds
        self._renew_at = time.monotonic() + RENEW
        self._abort_at = math.inf
        self._patient_until: float | None = None
        self._may_claim = True
        self._held = Held(going_on=True, windows=[])
        self._number = next(_numbers)
        self._worker = workers.here()
        self._results: queue.SimpleQueue[Ended | Suspended | Aborted] = queue.SimpleQueue()
        self._rows: dict[int, Claimed] = {}
        self._gathered = Gathered()

    @property
    def _claiming(self) -> bool:
        """Whether to claim: a dispatch that is paused may go on while cells of this draw still run."""
        return self._may_claim and self._held.going_on

    def run(self) -> None:
        """Draw until nothing is left to claim, the time is up or the right is lost, and all it claimed has ended."""
        try:
            while self._claiming or self._rows:
                self._look_up()
                self._turn()
                if self._claiming and len(self._rows) < self._slots and self._through_outages(self._source.more):
                    continue
                if self._rows:
                    self._patient_until = None
                    self._collect()
                elif self._claiming:
                    self._may_claim = self._wait_for_rows()
        finally:
            workers.hold(self._number, None)

    def _look_up(self) -> None:
        """See to the right to draw, the time, and whether the process is about to end."""
        now = time.monotonic()
        if now >= self._renew_at:
            self._renew_at = now + RENEW
            self._may_claim = self._through_outages(self._source.renew) and self._may_claim
        if now >= self._ends_at:
            self._may_claim = False
        if self._worker.draining.is_set():
            self._may_claim = False
            self._abort_at = min(self._abort_at, now + GRACE)
        if now >= self._abort_at:
            loop.abort(claimed.lead for claimed in self._rows.values())

    def _wait_for_rows(self) -> bool:
        """Give stamped rows that others work on a moment; False when there are none, or the thread is needed more."""
        now = time.monotonic()
        self._patient_until = self._patient_until or now + PATIENCE
        if now > self._patient_until or not self._through_outages(self._source.has_unclaimed):
            return False
        connection.close()
        time.sleep(IDLE)
        return True

    def _turn(self) -> None:
        """Commit what has come, go on in those rows, fill the free slots."""
        gathered, self._gathered = self._gathered, Gathered()
        step, claimed = self._through_outages(lambda: self._transaction(gathered))
        for claim in gathered.claims:
            del self._rows[claim.row_id]
        self._start((*step.rows, *claimed))

    def _transaction(self, gathered: Gathered) -> tuple[Step, list[Claimed]]:
        try:
            with transaction.atomic():
                self._hold()
                step = self._commit(gathered)
                claimed = self._claim(self._slots - len(self._rows) + len(gathered) - len(step.rows))
                self._tell(gathered, step, claimed)
                return step, claimed
        except DataError as error:
            # One of the results is nothing that PostgreSQL can hold. Find it, so that the others are not lost with it.
            return self._one_by_one(gathered, error)

    def _one_by_one(self, gathered: Gathered, error: DataError) -> tuple[Step, list[Claimed]]:
        """Commit each by itself, an error in place of the one that cannot be stored; claim nothing meanwhile."""
        results: list[Ended | Suspended] = [*gathered.ended, *gathered.suspended]
        if not results:
            raise error
        steps = [self._alone(result) for result in results]
        steps.append(self._committed(Gathered(aborted=gathered.aborted)))
        return Step([row for step in steps for row in step.rows]), []

    def _alone(self, result: Ended | Suspended) -> Step:
        try:
            return self._committed_alone(result)
        except DataError as error:
            return self._committed_alone(_unstorable(result, error, self._cascade))

    def _committed_alone(self, result: Ended | Suspended) -> Step:
        alone = Gathered()
        alone.add(result)
        return self._committed(alone)

    def _committed(self, gathered: Gathered) -> Step:
        """A transaction that claims nothing."""
        with transaction.atomic():
            self._hold()
            step = self._commit(gathered)
            self._tell(gathered, step)
            return step

    def _hold(self) -> None:
        self._held = self._source.hold()

    def _commit(self, gathered: Gathered) -> Step:
        if not gathered:
            return Step()
        ended, paused = self._finish(gathered.ended), self._pause(gathered.suspended)
        won = [*ended, *paused]
        step = self._go_on(gathered, won) if self._cascade.has_next else Step()
        self._account(ended, paused, step)
        return step

    def _finish(self, ended: Sequence[Ended]) -> list[Won]:
        if not ended:
            return []
        cascade, feeding = self._cascade.has_next, self._cascade.feeds
        won = lifecycle.finish(ended, self._worker.identity.name, cascade=cascade, feeding=feeding)
        if feeding:
            self._feed(ended, won)
        return won

    def _feed(self, ended: Sequence[Ended], won: Sequence[Won]) -> None:
        groups = {end.claim.id: end.claim.group_id for end in ended}
        rows: dict[int, list[int]] = defaultdict(list)
        for cell in won:
            if cell.changed and self._cascade.fed_by(groups[cell.id]):
                rows[groups[cell.id]].append(cell.row_id)
        if rows:
            self._source.fed(rows)

    def _pause(self, suspended: Sequence[Suspended]) -> list[Won]:
        if not suspended:
            return []
        lobby, table_id = self._source.lobby(), self._source.table_id
        return lifecycle.pause(suspended, table_id=table_id, lobby=lobby, cascade=self._cascade.has_next)

    def _account(self, ended: Sequence[Won], paused: Sequence[Won], step: Step) -> None:
        cells = Counter(step.cells)
        if paused:
            cells.subtract(cell.window_id for cell in paused)
            cells[self._source.lobby()] += len(paused)
            step.statuses[Status.PAUSED.value] += len(paused)
        tally = Tally(Counter((cell.window_id, cell.status) for cell in ended), cells)
        for (_, status), count in tally.ended.items():
            step.statuses[status.value] += count
        self._source.tally(tally)

    def _tell(self, gathered: Gathered, step: Step, claimed: Sequence[Claimed] = ()) -> None:
        rows = {claim.row_id for claim in gathered.claims}
        rows.update(row.lead.row_id for row in claimed)
        if not rows:
            return
        begun = Counter(running=len(step.rows) + len(claimed), queued=sum(len(row.queued) for row in claimed))
        asked = [suspended.claim.row_id for suspended in gathered.suspended if suspended.question is not None]
        self._source.changed(rows, step.statuses + begun, asked)

    def _go_on(self, gathered: Gathered, won: Sequence[Won]) -> Step:
        rows = {cell.row_id: cell.row for cell in won}
        left: list[Left] = [
            self._cascade.left(self._rows[claim.row_id], rows.get(claim.row_id), owned=claim.row_id in rows)
            for claim in gathered.claims
        ]
        if self._held.going_on:
            return self._cascade.go_on(left, self._worker.identity.id)
        step = self._cascade.hold_back(left)
        step.cells.update(self._source.owed([cell.id for cell in won]))
        return step

    def _claim(self, free: int) -> list[Claimed]:
        if not self._claiming or free <= 0 or not self._held.windows:
            return []
        most = self._source.room(free)
        if most <= 0:
            return []
        windows = self._held.windows
        self._worker.drawing_from(windows)
        return lifecycle.claim(self._worker.identity.id, self._source.table_id, windows, self._cascade.usages, most)

    def _start(self, rows: Iterable[Claimed]) -> None:
        """Run the cells. While the process drains nothing starts: what it holds it hands back when it leaves."""
        if self._worker.draining.is_set():
            self._tell_held()
            return
        work = []
        for claimed in rows:
            self._rows[claimed.lead.row_id] = claimed
            work.append(self._cascade.work(claimed, express=self._source.is_express))
        self._tell_held()
        if self._cascade.is_inline:
            for item in work:
                self._gathered.add(item.run_inline())
        elif work:
            loop.start((item.claim, partial(item.report, self._results)) for item in work)

    def _tell_held(self) -> None:
        held = {claim.id for row in self._rows.values() for claim in (row.lead, *row.queued.values())}
        workers.hold(self._number, workers.Holding(self._source.table_id, held, len(self._rows)))

    def _collect(self) -> None:
        """Wait for an end, then a moment longer for those that come with it: a group is one transaction.

        A quarter of the slots is group enough: with few slots each end is committed, and its slot filled, at once.
        """
        if not self._rows or self._gathered:
            return
        hungry = self._claiming and len(self._rows) < self._slots
        until = time.monotonic() + (IDLE if hungry else 1.0)
        enough = min(len(self._rows), max(1, self._slots // 4))
        if self._results.empty():
            connection.close()  # Nothing is said to the database while this waits: others may have the connection.
        while True:
            wait = len(self._gathered) < enough
            try:
                result = self._results.get(wait, timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return
            if self._is_over(result.claim):
                continue
            if not self._gathered:
                until = time.monotonic() + LINGER
            self._gathered.add(result)

    def _is_over(self, claim: Claim) -> bool:
        """Whether the claim was lost before, and this draw has claimed its row anew since."""
        row = self._rows.get(claim.row_id)
        return row is None or row.lead.fence != claim.fence or row.lead.id != claim.id

    def _through_outages(self, attempt: Callable[[], T]) -> T:
        """Make the attempt again while the database is away: what was committed unseen is fenced off by then."""
        gives_up_at = time.monotonic() + OUTAGE
        while True:
            try:
                return attempt()
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > gives_up_at:
                    raise
                logger.warning("A draw waits for the database: %s", error)
                connection.close()
                time.sleep(RECONNECT)


def _unstorable(result: Ended | Suspended, error: DataError, cascade: Cascade) -> Ended:
    """The error that stands for a result which PostgreSQL cannot hold."""
    message = f"The result of this cell cannot be stored: {str(error).splitlines()[0]}"
    version = result.version if isinstance(result, Ended) else None
    bit = cascade.bit(result.claim.group_id)
    return Ended(result.claim, Status.ERROR, bit, error=message.replace("\0", ""), version=version)
