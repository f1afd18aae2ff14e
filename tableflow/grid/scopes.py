"""What a run was asked to do, in words: its mode, its rows, its filter, where it stops. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.models import Mode
from tableflow.grid.quantities import count
from tableflow.plain import plain
from tableflow.tables.filters import ANY_COLUMN

SHOWN_VALUE_CHARACTERS = 120
SHOWN_LISTED = 5

MODES: dict[str, str] = {
    Mode.ALL: "All cells",
    Mode.INCOMPLETE: "Cells that are not completed",
    Mode.NEW: "Cells that never ran",
    Mode.FAILED: "Cells that failed",
    Mode.STALE: "Stale cells",
}
_OPS = {
    "eq": "is",
    "ne": "is not",
    "gt": "is above",
    "gte": "is at least",
    "lt": "is below",
    "lte": "is at most",
    "in": "is one of",
    "nin": "is none of",
    "contains": "contains",
    "ncontains": "does not contain",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "is_empty": "is empty",
    "is_not_empty": "is not empty",
}


def rows(scope: Mapping[str, Any]) -> str:
    """Which rows a scope covers."""
    return f"{_covered(scope)}{_without(scope.get('exclude_rows') or ())}"


def ends(limit_rows: int | None, caps: Mapping[str, Any]) -> list[str]:
    """Where the run completes by its limit, and where it pauses by its caps; nothing when it has neither."""
    said = [] if limit_rows is None else [f"Completes after {count(limit_rows, 'row')}"]
    if caps.get("rows") is not None:
        said.append(f"Pauses after {count(caps['rows'], 'row')}")
    if caps.get("errors") is not None:
        said.append(f"Pauses at {count(caps['errors'], 'failed cell')}")
    if caps.get("error_share") is not None:
        said.append(f"Pauses when {caps['error_share']:.0%} of the cells fail")
    if caps.get("minutes") is not None:
        said.append(f"Pauses after {caps['minutes']:g} minutes")
    return said


def _covered(scope: Mapping[str, Any]) -> str:
    if scope.get("rows") is not None:
        return count(len(scope["rows"]), "named row")
    if scope.get("filter") is not None:
        return f"Rows where {_filter(scope['filter'], _names(scope['schema']))}"
    return "Rows that an import brought" if scope.get("ranges") is not None else "All rows"


def _without(excluded: Sequence[int]) -> str:
    return f", but for {count(len(excluded), 'row')}" if excluded else ""


def _names(pinned: Mapping[str, Any]) -> dict[str, str]:
    """What the fields of a filter are called: columns, states of workflow columns, and their errors."""
    columns = {column["key"]: column["name"] for column in pinned["columns"]}
    states = {f"@{group['id']}": f"the state of {group['name']}" for group in pinned["groups"]}
    errors = {f"@{group['id']}.error": f"the error of {group['name']}" for group in pinned["groups"]}
    return {ANY_COLUMN: "any column", **columns, **states, **errors}


def _filter(node: Mapping[str, Any], names: Mapping[str, str], *, inner: bool = False) -> str:
    for name, word in (("all", " and "), ("any", " or ")):
        if name in node:
            said = word.join(_filter(child, names, inner=True) for child in node[name])
            return f"({said})" if inner and len(node[name]) > 1 else said
    return _condition(node, names)


def _condition(node: Mapping[str, Any], names: Mapping[str, str]) -> str:
    name, op = plain(names.get(node["field"], node["field"])), node["op"]
    if op in ("is_empty", "is_not_empty"):
        return f"{name} {_OPS[op]}"
    return f"{name} {_OPS[op]} {_value(node.get('value'))}"


def _value(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "ticked" if value else "not ticked"
        case str():
            text = plain(value)
            return f"“{text[:SHOWN_VALUE_CHARACTERS]}{'…' if len(text) > SHOWN_VALUE_CHARACTERS else ''}”"
        case list():
            more = f" and {len(value) - SHOWN_LISTED:,} more" if len(value) > SHOWN_LISTED else ""
            return ", ".join(_value(item) for item in value[:SHOWN_LISTED]) + more
    return _value(str(value)) if isinstance(value, dict) else f"{value}"
