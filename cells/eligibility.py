"""Which cells a request may run: one pure function, and the same as an SQL predicate over rows.

A cell in scope is eligible, or it is not for one `Reason`. The scope itself, and the rule that the upstream groups of
one dispatch come first, are the callers': the first knows the dispatch, the second the row's cascade.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, Value

from cells.models import IN_FLIGHT, Execution, Status
from cells.usage import STALE, Present, Usage, stale
from tableflow.tables.types import requirement_met


class Reason(enum.StrEnum):
    """Why a cell does, or does not, run."""

    ELIGIBLE = "eligible"
    AUTO_RUN_OFF = "auto-run off"
    IN_FLIGHT = "in flight elsewhere"
    SUPERSEDED = "a later request or cancel was here"
    ATTEMPTED = "already attempted"
    DONE = "done"
    NOT_FAILED = "not failed"
    NOT_STALE = "not stale"
    NOT_RETRIED = "error or cancelled on auto"
    UNMET = "dependencies unmet"


@dataclass(frozen=True)
class Request:
    """What a dispatch asks of each cell."""

    mode: str
    is_manual: bool
    sequence: int


class State(Protocol):
    """What is known of a cell's execution."""

    @property
    def status(self) -> str:
        """Its status."""

    @property
    def sequence(self) -> int:
        """The number of the request or cancel that touched it last."""

    @property
    def outdated(self) -> bool:
        """Whether what it used is not what it would use now (cells/usage.py). Asked of final ones only."""


@dataclass(frozen=True)
class Seen:
    """A state, as it was read."""

    status: str
    sequence: int
    outdated: bool = False


class Dependent(Protocol):
    """What runs after something."""

    @property
    def run_after(self) -> Sequence[str]:
        """The keys of the columns that must have a value first."""


class Bound(Dependent, Protocol):
    """What is asked of a group."""

    @property
    def id(self) -> int:
        """The group's id."""

    @property
    def auto_run(self) -> bool:
        """Whether automatic requests may run it."""

    @property
    def usage(self) -> Usage:
        """What its cells use."""


def reason(group: Bound, row: Mapping[str, Any], execution: State | None, request: Request) -> Reason:
    """Why the cell of this group in a row with these values does or does not run for a request."""
    refused = _refused(group, execution, request)
    if refused is not None:
        return refused
    return Reason.UNMET if unmet(group, row) else Reason.ELIGIBLE


def unmet(group: Dependent, row: Mapping[str, Any]) -> tuple[str, ...]:
    """The column keys that the group must wait for: empty values, and unticked checkboxes."""
    return tuple(key for key in group.run_after if not requirement_met(row.get(key)))


def _refused(group: Bound, execution: State | None, request: Request) -> Reason | None:
    if not request.is_manual and not group.auto_run:
        return Reason.AUTO_RUN_OFF
    if execution is None:
        return _NEVER_RAN.get(request.mode)
    if execution.status in IN_FLIGHT:
        return Reason.IN_FLIGHT
    if execution.sequence >= request.sequence:
        return Reason.SUPERSEDED
    return _refused_by_mode(execution, request)


_NEVER_RAN = {"failed": Reason.NOT_FAILED, "stale": Reason.NOT_STALE}


def _refused_by_mode(execution: State, request: Request) -> Reason | None:
    match request.mode:
        case "new":
            # An automatic request comes after a write: what that made outdated is armed again.
            return None if not request.is_manual and execution.outdated else Reason.ATTEMPTED
        case "stale":
            return None if execution.status in STALE and execution.outdated else Reason.NOT_STALE
        case "failed":
            return None if execution.status == Status.ERROR else Reason.NOT_FAILED
    if request.mode == "incomplete" and execution.status == Status.COMPLETED:
        return Reason.DONE
    if not request.is_manual and execution.status in (Status.ERROR, Status.CANCELLED):
        return Reason.NOT_RETRIED
    return None


def asks_for_outdated(request: Request) -> bool:
    """Whether the request tells outdated cells from others."""
    return request.mode == "stale" or (request.mode == "new" and not request.is_manual)


class RequirementMet(Func):
    """Whether a row's value under a key is there and is not an unticked checkbox: `requirement_met` in SQL."""

    template = (
        "(COALESCE(%(expressions)s, 'null'::jsonb) NOT IN ('null'::jsonb, '\"\"'::jsonb, '[]'::jsonb, 'false'::jsonb))"
    )
    arg_joiner = " -> "
    output_field = BooleanField()

    def __init__(self, key: str) -> None:
        super().__init__(F("data"), Value(key))


def askable(group: Bound, request: Request) -> Q:
    """The rows whose cell the mode asks for and nothing forbids, dependencies aside."""
    if not request.is_manual and not group.auto_run:
        return Q(pk__in=())
    here = Execution.objects.filter(group=group.id, row=OuterRef("pk"))
    if request.mode == "new" and request.is_manual:
        return Q(~Exists(here))
    if request.mode == "failed":
        return Q(Exists(here.filter(failed=True, sequence__lt=request.sequence)))
    if request.mode == "stale":
        return Q(Exists(here.filter(stale(group.usage, OuterRef("data")), sequence__lt=request.sequence)))
    barred = Q(status__in=IN_FLIGHT) | Q(sequence__gte=request.sequence)
    if request.mode == "new":
        return Q(~Exists(here.filter(barred | Q(used=Present(group.usage, OuterRef("data"))))))
    if request.mode == "incomplete":
        barred |= Q(status=Status.COMPLETED)
    if not request.is_manual:
        barred |= Q(status__in=(Status.ERROR, Status.CANCELLED))
    return Q(~Exists(here.filter(barred)))


def met(group: Dependent) -> Q:
    """The rows in which the group's dependencies are met."""
    condition = Q()
    for key in group.run_after:
        condition &= Q(RequirementMet(key))
    return condition


def eligible(group: Bound, request: Request) -> Q:
    """The rows whose cell is eligible: `reason(…) is Reason.ELIGIBLE` in SQL."""
    return askable(group, request) & met(group)
