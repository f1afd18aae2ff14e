"""Filters: from the JSON that people write to a condition on Row that the database evaluates.

The condition is a plain Q without joins, never NULL: it may be negated, and embedded in larger statements.

- eq, ne: equal as JSON; for multiselect the same choices in any order. The value null asks for empty.
- gt, gte, lt, lte: numbers as numbers, text by code point, dates in time. An empty cell is never greater or less.
- contains, ncontains, starts_with, ends_with: text, without regard to case; for multiselect: has this choice.
- in, nin: equal to one of a list; for multiselect: has one of these choices.
- is_empty, is_not_empty: null, missing, "" and [] are empty.
- contains of the field *: some column's value has the text, as a search finds it.
- ne, nin and ncontains are the exact opposites of eq, in and contains, so they hold for empty cells too.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

from django.db.models import Q

from tableflow.errors import InvalidInput, Problem
from tableflow.tables import conditions, names, types
from tableflow.tables.schema import ColumnSpec, Schema

CellPredicate = Callable[[int, str, str, Any], Q]
"""The condition on a row's cell: (group id, `status` or `error`, op, value)."""

MAX_DEPTH = 10
MAX_CONDITIONS = 200
MAX_OF_ANY_COLUMN = 5
"""A condition on any column is one on each of them."""
MAX_LISTED = 1000
MAX_SEARCHED = 1000

ANY_COLUMN = "*"

EMPTY_OPS = ("is_empty", "is_not_empty")
EQUALITY_OPS = ("eq", "ne", "in", "nin")
ORDER_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
CONTAINS_OPS = ("contains", "ncontains")
TEXT_PATTERNS = {"contains": "%{}%", "starts_with": "{}%", "ends_with": "%{}"}
OPPOSITES = {"ne": "eq", "nin": "in", "ncontains": "contains", "is_not_empty": "is_empty"}
CELL_OPS = {
    "status": (*EQUALITY_OPS, *EMPTY_OPS),
    "error": (*EQUALITY_OPS, *CONTAINS_OPS, "starts_with", "ends_with", *EMPTY_OPS),
}
OPS = (*EQUALITY_OPS, *ORDER_SIGNS, *CONTAINS_OPS, "starts_with", "ends_with", *EMPTY_OPS)
_OPS_OF_TYPE = {
    "boolean": (*EQUALITY_OPS, *EMPTY_OPS),
    "multiselect": (*EQUALITY_OPS, *CONTAINS_OPS, *EMPTY_OPS),
    "json": (*EQUALITY_OPS, *CONTAINS_OPS, "starts_with", "ends_with", *EMPTY_OPS),
}


def ops_of(type_: str) -> tuple[str, ...]:
    """The operators that columns of this type know."""
    return _OPS_OF_TYPE.get(type_, OPS)


def compile_filter(schema: Schema, filter_json: Any, cell_predicate: CellPredicate) -> Q:
    """The condition on Row that the filter says.

    `{"all": [...]}`, `{"any": [...]}` (nested to depth 10) or `{"field", "op", "value"}`; a field `@<group id>` asks
    for a cell's status, `@<group id>.error` for the message of a failed one: `cell_predicate` answers both.
    InvalidInput names the place that is wrong, as `filter.all.0.value`; what is not understood is never taken for
    "everything".
    """
    found = list(_conditions(filter_json))
    if len(found) > MAX_CONDITIONS:
        raise InvalidInput.at("filter", f"A filter has at most {MAX_CONDITIONS} conditions.", "too_large")
    if sum(isinstance(node, dict) and node.get("field") == ANY_COLUMN for node in found) > MAX_OF_ANY_COLUMN:
        detail = f"A filter has at most {MAX_OF_ANY_COLUMN} conditions on any column ({ANY_COLUMN})."
        raise InvalidInput.at("filter", detail, "too_large")
    return _Compiler(schema, cell_predicate).node(filter_json, "filter", 0)


def any_column(schema: Schema, value: Any, attr: str) -> Q:
    """Some value of a live column contains the text, without regard to case: what a search finds."""
    return conditions.any_value_contains(schema.keys, searched(value, attr))


def searched(value: Any, attr: str) -> str:
    """The text that is looked for, without the spaces around it. InvalidInput when it is none, or too long."""
    text = _text(value, attr).strip()
    if len(text) > MAX_SEARCHED:
        raise InvalidInput.at(attr, f"Search for at most {MAX_SEARCHED} characters.")
    return text


def _conditions(node: Any, depth: int = 0) -> Iterator[Any]:
    """What stands where conditions do, as deep as filters go."""
    is_nested = isinstance(node, dict) and depth <= MAX_DEPTH
    lists = [node[name] for name in ("all", "any") if isinstance(node.get(name), list)] if is_nested else []
    if not lists:
        yield node
    for nodes in lists:
        for child in nodes:
            yield from _conditions(child, depth + 1)


@dataclass(frozen=True)
class _Compiler:
    schema: Schema
    cell_predicate: CellPredicate

    def node(self, node: Any, attr: str, depth: int) -> Q:
        if not isinstance(node, dict):
            raise InvalidInput.at(attr, 'Give an object: {"all": [...]}, {"any": [...]} or {"field", "op", "value"}.')
        for name, combine in (("all", operator.and_), ("any", operator.or_)):
            if name in node:
                return reduce(combine, self._children(node, name, attr, depth))
        return self._condition(node, attr)

    def _children(self, node: dict[str, Any], name: str, attr: str, depth: int) -> list[Q]:
        if len(node) > 1:
            others = ", ".join(repr(key) for key in node if key != name)
            raise InvalidInput.at(attr, f"An object with {name!r} has nothing else; found {others}.")
        if depth >= MAX_DEPTH:
            raise InvalidInput.at(attr, f"A filter is nested to a depth of at most {MAX_DEPTH}.", "too_deep")
        children = node[name]
        if not isinstance(children, list) or not children:
            raise InvalidInput.at(f"{attr}.{name}", "Give a list of at least one condition.")
        return [self.node(child, f"{attr}.{name}.{index}", depth + 1) for index, child in enumerate(children)]

    def _condition(self, node: dict[str, Any], attr: str) -> Q:
        for name in node:
            if name not in ("field", "op", "value"):
                raise InvalidInput.at(
                    f"{attr}.{name}", f"Unknown key {name!r}; a condition has field, op and value.", "unknown_key"
                )
        for name in ("field", "op"):
            if not isinstance(node.get(name), str):
                raise InvalidInput.at(f"{attr}.{name}", f"A condition needs {name!r}, a text.", "required")
        if node["field"].startswith("@"):
            return self._cell(node, attr)
        if node["field"] == ANY_COLUMN:
            return self._any_column(node, attr)
        column = self.schema.column(node["field"])
        if column is None:
            known = ", ".join(self.schema.keys) or "none"
            detail = f"There is no column {node['field']!r}. The columns are: {known}."
            raise InvalidInput.at(f"{attr}.field", detail, "unknown_field")
        _check_op(node, attr, ops_of(column.type), f"a {column.type} column")
        return _on_column(column, node, attr)

    def _any_column(self, node: dict[str, Any], attr: str) -> Q:
        _check_op(node, attr, CONTAINS_OPS, "any column")
        condition = any_column(self.schema, node["value"], f"{attr}.value")
        return condition if node["op"] == "contains" else ~condition

    def _cell(self, node: dict[str, Any], attr: str) -> Q:
        name, dot, part = node["field"][1:].partition(".")
        group = self.schema.group(int(name)) if name.isascii() and name.isdigit() and len(name) < 19 else None
        if group is None or (dot and part != "error"):
            known = ", ".join(f"@{group.id}, @{group.id}.error" for group in self.schema.groups) or "none"
            detail = f"There is no {node['field']!r} to ask for. Of the workflow columns there are: {known}."
            raise InvalidInput.at(f"{attr}.field", detail, "unknown_field")
        part = part or "status"
        _check_op(node, attr, CELL_OPS[part], f"the {part} of a cell")
        op, value = node["op"], node.get("value")
        if op not in EMPTY_OPS:
            asked = _listed(value, f"{attr}.value") if op in ("in", "nin") else [value]
            if not all(isinstance(text, str) for text in asked):
                detail = f"The {part} of a cell is a text; to ask for none use is_empty."
                raise InvalidInput.at(f"{attr}.value", detail)
            for text in asked:
                names.check_text(text, f"{attr}.value")
        try:
            return Q(self.cell_predicate(group.id, part, op, value))
        except InvalidInput as error:
            problems = [Problem(problem.detail, f"{attr}.value", problem.code) for problem in error.problems]
            raise InvalidInput(problems) from error


def _check_op(node: dict[str, Any], attr: str, known: tuple[str, ...], of_what: str) -> None:
    if node["op"] not in known:
        detail = f"Unknown operator {node['op']!r} for {of_what}. It has: {', '.join(known)}."
        raise InvalidInput.at(f"{attr}.op", detail, "unknown_op")
    if node["op"] in EMPTY_OPS:
        if node.get("value") not in (None, "", True):
            raise InvalidInput.at(f"{attr}.value", f"The operator {node['op']} takes no value.")
    elif "value" not in node:
        raise InvalidInput.at(f"{attr}.value", f"The operator {node['op']} needs a value.", "required")


def _listed(value: Any, attr: str) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_LISTED:
        raise InvalidInput.at(attr, f"Give a list of 1 to {MAX_LISTED} values.")
    return value


def _on_column(column: ColumnSpec, node: dict[str, Any], attr: str) -> Q:
    op, value = node["op"], node.get("value")
    positive = OPPOSITES.get(op, op)
    condition = _positive(column, positive, value, f"{attr}.value")
    return condition if positive == op else ~condition


def _positive(column: ColumnSpec, op: str, value: Any, attr: str) -> Q:
    if op == "is_empty" or (op == "eq" and value is None):
        return conditions.is_empty(column.key)
    if op == "in":
        return _in(column, value, attr)
    if op in ORDER_SIGNS:
        return conditions.compares(column, ORDER_SIGNS[op], _coerced(column, value, attr))
    if op in TEXT_PATTERNS and column.type not in types.LIST_TYPES:
        return conditions.matches(column.key, TEXT_PATTERNS[op].format(conditions.escaped(_text(value, attr))))
    if op == "contains":
        return conditions.has_choice(column.key, [_choice(column, value, attr)])
    return conditions.equals(column, _coerced(column, value, attr))


def _in(column: ColumnSpec, value: Any, attr: str) -> Q:
    places = [(item, f"{attr}.{index}") for index, item in enumerate(_listed(value, attr))]
    if column.type in types.LIST_TYPES:
        return conditions.has_choice(column.key, [_choice(column, item, place) for item, place in places])
    return conditions.is_one_of(column, [_coerced(column, item, place) for item, place in places])


def _coerced(column: ColumnSpec, value: Any, attr: str) -> Any:
    try:
        coerced = types.coerce(column.type, column.options, value)
    except types.CannotCoerce as error:
        raise InvalidInput.at(attr, error.detail) from error
    if coerced is None:
        raise InvalidInput.at(attr, "Give a value; to ask for empty cells use is_empty.")
    return coerced


def _choice(column: ColumnSpec, value: Any, attr: str) -> str:
    chosen = _coerced(column, [value], attr)
    if len(chosen) != 1:
        raise InvalidInput.at(attr, "Give one choice.")
    return str(chosen[0])


def _text(value: Any, attr: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput.at(attr, "Give a text to look for.")
    text = _coerced(ColumnSpec("", "", "text", {}, 0, None), value, attr)
    return str(text)
