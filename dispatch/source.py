"""Where a lane's cell task gets its rows: from any open window of its dispatch, and from what lies ahead of the cursor.

A task that finds fewer stamped rows than it has slots admits the next window itself, so that no slot idles at a
window's end; the chord's body makes the lane's next link when its tasks have ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction

from cells.draw import Held, Tally
from dispatch import admit, caps, edits, gate, lanes, lifecycle, onward, windows
from dispatch.models import Dispatch, DispatchStatus, Lane
from tableflow.live import marks


class LaneSource:
    """The rows of one link of a lane (see cells.draw.Source for what each method promises)."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._dispatch = lane.dispatch
        self._dispatch_id = lane.dispatch_id
        self._newest = 0
        self._exhausted = False
        self.table_id = lane.dispatch.table_id
        self.is_express = lane.dispatch.is_express

    def hold(self) -> Held:
        """Share the table with other draws, which keeps cancels out. The windows are this lane's or another's."""
        lifecycle.share(self.table_id)
        found = next(iter(lifecycle.statements("held", {"dispatch": self._dispatch_id})), None)
        if found is None:  # its table was deleted, and the dispatch with it
            return Held(going_on=False, windows=[])
        self._newest = max([self._newest, *found.windows])
        going_on = found.going_on and not (found.capped and caps.pause_where_reached(self._dispatch_id))
        return Held(going_on, found.windows)

    def has_unclaimed(self) -> bool:
        """Whether the dispatch has stamped cells that nobody has claimed."""
        return windows.has_unclaimed(self._dispatch_id)

    def more(self) -> bool:
        """Admit another window, unless somebody just did; False when the dispatch is exhausted or enough are open.

        True too when it only walked on: ends are committed before the next slice.
        """
        if self._exhausted:
            return False
        with transaction.atomic():
            lifecycle.share(self.table_id)
            dispatch = Dispatch.objects.select_for_update().get(pk=self._dispatch_id)
            if dispatch.status != DispatchStatus.DISPATCHING:
                return False
            windows.close_finished(dispatch)
            if any(window > self._newest for window in windows.drawn_from(self._dispatch_id)):
                return True
            self._exhausted = dispatch.exhausted
            if windows.unclaimed(self._dispatch_id) >= dispatch.width:
                return False
            return admit.admit(dispatch, self._lane.number) is not None

    def room(self, free: int) -> int:
        """What the groups' own concurrencies let it claim now."""
        return gate.room(self._dispatch, free)

    def lobby(self) -> int:
        """The dispatch's lobby."""
        return windows.lobby(self._dispatch_id)

    def owed(self, ids: Sequence[int]) -> Counter[int]:
        """Stamp it where the dispatch is paused: it starts when that is resumed. Nothing where it has ended."""
        return onward.stamp(ids)

    def tally(self, tally: Tally) -> None:
        """Count into the windows."""
        windows.tally(tally)

    def fed(self, rows: Mapping[int, Sequence[int]]) -> None:
        """Leave word for the groups outside the run that read what changed."""
        edits.fed(self.table_id, rows)

    def changed(self, rows: Collection[int], statuses: Mapping[str, int], asked: Collection[int]) -> None:
        """Mark them as cells of the dispatch."""
        marks.cells(self.table_id, rows, statuses, dispatch_id=self._dispatch_id)
        if asked:
            marks.approvals(self.table_id, asked)

    def renew(self) -> bool:
        """Renew the lane's lease, unless links of other runs need the thread more."""
        return lanes.renew(self._lane.pk, self._lane.fence) and not lanes.gives_way(self._lane.pk)
