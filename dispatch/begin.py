"""Beginning a dispatch, O(1) in the table's size: the record first, then what it takes over, then the bell."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models.functions import Now

from cells.filters import compiled
from dispatch import admit, bell, inflight, lanes, lifecycle, named, plan
from dispatch import scope as scopes
from dispatch.caps import check as check_caps
from dispatch.models import Dispatch, Mode
from dispatch.pick import look
from tableflow.errors import InvalidInput
from tableflow.tables import schema as schemas
from tableflow.tables.models import Row
from tableflow.tables.schema import GroupSpec, Schema

MOST_LIMIT = 10_000_000
EXPRESS_ROWS = 100
EXPRESS_LIMIT = 10
MODES = (Mode.ALL, Mode.INCOMPLETE, Mode.NEW, Mode.FAILED, Mode.STALE)


def begin(
    table_id: int,
    *,
    groups: Sequence[int] | None = None,
    mode: str = Mode.INCOMPLETE,
    rows: Sequence[int] | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002  (the contract's word)
    exclude_rows: Sequence[int] | None = None,
    ranges: Sequence[Sequence[int]] | None = None,
    limit: int | None = None,
    caps: Mapping[str, Any] | None = None,
    is_manual: bool = True,
    user: AbstractBaseUser | AnonymousUser | None = None,
) -> Dispatch:
    """Record a request to run groups over a scope, and ring for it.

    `groups` are group ids (None: all of the table's), `rows` row ids, `filter` the contract's filter, `ranges`
    positions of rows that an import landed, `limit` a number of rows after which it completes, `caps` what pauses it
    (dispatch/caps.py). A manual run of all or of what is incomplete takes over the in-flight cells that its scope and
    groups overlap; others take over nothing. Raises InvalidInput, naming the field; NotFound when the table is gone.
    """
    _check(mode, limit)
    checked_caps = check_caps(caps or {})
    with transaction.atomic():
        lifecycle.serialise(table_id)
        schema = schemas.load(table_id)
        dispatch = _planned(
            schema,
            _chosen(schema, groups),
            mode=mode,
            scope={**_scope(schema, rows, filter, exclude_rows), "ranges": ranges},
            is_manual=is_manual,
            limit_rows=limit,
            caps=checked_caps,
            requested_by_id=user.pk if user is not None else None,
        )
        _open(dispatch)
    dispatch.refresh_from_db()
    return dispatch


def begin_automatic(
    schema: Schema,
    groups: Collection[int],
    *,
    rows: Sequence[int] | None = None,
    ranges: Sequence[Sequence[int]] | None = None,
) -> Dispatch | None:
    """Record a run of what never ran, or is outdated, of these groups in these rows, or in the rows of these ranges
    of positions; and ring for it. In the caller's transaction, which has serialised the table.

    Groups and rows that are gone are left out, and so are groups that do not run by themselves. None: no cell of what
    is left could run now. Of very many rows only the first slice is looked at.
    """
    chosen = [group for group in schema.groups if group.id in groups and group.auto_run]
    if rows is not None:
        rows = list(Row.objects.filter(table=schema.table_id, pk__in=rows).order_by("pk").values_list("pk", flat=True))
    if not chosen or not (rows or ranges):
        return None
    scope = {"rows": rows, "filter": None, "exclude_rows": [], "schema": None, "ranges": ranges}
    dispatch = _planned(schema, chosen, mode=Mode.NEW, scope=scope, is_manual=False)
    ahead = look(dispatch, 1)
    if not ahead.rows and ahead.end is None:
        return None
    _open(dispatch)
    return dispatch


def _planned(schema: Schema, chosen: Sequence[GroupSpec], **what: Any) -> Dispatch:
    """The dispatch with its plan, not yet recorded."""
    pinned = plan.pin(schema, chosen, mode=what["mode"], is_manual=what["is_manual"])
    concurrency = plan.concurrency(pinned)
    return Dispatch(
        table_id=schema.table_id,
        plan=pinned,
        sequence=lifecycle.next_sequence(),
        concurrency=concurrency,
        width=admit.first_width(concurrency),
        is_express=_is_express(**what),
        requested_at=Now(),
        **what,
    )


def _open(dispatch: Dispatch) -> None:
    """Record it with its lanes; what it takes over is cancelled. It rings when the transaction ends."""
    lifecycle.request(dispatch)
    if dispatch.is_manual:
        inflight.take_over(dispatch)
    laid = lanes.lay(dispatch)
    transaction.on_commit(lambda: bell.announce(dispatch, laid))


def _is_express(*, scope: Mapping[str, Any], limit_rows: int | None = None, **_: Any) -> bool:
    """Whether it is so few rows that somebody may be waiting for them."""
    few_named = scope["rows"] is not None and len(scope["rows"]) <= EXPRESS_ROWS
    return few_named or (limit_rows is not None and limit_rows <= EXPRESS_LIMIT)


def _chosen(schema: Schema, groups: Sequence[int] | None) -> list[GroupSpec]:
    if not schema.groups:
        raise InvalidInput.at("groups", "This table has no workflow column to run. Add one first.", "no_groups")
    if groups is None:
        return list(schema.groups)
    named.check_groups(schema, groups)
    return [group for group in schema.groups if group.id in set(groups)]


def _scope(
    schema: Schema,
    rows: Sequence[int] | None,
    filter_: Mapping[str, Any] | None,
    exclude_rows: Sequence[int] | None,
) -> dict[str, Any]:
    if rows is not None and filter_ is not None:
        raise InvalidInput.at("filter", "Give either `rows` or `filter`, not both.", "conflict")
    if filter_ is not None:
        compiled(schema, filter_)
    if rows is not None:
        named.check_some("rows", rows)
        named.check_rows(schema.table_id, "rows", rows)
    named.check_rows(schema.table_id, "exclude_rows", exclude_rows or ())
    return {
        "rows": sorted(set(rows)) if rows is not None else None,
        "filter": filter_,
        "exclude_rows": sorted(set(exclude_rows or ())),
        "schema": scopes.pin_schema(schema) if filter_ is not None else None,
    }


def _check(mode: str, limit: int | None) -> None:
    if mode not in MODES:
        raise InvalidInput.at("mode", f"{mode!r} is no mode; use one of {', '.join(MODES)}.", "invalid_choice")
    if limit is not None and not 1 <= limit <= MOST_LIMIT:
        raise InvalidInput.at("limit.max", f"The limit must be from 1 to {MOST_LIMIT} rows.", "out_of_range")
