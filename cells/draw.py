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
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from django.db import DataError, InterfaceError, OperationalError, connection, transaction

from cells import lifecycle, loop, workers
from cells.cascade import Cascade, Step
from cells.lifecycle import Claimed, Ended, Won
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


class Source(Protocol):
    """Where a draw gets its rows, and where it accounts for them."""

    @property
    def table_id(self) -> int:
        """The table of the rows."""

    def hold(self) -> Held:
        """Begin a transaction: keep cancels out of it, and see how the dispatch stands."""

    def has_unclaimed(self) -> bool:
        """Whether stamped cells are left that nobody has claimed."""

    def more(self) -> bool:
        """Have more rows stamped, in a transaction of its own; False when none is ahead or enough are."""

    def tally(self, tally: Tally) -> None:
        """Add to the windows' counts; called inside the transaction that changed the cells."""

    def renew(self) -> bool:
        """Keep the right to draw; False when it was lost: claim no more."""


def _rows_of(ended: Iterable[Ended], aborted: Iterable[Aborted]) -> list[int]:
    return [*(end.claim.row_id for end in ended), *(end.claim.row_id for end in aborted)]


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
        self._claiming = True
        self._held = Held(going_on=True, windows=[])
        self._number = next(_numbers)
        self._worker = workers.here()
        self._results: queue.SimpleQueue[Ended | Aborted] = queue.SimpleQueue()
        self._rows: dict[int, Claimed] = {}
        self._ended: list[Ended] = []
        self._aborted: list[Aborted] = []

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
                    self._claiming = self._wait_for_rows()
        finally:
            workers.hold(self._number, set())

    def _look_up(self) -> None:
        """See to the right to draw, the time, and whether the process is about to end."""
        now = time.monotonic()
        if now >= self._renew_at:
            self._renew_at = now + RENEW
            self._claiming = self._through_outages(self._source.renew) and self._claiming
        if now >= self._ends_at:
            self._claiming = False
        if self._worker.draining.is_set():
            self._claiming = False
            self._abort_at = min(self._abort_at, now + GRACE)
        if now >= self._abort_at:
            loop.abort(claimed.lead.id for claimed in self._rows.values())

    def _wait_for_rows(self) -> bool:
        """Give stamped rows that others work on a moment; False when there are none, or the thread is needed more."""
        now = time.monotonic()
        self._patient_until = self._patient_until or now + PATIENCE
        if now > self._patient_until or not self._through_outages(self._source.has_unclaimed):
            return False
        time.sleep(IDLE)
        return True

    def _turn(self) -> None:
        """Commit what has ended, go on in those rows, fill the free slots."""
        step, claimed = self._through_outages(lambda: self._transaction(self._ended, self._aborted))
        for row_id in _rows_of(self._ended, self._aborted):
            del self._rows[row_id]
        self._ended, self._aborted = [], []
        self._start((*step.rows, *claimed))

    def _transaction(self, ended: Sequence[Ended], aborted: Sequence[Aborted]) -> tuple[Step, list[Claimed]]:
        try:
            with transaction.atomic():
                self._hold()
                step = self._commit(ended, aborted)
                free = self._slots - len(self._rows) + len(ended) + len(aborted) - len(step.rows)
                return step, self._claim(free)
        except DataError as error:
            # One of the results is nothing that PostgreSQL can hold. Find it, so that the others are not lost with it.
            return self._one_by_one(ended, aborted, error)

    def _one_by_one(
        self, ended: Sequence[Ended], aborted: Sequence[Aborted], error: DataError
    ) -> tuple[Step, list[Claimed]]:
        """Commit each end by itself, an error in place of the one that cannot be stored; claim nothing meanwhile."""
        if len(ended) == 1:
            message = f"The result of this cell cannot be stored: {str(error).splitlines()[0]}"
            claim, version = ended[0].claim, ended[0].version
            ended = [Ended(claim, Status.ERROR, ended[0].bit, error=message.replace("\0", ""), version=version)]
            with transaction.atomic():
                self._hold()
                return self._commit(ended, aborted), []
        steps = [self._alone(end) for end in ended]
        with transaction.atomic():
            self._hold()
            steps.append(self._commit([], aborted))
        return Step([row for step in steps for row in step.rows]), []

    def _alone(self, end: Ended) -> Step:
        try:
            with transaction.atomic():
                self._hold()
                return self._commit([end], [])
        except DataError as error:
            return self._one_by_one([end], [], error)[0]

    def _hold(self) -> None:
        self._held = self._source.hold()
        self._claiming = self._claiming and self._held.going_on

    def _commit(self, ended: Sequence[Ended], aborted: Sequence[Aborted]) -> Step:
        if not ended and not aborted:
            return Step()
        won = lifecycle.finish(ended, self._worker.identity.name, cascade=self._cascade.has_next) if ended else []
        step = self._go_on(ended, aborted, won) if self._cascade.has_next else Step()
        self._source.tally(Tally(Counter((w.window_id, w.status) for w in won), step.cells))
        return step

    def _go_on(self, ended: Sequence[Ended], aborted: Sequence[Aborted], won: Sequence[Won]) -> Step:
        rows = {w.row_id: w.row for w in won}
        left = [
            self._cascade.left(self._rows[row_id], rows.get(row_id), owned=row_id in rows)
            for row_id in _rows_of(ended, aborted)
        ]
        return self._cascade.go_on(left, self._worker.identity.id, joining=self._held.going_on)

    def _claim(self, free: int) -> list[Claimed]:
        if not self._claiming or free <= 0:
            return []
        windows = self._held.windows
        if not windows:
            return []
        self._worker.drawing_from(windows)
        return lifecycle.claim(self._worker.identity.id, self._source.table_id, windows, self._cascade.order, free)

    def _start(self, rows: Iterable[Claimed]) -> None:
        """Run the cells. While the process drains nothing starts: what it holds it hands back when it leaves."""
        if self._worker.draining.is_set():
            return
        work = []
        for claimed in rows:
            self._rows[claimed.lead.row_id] = claimed
            work.append(self._cascade.work(claimed))
        held = (claim.id for row in self._rows.values() for claim in (row.lead, *row.queued.values()))
        workers.hold(self._number, set(held))
        if self._cascade.is_inline:
            self._ended += [item.run_inline() for item in work]
        elif work:
            loop.start((item.claim, partial(item.report, self._results)) for item in work)

    def _collect(self) -> None:
        """Wait for an end, then a moment longer for those that come with it: a group is one transaction.

        A quarter of the slots is group enough: with few slots each end is committed, and its slot filled, at once.
        """
        if not self._rows or self._ended:
            return
        hungry = self._claiming and len(self._rows) < self._slots
        until = time.monotonic() + (IDLE if hungry else 1.0)
        enough = min(len(self._rows), max(1, self._slots // 4))
        while True:
            wait = len(self._ended) + len(self._aborted) < enough
            try:
                item = self._results.get(wait, timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return
            if not self._ended and not self._aborted:
                until = time.monotonic() + LINGER
            if isinstance(item, Ended):
                self._ended.append(item)
            else:
                self._aborted.append(item)

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
