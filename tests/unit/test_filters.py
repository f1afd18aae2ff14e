"""Filters as written: what is understood, and what is refused at which place."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q

from tableflow.errors import InvalidInput
from tableflow.tables import conditions, filters
from tableflow.tables.schema import ColumnSpec, GroupSpec, Output, Schema

CHOICES = {"choices": ["new", "won"]}
SCHEMA = Schema(
    1,
    (
        ColumnSpec("name", "Name", "text", {}, 0, None),
        ColumnSpec("age", "Age", "number", {}, 1, None),
        ColumnSpec("done", "Done", "boolean", {}, 2, None),
        ColumnSpec("stage", "Stage", "select", CHOICES, 3, None),
        ColumnSpec("tags", "Tags", "multiselect", CHOICES, 4, None),
        ColumnSpec("raw", "Raw", "json", {}, 5, None),
        ColumnSpec("found", "Found", "text", {}, 6, 7),
    ),
    (GroupSpec(7, "Find", 1, {}, (Output("x", "found"),), (), "", False, None, 0),),
)


def cell_is(group_id: int, part: str, op: str, value: Any) -> Q:
    if value == "nonsense":
        raise InvalidInput.at("status", "no such status")
    return Q(pk=group_id) if (part, op) == ("status", "eq") else Q(data=[part, op, value])


def compiled(filter_json: Any) -> Q:
    return filters.compile_filter(SCHEMA, filter_json, cell_is)


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"field": "name", "op": "eq", "value": "x"}
    for _ in range(depth):
        node = {"all": [node]}
    return node


@pytest.mark.parametrize(
    ("filter_json", "attr"),
    [
        (None, "filter"),
        ([], "filter"),
        ("name", "filter"),
        ({}, "filter.field"),
        ({"all": []}, "filter.all"),
        ({"any": {}}, "filter.any"),
        ({"all": None}, "filter.all"),
        ({"all": [{"field": "name", "op": "is_empty"}], "any": []}, "filter"),
        ({"all": [{"field": "name", "op": "is_empty"}], "note": 1}, "filter"),
        ({"all": [7]}, "filter.all.0"),
        ({"field": "nope", "op": "eq", "value": 1}, "filter.field"),
        ({"field": ["name"], "op": "eq", "value": 1}, "filter.field"),
        ({"field": "name", "op": "like", "value": 1}, "filter.op"),
        ({"field": "name", "op": None, "value": 1}, "filter.op"),
        ({"field": "name", "op": "eq"}, "filter.value"),
        ({"field": "name", "op": "eq", "value": 1, "case": True}, "filter.case"),
        ({"field": "name", "op": "is_empty", "value": False}, "filter.value"),
        ({"field": "name", "op": "contains", "value": ""}, "filter.value"),
        ({"field": "name", "op": "contains", "value": ["x"]}, "filter.value"),
        ({"field": "name", "op": "contains", "value": "\x00"}, "filter.value"),
        ({"field": "name", "op": "gt", "value": None}, "filter.value"),
        ({"field": "age", "op": "eq", "value": "old"}, "filter.value"),
        ({"field": "age", "op": "gt", "value": True}, "filter.value"),
        ({"field": "age", "op": "in", "value": 7}, "filter.value"),
        ({"field": "age", "op": "in", "value": []}, "filter.value"),
        ({"field": "age", "op": "in", "value": list(range(1001))}, "filter.value"),
        ({"field": "age", "op": "in", "value": [1, "x"]}, "filter.value.1"),
        ({"field": "age", "op": "nin", "value": [None]}, "filter.value.0"),
        ({"field": "done", "op": "gt", "value": True}, "filter.op"),
        ({"field": "done", "op": "contains", "value": "t"}, "filter.op"),
        ({"field": "stage", "op": "eq", "value": "lost"}, "filter.value"),
        ({"field": "tags", "op": "contains", "value": "lost"}, "filter.value"),
        ({"field": "tags", "op": "contains", "value": []}, "filter.value"),
        ({"field": "tags", "op": "starts_with", "value": "n"}, "filter.op"),
        ({"field": "raw", "op": "gt", "value": 1}, "filter.op"),
        ({"any": [{"all": [{"field": "age", "op": "lt", "value": {}}]}]}, "filter.any.0.all.0.value"),
        ({"field": "@8", "op": "eq", "value": "error"}, "filter.field"),
        ({"field": "@", "op": "eq", "value": "error"}, "filter.field"),
        ({"field": "@-7", "op": "eq", "value": "error"}, "filter.field"),
        ({"field": "@99999999999999999999999", "op": "eq", "value": "error"}, "filter.field"),
        ({"field": "@7", "op": "contains", "value": "err"}, "filter.op"),
        ({"field": "@7", "op": "eq", "value": 3}, "filter.value"),
        ({"field": "@7", "op": "in", "value": "error"}, "filter.value"),
        ({"field": "@7", "op": "in", "value": [None]}, "filter.value"),
        ({"field": "@7", "op": "eq", "value": "nonsense"}, "filter.value"),
        ({"field": "@8.error", "op": "eq", "value": "x"}, "filter.field"),
        ({"field": "@.error", "op": "eq", "value": "x"}, "filter.field"),
        ({"field": "@7.", "op": "eq", "value": "x"}, "filter.field"),
        ({"field": "@7.status", "op": "eq", "value": "error"}, "filter.field"),
        ({"field": "@7.error.x", "op": "eq", "value": "x"}, "filter.field"),
        ({"field": "@7.error", "op": "gt", "value": "x"}, "filter.op"),
        ({"field": "@7.error", "op": "eq", "value": None}, "filter.value"),
        ({"field": "@7.error", "op": "eq", "value": 503}, "filter.value"),
        ({"field": "@7.error", "op": "in", "value": "x"}, "filter.value"),
        ({"field": "@7.error", "op": "in", "value": ["x", 503]}, "filter.value"),
        ({"field": "@7.error", "op": "is_empty", "value": "x"}, "filter.value"),
    ],
)
def test_what_is_wrong_is_refused_at_its_place(filter_json: Any, attr: str) -> None:
    with pytest.raises(InvalidInput) as error:
        compiled(filter_json)
    assert [problem.attr for problem in error.value.problems] == [attr]


def test_an_unknown_field_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="name, age, done, stage, tags, raw, found"):
        compiled({"field": "nme", "op": "eq", "value": "x"})


def test_filters_nest_to_depth_ten() -> None:
    assert compiled(nested(10))
    with pytest.raises(InvalidInput, match="depth of at most 10"):
        compiled(nested(11))
    with pytest.raises(InvalidInput, match="depth of at most 10"):
        compiled(nested(900))


def test_filters_have_at_most_two_hundred_conditions() -> None:
    condition = {"field": "age", "op": "eq", "value": 1}
    assert compiled({"any": [{"all": [condition] * 100}, {"all": [condition] * 100}]})
    with pytest.raises(InvalidInput, match="at most 200"):
        compiled({"any": [{"all": [condition] * 100}, {"all": [condition] * 101}]})


def test_a_cell_is_asked_of_the_floor_above() -> None:
    assert compiled({"field": "@7", "op": "eq", "value": "error"}) == Q(Q(pk=7))
    assert compiled({"field": "@7.error", "op": "contains", "value": "503"}) == Q(Q(data=["error", "contains", "503"]))


def test_every_type_knows_its_operators() -> None:
    assert filters.ops_of("boolean") == ("eq", "ne", "in", "nin", "is_empty", "is_not_empty")
    assert set(filters.ops_of("text")) == set(filters.OPS)


@pytest.mark.parametrize(
    ("text", "pattern"), [("a", "a"), ("50%", r"50\%"), ("a_b", r"a\_b"), ("c:\\x", r"c:\\x"), ("\\%", r"\\\%")]
)
def test_wildcards_mean_themselves(text: str, pattern: str) -> None:
    assert conditions.escaped(text) == pattern
