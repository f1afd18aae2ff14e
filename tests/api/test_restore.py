"""What was deleted comes back: columns with their values and place, rows at their several places in one request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from cells.workflows import versions
from dispatch import purge
from tableflow.errors import Conflict, NotFound
from tableflow.tables import columns, groups, restoring, rows, schema
from tableflow.tables import purge as purging
from tableflow.tables.models import Column, Group, Member, Row, Table
from tests import scenes
from tests.api.conftest import Api, errors
from tests.factories import ColumnFactory, GroupFactory, TableFactory, UserFactory

AT_ONCE = timedelta(0)
STEPS = [{"id": "a", "type": "template", "config": {"template": "x"}}]


@pytest.fixture
def three(people: Table) -> list[Row]:
    return rows.insert(people, [{"name": name, "age": age} for age, name in enumerate("abc")])


def url(table: Table, key: str) -> str:
    return f"tables/{table.pk}/columns/{key}/restore/"


def keys(table: Table) -> list[str]:
    return list(schema.load(table.pk).keys)


def names(table: Table) -> list[Any]:
    return scenes.values(table, "name")


def test_a_deleted_column_comes_back_with_its_values_and_its_place(api: Api, people: Table, three: list[Row]) -> None:
    before = api.get(f"tables/{people.pk}/").json()["columns"]
    for key in ("age", "name"):
        assert api.delete(f"tables/{people.pk}/columns/{key}/").status_code == 204
    assert not purge.purge()
    for key in ("name", "age"):
        answer = api.post(url(people, key))
        assert (answer.status_code, answer.json()["key"]) == (200, key)
    assert api.get(f"tables/{people.pk}/").json()["columns"] == before
    assert scenes.values(people, "age") == [0, 1, 2]
    assert not purge.purge(grace=AT_ONCE)
    assert scenes.values(people, "age") == [0, 1, 2]


def test_what_was_never_deleted_or_is_gone_cannot_come_back(api: Api, people: Table, three: list[Row]) -> None:
    assert errors(api.post(url(people, "nobody"))) == {None: "not_found"}
    there = api.post(url(people, "age"))
    assert (there.status_code, errors(there)) == (409, {None: "not_deleted"})
    columns.delete(people, "age")
    with pytest.raises(Conflict, match="too late"):
        restoring.restore(people, "age", grace=AT_ONCE)
    assert purging.columns(batch=2, grace=AT_ONCE) is True
    assert not purge.purge(grace=AT_ONCE)
    with pytest.raises(NotFound, match="gone"):
        restoring.restore(people, "age")
    assert keys(people) == ["name", "vip"]


def test_a_deleted_columns_key_is_nobody_elses_until_its_values_are_gone(api: Api, people: Table) -> None:
    columns.delete(people, "age")
    chosen = api.post(f"tables/{people.pk}/columns/", {"name": "Age", "type": "text", "key": "age"})
    assert errors(chosen) == {"key": "taken"}
    assert api.post(f"tables/{people.pk}/columns/", {"name": "Age", "type": "text"}).json()["key"] == "age_2"
    assert api.post(url(people, "age")).status_code == 200
    assert keys(people) == ["name", "age", "vip", "age_2"]


@pytest.fixture
def group(db: None) -> Group:
    """a, b, then a group that reads a, waits for b, and fills x and y; then z."""
    table = TableFactory.create()
    for key in ("a", "b", "x", "y", "z"):
        ColumnFactory.create(table=table, key=key)
    outputs = [{"from": "r", "column": "x"}, {"from": "s", "column": "y"}]
    return GroupFactory.create(table=table, inputs={"one": "a"}, run_after=["b"], outputs=outputs)


def specs(table: Table) -> Any:
    return schema.load(table.pk).groups


def test_an_output_is_an_output_again(group: Group) -> None:
    before = specs(group.table)
    columns.delete(group.table, "x")
    restored = restoring.restore(group.table, "x")
    assert (restored.position, restored.group_id) == (2, group.pk)
    assert specs(group.table) == before


def test_who_waited_for_a_column_waits_again(group: Group) -> None:
    before = specs(group.table)
    columns.delete(group.table, "b")
    assert specs(group.table)[0].run_after == ()
    deleted_at = Group.objects.get().updated_at
    restoring.restore(group.table, "b")
    assert Group.objects.get().updated_at > deleted_at
    assert specs(group.table) == before


def test_an_output_that_the_workflow_no_longer_has_is_an_ordinary_column(api: Api, user: User, group: Group) -> None:
    Table.objects.filter(pk=group.table.pk).update(owner=user)
    work = versions.create(user, "work", [], STEPS, {"r": "{{ steps.a }}", "s": "{{ steps.a }}"})
    Group.objects.update(workflow_id=work.pk)
    columns.delete(group.table, "x")
    assert api.post(url(group.table, "x")).json()["group"] == group.pk
    columns.delete(group.table, "x")
    versions.change(work, user=user, outputs={"s": "{{ steps.a }}"})
    assert api.post(url(group.table, "x")).json()["group"] is None
    assert [output.column for output in specs(group.table)[0].outputs] == ["y"]


def test_nobody_waits_for_a_column_to_the_right(group: Group) -> None:
    columns.delete(group.table, "b")
    columns.reorder(group.table, ["z", "x", "y", "a"])
    Column.objects.filter(table=group.table, key="b").update(position=3)
    assert restoring.restore(group.table, "b").position == 3
    assert keys(group.table) == ["z", "x", "y", "b", "a"]
    assert specs(group.table)[0].run_after == ()


def test_an_output_of_what_reads_to_the_right_by_now_is_an_ordinary_column(group: Group) -> None:
    columns.delete(group.table, "x")
    columns.reorder(group.table, ["b", "z", "a", "y"])
    assert specs(group.table)[0].inputs == {"one": "a"}
    assert restoring.restore(group.table, "x").group_id is None
    assert keys(group.table) == ["b", "z", "x", "a", "y"]
    assert [output.column for output in specs(group.table)[0].outputs] == ["y"]


def test_outputs_of_a_deleted_group_are_ordinary_columns(group: Group) -> None:
    groups.delete(group.table, group.pk, columns_too=True)
    assert [restoring.restore(group.table, key).group_id for key in ("y", "x")] == [None, None]
    assert sorted(keys(group.table)) == ["a", "b", "x", "y", "z"]


def test_nothing_comes_between_the_outputs_of_a_group(group: Group) -> None:
    columns.delete(group.table, "b")
    columns.reorder(group.table, ["x", "y", "a", "z"])
    assert restoring.restore(group.table, "b").position == 2
    assert keys(group.table) == ["x", "y", "b", "a", "z"]


def test_rows_come_back_at_their_several_places_in_one_request(api: Api, people: Table) -> None:
    made = {row.data["name"]: row for row in rows.insert(people, [{"name": name} for name in "abcdefgh"])}
    doomed = [made[name].pk for name in "abdfgh"]
    api.delete(f"tables/{people.pk}/rows/", {"rows": doomed})
    assert names(people) == ["c", "e"]
    back = [
        {"data": {"name": "a"}, "after_row": None},
        {"data": {"name": "b"}},
        {"data": {"name": "d"}, "after_row": made["c"].pk},
        {"data": {"name": "f"}, "after_row": made["e"].pk},
        {"data": {"name": "g"}},
        {"data": {"name": "h"}},
    ]
    answer = api.post(f"tables/{people.pk}/rows/", {"rows": back})
    assert [row["data"]["name"] for row in answer.json()["rows"]] == list("abdfgh")
    assert names(people) == list("abcdefgh")
    people.refresh_from_db()
    assert people.row_count == 8
    positions = list(Row.objects.filter(table=people).order_by("position").values_list("position", flat=True))
    assert positions == list(range(1, 9))


def test_rows_of_one_place_stand_there_in_the_order_given(api: Api, people: Table, three: list[Row]) -> None:
    last = three[2].pk
    asked = [
        {"data": {"name": "1"}},
        {"data": {"name": "2"}, "after_row": last},
        {"data": {"name": "3"}, "after_row": None},
        {"data": {"name": "4"}, "after_row": last},
        {"data": {"name": "5"}, "after_row": None},
    ]
    assert api.post(f"tables/{people.pk}/rows/", {"rows": asked}).status_code == 201
    assert names(people) == ["3", "5", "a", "b", "c", "1", "2", "4"]
    below = {"rows": [{"data": {"name": "6"}}, {"data": {"name": "7"}, "after_row": None}], "after_row": three[0].pk}
    api.post(f"tables/{people.pk}/rows/", below)
    assert names(people)[:4] == ["7", "3", "5", "a"]
    assert names(people)[4] == "6"


def test_the_first_row_of_an_empty_table_goes_to_its_top_and_its_end(api: Api, people: Table) -> None:
    asked = [{"data": {"name": "1"}}, {"data": {"name": "2"}, "after_row": None}, {"data": {"name": "3"}}]
    assert api.post(f"tables/{people.pk}/rows/", {"rows": asked}).status_code == 201
    assert names(people) == ["1", "2", "3"]


def test_an_unknown_neighbour_of_one_row_stops_all_of_them(api: Api, user: User, people: Table) -> None:
    elsewhere = rows.insert(TableFactory(owner=user), [{}])[0]
    for after, code in ((10**12, "unknown_row"), (elsewhere.pk, "unknown_row"), ("1", "invalid"), (0, "min_value")):
        asked = [{"data": {"name": "x"}}, {"data": {"name": "y"}, "after_row": after}]
        response = api.post(f"tables/{people.pk}/rows/", {"rows": asked})
        assert (response.status_code, errors(response)) == (400, {"rows.1.after_row": code})
    assert names(people) == []


def test_who_only_looks_restores_nothing(api_of: Any, people: Table) -> None:
    viewer = UserFactory()
    Member.objects.create(table=people, user=viewer, role=Member.Role.VIEWER)
    columns.delete(people, "age")
    assert api_of(viewer).post(url(people, "age")).status_code == 403
    assert api_of(UserFactory()).post(url(people, "age")).status_code == 404
    assert keys(people) == ["name", "vip"]
