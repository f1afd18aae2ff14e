"""Groups: what they fill, what they may read, how they change and go."""

from __future__ import annotations

from typing import Any

import pytest

from tableflow.errors import Conflict, InvalidInput, NotFound
from tableflow.tables import columns, groups, purge, schema
from tableflow.tables.models import Column, Group, Row, Table
from tests.factories import GroupFactory, RowFactory, TableFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def table() -> Table:
    return TableFactory.create(columns={"a": "text", "b": "text", "c": "text"})


def create(table: Table, **fields: Any) -> Group:
    definition = {"workflow": 1, "outputs": [{"from": "r", "column": {"name": "Result", "type": "number"}}], **fields}
    return groups.create(table, definition, default_name="Find it")


def output(column: Any) -> list[dict[str, Any]]:
    return [{"from": "r", "column": column}]


def refused(table: Table, **fields: Any) -> list[tuple[str | None, str]]:
    columns_before, groups_before = Column.objects.count(), Group.objects.count()
    with pytest.raises(InvalidInput) as error:
        create(table, **fields)
    assert (Column.objects.count(), Group.objects.count()) == (columns_before, groups_before)
    return [(problem.attr, problem.code) for problem in error.value.problems]


def test_a_group_makes_its_output_columns_at_the_right_end(table: Table) -> None:
    site = {"name": "S", "type": "url", "key": "site"}
    outputs = [*output({"name": "A", "type": "text"}), {"from": "s", "column": site}]
    group = create(
        table, outputs=outputs, inputs={"x": "a", "y": "{{ row.b }}!"}, run_after=["b", "b"], run_if="{{ row.c }}"
    )
    known = schema.load(table.pk)
    assert known.keys == ("a", "b", "c", "a_2", "site")
    found = known.group(group.pk)
    assert found is not None
    assert [(o.source, o.column) for o in found.outputs] == [("r", "a_2"), ("s", "site")]
    assert (found.name, found.run_after, found.bit, found.auto_run, found.concurrency) == (
        "Find it",
        ("b",),
        0,
        False,
        None,
    )
    assert [column.group_id for column in known.columns] == [None, None, None, group.pk, group.pk]
    assert known.leftmost(group.pk) == 3


def test_a_group_can_fill_a_column_that_is_there(table: Table) -> None:
    group = create(table, outputs=output("c"), inputs={"x": "b"}, name="Own name", concurrency=1000, auto_run=True)
    assert Column.objects.get(key="c").group_id == group.pk
    assert (group.name, group.concurrency, group.auto_run) == ("Own name", 1000, True)


def test_groups_come_in_cascade_order(table: Table) -> None:
    right = create(table, outputs=output("c"))
    left = create(table, outputs=output("a"))
    assert [group.id for group in schema.load(table.pk).groups] == [left.pk, right.pk]


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"colour": 1}, "colour"),
        ({"workflow": "1"}, "workflow"),
        ({"workflow": True}, "workflow"),
        ({"workflow": 2**70}, "workflow"),
        ({"name": " "}, "name"),
        ({"outputs": []}, "outputs"),
        ({"outputs": {}}, "outputs"),
        ({"outputs": [{"from": "r"}]}, "outputs.0"),
        ({"outputs": [{"from": "r", "column": "a", "to": 1}]}, "outputs.0"),
        ({"outputs": [{"from": "", "column": "a"}]}, "outputs.0.from"),
        ({"outputs": [{"from": "r", "column": 5}]}, "outputs.0.column"),
        ({"outputs": [{"from": "r", "column": "nope"}]}, "outputs.0.column"),
        ({"outputs": [{"from": "r", "column": "a"}, {"from": "s", "column": "a"}]}, "outputs.1.column"),
        ({"outputs": output({"name": "X", "type": "nope"})}, "outputs.0.column.type"),
        ({"outputs": output({"name": "X", "type": "text", "key": "a"})}, "outputs.0.column.key"),
        ({"outputs": output("taken")}, "outputs.0.column"),
        ({"inputs": []}, "inputs"),
        ({"inputs": {"x": 5}}, "inputs.x"),
        ({"inputs": {"x": "nope"}}, "inputs.x"),
        ({"inputs": {"x": "\x00{{ }}"}}, "inputs.x"),
        ({"run_after": "a"}, "run_after"),
        ({"run_after": ["a", "nope"]}, "run_after.1"),
        ({"run_after": [1]}, "run_after"),
        ({"auto_run": "yes"}, "auto_run"),
        ({"run_if": 5}, "run_if"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 1001}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
    ],
)
def test_wrong_definitions_are_named_and_nothing_is_made(table: Table, fields: dict[str, Any], attr: str) -> None:
    create(table, outputs=output({"name": "Taken", "type": "text"}))
    assert [place for place, _code in refused(table, **fields)] == [attr]


@pytest.mark.parametrize("missing", ["workflow", "outputs"])
def test_a_workflow_and_outputs_are_needed(table: Table, missing: str) -> None:
    definition = {"workflow": 1, "outputs": output("a")}
    del definition[missing]
    with pytest.raises(InvalidInput) as error:
        groups.create(table, definition, default_name="x")
    assert error.value.problems[0].attr == missing


def test_what_a_group_reads_lies_to_its_left(table: Table) -> None:
    assert refused(table, outputs=output("b"), inputs={"x": "c"}) == [("inputs.x", "dependency_right")]
    assert refused(table, outputs=output("b"), run_after=["a", "c"]) == [("run_after.1", "dependency_right")]


def test_a_group_cannot_read_what_it_fills(table: Table) -> None:
    assert refused(table, outputs=output("b"), inputs={"x": "b"}) == [("inputs.x", "dependency_cycle")]
    fields = {"outputs": [*output("c"), {"from": "s", "column": "b"}], "run_after": ["c", "b"]}
    assert refused(table, **fields) == [("run_after.0", "dependency_cycle"), ("run_after.1", "dependency_cycle")]


def test_groups_cannot_wait_for_each_other(table: Table) -> None:
    between = create(table, outputs=output("b"), run_after=["a"])
    create(table, outputs=output("c"), inputs={"x": "b"})
    assert refused(table, outputs=output("a"), run_after=["c"]) == [("run_after.0", "dependency_cycle")]
    with pytest.raises(InvalidInput) as error:
        groups.change(table, between.pk, {"inputs": {"x": "c"}})
    assert error.value.problems[0].code == "dependency_cycle"


def test_done_bits_are_allotted_once_and_kept_until_purged(table: Table) -> None:
    first, second = create(table), create(table)
    assert (first.bit, second.bit) == (0, 1)
    groups.delete(table, first.pk)
    third = create(table)
    assert third.bit == 2
    assert purge.deleted_groups() == [first.pk]
    assert purge.forget_group(first.pk) is True
    assert purge.forget_group(second.pk) is False
    assert create(table).bit == 0


def test_a_table_has_at_most_sixty_three_groups(table: Table) -> None:
    for bit in range(62):
        GroupFactory.create(table=table, bit=bit, deleted_at="2024-01-01T00:00:00Z" if bit else None)
    last = create(table)
    assert last.bit == 62
    with pytest.raises(Conflict, match="purged"):
        create(table)
    Group.objects.update(deleted_at=None)
    assert refused(table) == [("workflow", "too_many")]


def test_a_change_touches_only_what_it_names(table: Table) -> None:
    group = create(table, inputs={"x": "a"}, run_after=["b"], auto_run=True)
    groups.change(table, group.pk, {"name": "New", "workflow": 9, "concurrency": 5})
    group.refresh_from_db()
    assert (group.name, group.workflow_id, group.concurrency) == ("New", 9, 5)
    assert (group.inputs, group.run_after, group.auto_run) == ({"x": "a"}, ["b"], True)


def test_outputs_can_be_exchanged(table: Table) -> None:
    group = create(table)
    asked = [{"from": "r", "column": "c"}, {"from": "s", "column": {"name": "More", "type": "text"}}]
    groups.change(table, group.pk, {"outputs": asked})
    known = schema.load(table.pk)
    assert [(column.key, column.group_id) for column in known.columns[2:]] == [
        ("c", group.pk),
        ("result", None),
        ("more", group.pk),
    ]


def test_a_change_that_would_point_right_changes_nothing(table: Table) -> None:
    group = create(table, inputs={"x": "b"})
    with pytest.raises(InvalidInput) as error:
        groups.change(table, group.pk, {"outputs": output("a"), "name": "New"})
    assert error.value.problems[0].code == "dependency_right"
    group.refresh_from_db()
    assert group.name == "Find it"
    assert Column.objects.get(key="a").group_id is None


def test_a_deleted_group_leaves_its_columns_or_takes_them(table: Table) -> None:
    first = create(table)
    second = create(table, outputs=output({"name": "Other", "type": "text"}), run_after=["result"])
    groups.delete(table, first.pk)
    assert schema.load(table.pk).keys == ("a", "b", "c", "result", "other")
    groups.delete(table, second.pk, columns_too=True)
    assert schema.load(table.pk).keys == ("a", "b", "c", "result")
    assert schema.load(table.pk).groups == ()
    with pytest.raises(NotFound):
        groups.delete(table, first.pk)
    with pytest.raises(NotFound):
        groups.change(table, first.pk, {"name": "x"})


def test_columns_that_others_read_cannot_go_with_their_group(table: Table) -> None:
    first = create(table)
    second = create(table, outputs=output("b"), inputs={"x": "a"})
    third = create(table, outputs=output({"name": "End", "type": "text"}), inputs={"x": "result"}, run_after=["b"])
    with pytest.raises(Conflict, match="Find it"):
        groups.delete(table, first.pk, columns_too=True)
    groups.delete(table, second.pk, columns_too=True)
    third.refresh_from_db()
    assert third.run_after == []
    assert schema.load(table.pk).keys == ("a", "c", "result", "end")


def test_a_group_of_another_table_is_not_found(table: Table) -> None:
    group = create(TableFactory.create())
    with pytest.raises(NotFound):
        groups.change(table, group.pk, {"name": "x"})


def test_done_bits_of_a_deleted_group_are_cleared_in_batches(table: Table) -> None:
    group = create(table)
    GroupFactory.create(table=table, bit=62)
    for _ in range(12):
        RowFactory.create(table=table, done=1 << group.bit | 1 << 62)
    other = RowFactory.create(table=TableFactory.create(), done=1)
    groups.delete(table, group.pk)
    assert purge.groups_done_bits(group, batch=5) is True
    assert purge.groups_done_bits(group, batch=5) is True
    assert purge.groups_done_bits(group, batch=5) is False
    assert set(Row.objects.filter(table=table).values_list("done", flat=True)) == {1 << 62}
    other.refresh_from_db()
    assert other.done == 1


def test_a_column_cannot_be_an_output_twice(table: Table) -> None:
    create(table, outputs=output("c"))
    assert refused(table, outputs=output("c")) == [("outputs.0.column", "taken")]
    columns.delete(table, "c")
    assert refused(table, outputs=output("c")) == [("outputs.0.column", "unknown_column")]
