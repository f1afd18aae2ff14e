"""Columns: keys, types and their conversion, order, deletion."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tableflow.errors import Conflict, InvalidInput, NotFound
from tableflow.tables import columns, conversions, purge, rows, schema
from tableflow.tables.columns import Changed
from tableflow.tables.dependencies import Dropped
from tableflow.tables.models import Column, Group, Row, Table
from tests.factories import ColumnFactory, GroupFactory, RowFactory, TableFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def table() -> Table:
    return TableFactory.create()


def keys(table: Table) -> list[str]:
    return list(schema.load(table.pk).keys)


def places(table: Table) -> list[int]:
    return [column.position for column in schema.load(table.pk).columns]


def refused(error: pytest.ExceptionInfo[InvalidInput]) -> list[tuple[str | None, str]]:
    return [(problem.attr, problem.code) for problem in error.value.problems]


def with_group(table: Table) -> Group:
    """a, b, then a group that reads a, waits for b, and fills x and y; then z."""
    for key in ("a", "b", "x", "y", "z"):
        ColumnFactory.create(table=table, key=key)
    return GroupFactory.create(
        table=table,
        inputs={"one": "a", "text": "{{ row.b }}"},
        run_after=["b"],
        outputs=[{"from": "r", "column": "x"}, {"from": "s", "column": "y"}],
    )


def test_keys_are_made_from_names_and_stay_unique(table: Table) -> None:
    names = ["First Name", "first-name", "Größe (cm)", "名前", "!!", "First name 2", "x" * 128]
    made = columns.create_many(table, [{"name": name, "type": "text"} for name in names])
    expected = ["first_name", "first_name_2", "grosse_cm", "column", "column_2", "first_name_2_2", "x" * 56]
    assert [column.key for column in made] == expected
    assert places(table) == list(range(7))
    assert [column.name for column in made] == names


def test_a_chosen_key_goes_before_one_made_from_a_name(table: Table) -> None:
    columns.create_many(table, [{"name": "Age", "type": "text"}, {"name": "Years", "type": "number", "key": "age"}])
    assert keys(table) == ["age_2", "age"]


def test_a_column_comes_to_the_right_end_with_its_options(table: Table) -> None:
    columns.create(table, {"name": "A", "type": "text"})
    made = columns.create(table, {"name": " Price ", "type": "currency", "options": {"currency": "EUR"}})
    found = schema.load(table.pk).column("price")
    assert found is not None
    assert (found.name, found.type, found.options, found.position) == ("Price", "currency", {"currency": "EUR"}, 1)
    assert made.pk


@pytest.mark.parametrize(
    ("definition", "attr", "code"),
    [
        (7, "columns.0", "invalid"),
        ({"type": "text"}, "columns.0.name", "required"),
        ({"name": "  ", "type": "text"}, "columns.0.name", "required"),
        ({"name": "x" * 129, "type": "text"}, "columns.0.name", "invalid"),
        ({"name": "\x00", "type": "text"}, "columns.0.name", "invalid"),
        ({"name": "A"}, "columns.0.type", "unknown_type"),
        ({"name": "A", "type": "texts"}, "columns.0.type", "unknown_type"),
        ({"name": "A", "type": ["text"]}, "columns.0.type", "unknown_type"),
        ({"name": "A", "type": "text", "key": "has space"}, "columns.0.key", "invalid"),
        ({"name": "A", "type": "text", "key": ""}, "columns.0.key", "invalid"),
        ({"name": "A", "type": "text", "key": "x" * 65}, "columns.0.key", "invalid"),
        ({"name": "A", "type": "text", "key": "taken"}, "columns.0.key", "taken"),
        ({"name": "A", "type": "text", "key": "deleted"}, "columns.0.key", "taken"),
        ({"name": "A", "type": "text", "colour": "red"}, "columns.0.colour", "unknown_field"),
        ({"name": "A", "type": "select", "options": {"choices": [1]}}, "columns.0.options.choices.0", "invalid"),
    ],
)
def test_wrong_definitions_are_named_and_nothing_is_made(table: Table, definition: Any, attr: str, code: str) -> None:
    ColumnFactory.create(table=table, key="taken")
    ColumnFactory.create(table=table, key="deleted", deleted_at="2024-01-01T00:00:00Z")
    with pytest.raises(InvalidInput) as error:
        columns.create_many(table, [definition, {"name": "Good", "type": "text"}])
    assert refused(error) == [(attr, code)]
    assert keys(table) == ["taken"]


def test_a_single_column_is_named_without_an_index(table: Table) -> None:
    with pytest.raises(InvalidInput) as error:
        columns.create(table, {"name": "A", "type": "x"})
    assert refused(error) == [("type", "unknown_type")]


def test_a_table_has_at_most_five_hundred_columns(table: Table) -> None:
    columns.create_many(table, [{"name": "A", "type": "text"}] * 500)
    with pytest.raises(InvalidInput, match="at most 500"):
        columns.create(table, {"name": "A", "type": "text"})


def test_a_deleted_table_takes_no_columns(table: Table) -> None:
    Table.objects.update(deleted_at="2024-01-01T00:00:00Z")
    with pytest.raises(NotFound):
        columns.create(table, {"name": "A", "type": "text"})


def test_a_rename_keeps_the_key_and_the_values(table: Table) -> None:
    ColumnFactory.create(table=table, key="a")
    rows.insert(table, [{"a": "x"}])
    changed = columns.change(table, "a", {"name": "Better"})
    assert changed.conversion is None
    assert (changed.column.key, changed.column.name) == ("a", "Better")
    assert Row.objects.get().data == {"a": "x"}


def test_a_dry_run_says_what_a_new_type_would_lose_and_changes_nothing(table: Table) -> None:
    ColumnFactory.create(table=table, key="a")
    one, bad, _none, other, long = rows.insert(table, [{"a": v} for v in ("1", "old", None, "2.5", "x" * 900)])
    dry = columns.change(table, "a", {"type": "number"}, dry_run=True)
    assert dry.conversion is not None
    assert (dry.conversion.total, dry.conversion.converted, dry.conversion.failed) == (4, 2, 2)
    assert [(failure.row, failure.value) for failure in dry.conversion.examples] == [
        (bad.pk, "old"),
        (long.pk, "x" * 200),
    ]
    assert schema.load(table.pk).columns[0].type == "text"
    assert Row.objects.get(pk=one.pk).data == {"a": "1"}
    assert columns.change(table, "a", {"type": "number"}) == dry
    assert Row.objects.get(pk=bad.pk).data == {"a": None}
    assert Row.objects.get(pk=other.pk).data == {"a": 2.5}


def test_a_conversion_goes_through_all_batches(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversions, "BATCH", 10)
    ColumnFactory.create(table=table, key="a")
    rows.insert(table, [{"a": str(n) if n % 3 else "bad"} for n in range(60)])
    changed = columns.change(table, "a", {"type": "number"})
    assert changed.conversion is not None
    assert (changed.conversion.total, changed.conversion.failed, len(changed.conversion.examples)) == (60, 20, 20)
    expected = [n if n % 3 else None for n in range(60)]
    assert [row.data["a"] for row in Row.objects.order_by("position")] == expected


@pytest.mark.parametrize(
    ("old", "value", "new", "options", "result"),
    [
        ("multiselect", ["a", "b"], "text", None, "a, b"),
        ("multiselect", ["a", "b"], "json", None, ["a", "b"]),
        ("text", "a, b", "multiselect", {"choices": ["a", "b"]}, ["a", "b"]),
        ("boolean", True, "text", None, "true"),
        ("number", 5, "text", None, "5"),
        ("json", {"a": 1}, "text", None, '{"a": 1}'),
        ("text", '{"a": 1}', "json", None, {"a": 1}),
        ("date", "2024-01-02", "datetime", None, "2024-01-02T00:00:00Z"),
        ("datetime", "2024-01-02T03:00:00Z", "date", None, "2024-01-02"),
        ("number", 1, "currency", None, 1),
        ("text", "won", "select", {"choices": ["Won"]}, "Won"),
        ("text", "x", "date", None, None),
        ("select", "a", "select", {"choices": ["b"]}, None),
    ],
)
def test_values_are_converted_where_they_can_be(
    table: Table, old: str, value: Any, new: str, options: Any, result: Any
) -> None:
    ColumnFactory.create(table=table, key="a", type=old)
    RowFactory.create(table=table, data={"a": value, "b": 1})
    columns.change(table, "a", {"type": new} | ({"options": options} if options else {}))
    assert Row.objects.get().data == {"a": result, "b": 1}


def test_options_that_leave_the_values_alone_look_at_none(table: Table) -> None:
    ColumnFactory.create(table=table, key="a", type="number")
    assert columns.change(table, "a", {"options": {"precision": 2}}).conversion is None
    assert columns.change(table, "a", {"name": "B"}).column.options == {"precision": 2}


@pytest.mark.parametrize(
    ("changes", "attr"), [({"key": "b"}, "key"), ({"name": ""}, "name"), ({"type": 1}, "type"), ([], "column")]
)
def test_wrong_changes_are_named(table: Table, changes: Any, attr: str) -> None:
    ColumnFactory.create(table=table, key="a")
    with pytest.raises(InvalidInput) as error:
        columns.change(table, "a", changes)
    assert error.value.problems[0].attr == attr


def test_an_unknown_column_is_not_found(table: Table) -> None:
    for verb in (lambda: columns.change(table, "a", {}), lambda: columns.delete(table, "a")):
        with pytest.raises(NotFound):
            verb()


def test_a_deleted_column_is_hidden_and_its_values_are_purged_later(table: Table) -> None:
    for key in "abc":
        ColumnFactory.create(table=table, key=key)
    rows.insert(table, [{"a": str(n), "b": str(n)} for n in range(25)])
    columns.delete(table, "a")
    assert keys(table) == ["b", "c"]
    assert places(table) == [0, 1]
    with pytest.raises(InvalidInput):
        rows.insert(table, [{"a": "x"}])
    assert columns.create(table, {"name": "A", "type": "text"}).key == "a_2"
    assert purge.columns(batch=10) is False
    at_once = timedelta(0)
    assert purge.columns(batch=10, grace=at_once) is True
    assert Row.objects.filter(data__has_key="a").count() == 15
    assert purge.columns(batch=10, grace=at_once) is True
    assert purge.columns(batch=10, grace=at_once) is False
    assert not Row.objects.filter(data__has_key="a").exists()
    assert Row.objects.filter(data__has_key="b").count() == 25
    assert purge.columns(grace=at_once) is False
    assert columns.create(table, {"name": "A", "type": "text"}).key == "a"


def test_a_deleted_column_is_no_longer_waited_for(table: Table) -> None:
    group = with_group(table)
    columns.delete(table, "b")
    group.refresh_from_db()
    assert group.run_after == []


def test_a_column_that_is_an_input_cannot_be_deleted(table: Table) -> None:
    group = with_group(table)
    with pytest.raises(Conflict, match=group.name):
        columns.delete(table, "a")
    assert "a" in keys(table)


def test_deleting_the_last_output_deletes_the_group(table: Table) -> None:
    group = with_group(table)
    columns.delete(table, "x")
    group.refresh_from_db()
    assert group.outputs == [{"from": "s", "column": "y"}]
    assert group.deleted_at is None
    columns.delete(table, "y")
    group.refresh_from_db()
    assert group.deleted_at is not None
    assert schema.load(table.pk).groups == ()
    columns.delete(table, "a")


def test_columns_are_put_into_another_order(table: Table) -> None:
    with_group(table)
    assert columns.reorder(table, ["z", "b", "a", "y", "x"]) == []
    assert keys(table) == ["z", "b", "a", "y", "x"]
    assert places(table) == [0, 1, 2, 3, 4]


def test_dependencies_that_would_point_right_are_dropped_and_listed(table: Table) -> None:
    group = with_group(table)
    dropped = columns.reorder(table, ["x", "y", "a", "b", "z"])
    assert dropped == [Dropped(group.pk, "run_after", "b"), Dropped(group.pk, "inputs.one", "a")]
    group.refresh_from_db()
    assert (group.run_after, group.inputs) == ([], {"text": "{{ row.b }}"})
    assert columns.reorder(table, ["x", "y", "a", "b", "z"]) == []


@pytest.mark.parametrize(
    ("order", "attr"),
    [
        ("a", "columns"),
        (None, "columns"),
        ([1], "columns"),
        (["a", "b", "x", "y"], "columns"),
        (["a", "b", "x", "y", "z", "z"], "columns"),
        (["a", "b", "x", "y", "q"], "columns.4"),
        (["a", "b", "x", "z", "y"], "columns"),
    ],
)
def test_an_order_that_is_none_is_refused(table: Table, order: Any, attr: str) -> None:
    with_group(table)
    with pytest.raises(InvalidInput) as error:
        columns.reorder(table, order)
    assert error.value.problems[0].attr == attr
    assert keys(table) == ["a", "b", "x", "y", "z"]


def test_an_output_column_may_be_renamed_and_retyped(table: Table) -> None:
    with_group(table)
    changed = columns.change(table, "x", {"name": "Found", "type": "number"})
    assert isinstance(changed, Changed)
    assert changed.column.group_id is not None
    assert Column.objects.get(key="x").name == "Found"
