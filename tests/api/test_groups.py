from __future__ import annotations

from typing import Any

import pytest

from cells.models import Execution, Status
from dispatch.begin import begin
from dispatch.gather import gather
from dispatch.models import Change, Dispatch
from tableflow.tables import rows
from tableflow.tables.models import Column, Group, Table
from tests.api.conftest import Api, errors


@pytest.fixture
def shout(api: Api) -> int:
    """A workflow of the user's: `text` in, `loud` and `length` out."""
    steps = [{"id": "up", "type": "template", "config": {"template": "{{ inputs.text | upper }}"}}]
    outputs = {"loud": "{{ steps.up }}", "length": "{{ steps.up | length }}"}
    made = api.post("workflows/", {"name": "Shout", "inputs": ["text"], "steps": steps, "outputs": outputs})
    assert made.status_code == 201, made.content
    return int(made.json()["id"])


@pytest.fixture
def group(api: Api, people: Table, shout: int) -> dict[str, Any]:
    """A workflow column over the people's names."""
    body = {
        "workflow": shout,
        "inputs": {"text": "name"},
        "outputs": [{"from": "loud", "column": {"name": "Loud", "type": "text"}}],
        "run_after": ["name"],
    }
    response = api.post(f"tables/{people.pk}/groups/", body)
    assert response.status_code == 201, response.content
    made: dict[str, Any] = response.json()
    return made


def test_a_workflow_column_is_made_with_its_columns(api: Api, people: Table, shout: int, group: dict[str, Any]) -> None:
    table = api.get(f"tables/{people.pk}/").json()
    assert table["groups"] == [group]
    assert group == {
        "id": group["id"],
        "name": "Shout",
        "workflow": shout,
        "inputs": {"text": "name"},
        "outputs": [{"from": "loud", "column": "loud"}],
        "run_after": ["name"],
        "run_if": "",
        "auto_run": False,
        "concurrency": None,
    }
    assert table["columns"][-1]["key"] == "loud"
    assert table["columns"][-1]["group"] == group["id"]


def test_a_workflow_column_may_fill_a_column_that_is_there(api: Api, people: Table, shout: int) -> None:
    body = {
        "name": "Loud age",
        "workflow": shout,
        "inputs": {"text": "{{ row.name }}!"},
        "outputs": [{"from": "length", "column": "age"}],
        "run_if": "{{ row.name }}",
        "auto_run": True,
        "concurrency": 4,
    }
    made = api.post(f"tables/{people.pk}/groups/", body).json()
    assert (made["name"], made["run_if"], made["auto_run"], made["concurrency"]) == (
        "Loud age",
        "{{ row.name }}",
        True,
        4,
    )
    assert api.get(f"tables/{people.pk}/").json()["columns"][1]["group"] == made["id"]


def test_a_workflow_column_is_changed_field_by_field(api: Api, people: Table, group: dict[str, Any]) -> None:
    url = f"tables/{people.pk}/groups/{group['id']}/"
    changed = api.patch(url, {"name": "Louder", "run_after": [], "concurrency": 2}).json()
    assert changed == {**group, "name": "Louder", "run_after": [], "concurrency": 2}
    outputs = [*group["outputs"], {"from": "length", "column": {"name": "Length", "type": "number"}}]
    assert api.patch(url, {"outputs": outputs}).json()["outputs"][1] == {"from": "length", "column": "length"}


def test_an_output_that_is_taken_out_keeps_or_drops_its_column(
    api: Api, people: Table, shout: int, group: dict[str, Any]
) -> None:
    url = f"tables/{people.pk}/groups/{group['id']}/"

    def keys() -> dict[str, int | None]:
        columns = api.get(f"tables/{people.pk}/").json()["columns"]
        return {column["key"]: column["group"] for column in columns[3:]}

    length = {"from": "length", "column": {"name": "Length", "type": "number"}}
    both = api.patch(url, {"outputs": [*group["outputs"], length]}).json()["outputs"]
    assert keys() == {"loud": group["id"], "length": group["id"]}
    api.patch(url, {"outputs": both[:1]})
    assert keys() == {"loud": group["id"], "length": None}
    api.patch(url, {"outputs": both})
    reader = {"workflow": shout, "inputs": {"text": "{{ row.length }}"}, "outputs": [{**length, "from": "loud"}]}
    made = api.post(f"tables/{people.pk}/groups/", reader).json()
    refused = api.patch(f"{url}?columns=drop", {"outputs": both[:1]})
    assert (refused.status_code, errors(refused)) == (409, {None: "column_in_use"})
    assert keys() == {"loud": group["id"], "length": group["id"], "length_2": made["id"]}
    api.delete(f"tables/{people.pk}/groups/{made['id']}/?columns=drop")
    api.patch(url, {"run_after": []})
    assert api.patch(f"{url}?columns=drop", {"outputs": both[:1]}).json()["outputs"] == both[:1]
    assert keys() == {"loud": group["id"]}
    assert errors(api.patch(f"{url}?columns=burn", {})) == {"columns": "invalid_choice"}


def test_a_deleted_workflow_column_keeps_or_drops_its_columns(
    api: Api, people: Table, shout: int, group: dict[str, Any]
) -> None:
    assert api.delete(f"tables/{people.pk}/groups/{group['id']}/").status_code == 204
    table = api.get(f"tables/{people.pk}/").json()
    assert table["groups"] == []
    assert (table["columns"][-1]["key"], table["columns"][-1]["group"]) == ("loud", None)
    again = {"workflow": shout, "outputs": [{"from": "loud", "column": "loud"}]}
    made = api.post(f"tables/{people.pk}/groups/", again).json()
    assert api.delete(f"tables/{people.pk}/groups/{made['id']}/?columns=drop").status_code == 204
    assert "loud" not in [column["key"] for column in api.get(f"tables/{people.pk}/").json()["columns"]]


def test_what_runs_in_a_deleted_workflow_column_is_cancelled(api: Api, people: Table, group: dict[str, Any]) -> None:
    (row,) = rows.insert(people, [{"name": "Ada"}])
    run = begin(people.pk)
    cell = Execution.objects.create(
        row=row, group_id=group["id"], position=row.position, status=Status.PENDING, dispatch_id=run.pk
    )
    api.delete(f"tables/{people.pk}/groups/{group['id']}/")
    assert api.post(f"tables/{people.pk}/dispatches/", {}).status_code == 400
    assert Dispatch.objects.get(pk=run.pk).exclusions
    assert Execution.objects.filter(pk=cell.pk).exists()


def test_a_workflow_column_outlives_its_workflow_and_may_be_renamed(
    api: Api, people: Table, shout: int, group: dict[str, Any]
) -> None:
    api.delete(f"workflows/{shout}/")
    url = f"tables/{people.pk}/groups/{group['id']}/"
    assert api.patch(url, {"name": "Mute"}).status_code == 200
    assert "workflow" in errors(api.patch(url, {"inputs": {}}))


@pytest.mark.parametrize(
    ("changes", "attr"),
    [
        ({"workflow": 10**12}, "workflow"),
        ({"workflow": 10**30}, "workflow"),
        ({"workflow": "1"}, "workflow"),
        ({"workflow": None}, "workflow"),
        ({"outputs": []}, "outputs"),
        ({"outputs": [{"from": "loud"}]}, "outputs.0.column"),
        ({"outputs": [{"from": "nothing", "column": "vip"}]}, "outputs.0.from"),
        ({"outputs": [{"from": "loud", "column": "nobody"}]}, "outputs.0.column"),
        ({"outputs": [{"from": "loud", "column": {"name": "x", "type": "texts"}}]}, "outputs.0.column.type"),
        ({"outputs": [{"from": "loud", "column": 3}]}, "outputs.0.column"),
        ({"inputs": {"nothing": "name"}}, "inputs.nothing"),
        ({"inputs": {"text": "nobody"}}, "inputs.text"),
        ({"inputs": {"text": 3}}, "inputs.text"),
        ({"inputs": {"text": "{{ row.name"}}, "inputs.text"),
        ({"inputs": {"text": "{{ row.nobody }}"}}, "inputs.text"),
        ({"inputs": ["name"]}, "inputs"),
        ({"run_after": ["nobody"]}, "run_after.0"),
        ({"run_after": "name"}, "run_after"),
        ({"run_if": "{{ row.name"}, "run_if"),
        ({"run_if": "name"}, "run_if"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
        ({"auto_run": "yes"}, "auto_run"),
        ({"colour": "red"}, "colour"),
        # It would wait for what it fills, and read what stands right of it.
        ({"outputs": [{"from": "loud", "column": "name"}], "run_after": ["name"]}, "run_after.0"),
        ({"outputs": [{"from": "loud", "column": "name"}], "inputs": {"text": "age"}}, "inputs.text"),
        ({"outputs": [{"from": "loud", "column": "name"}], "inputs": {"text": "{{ row.age }}"}}, "inputs.text"),
    ],
)
def test_a_bad_workflow_column_is_refused_where_it_is_wrong_and_nothing_is_made(
    api: Api, people: Table, shout: int, changes: dict[str, Any], attr: str
) -> None:
    body = {"workflow": shout, "inputs": {}, "outputs": [{"from": "loud", "column": {"name": "Loud", "type": "text"}}]}
    response = api.post(f"tables/{people.pk}/groups/", {**body, **changes})
    assert response.status_code == 400, response.content
    assert attr in errors(response), errors(response)
    assert not Group.objects.exists()
    assert Column.objects.filter(table=people).count() == 3


def test_a_cycle_of_workflow_columns_is_refused(api: Api, people: Table, shout: int, group: dict[str, Any]) -> None:
    body = {
        "workflow": shout,
        "inputs": {"text": "loud"},
        "outputs": [{"from": "loud", "column": {"name": "L2", "type": "text"}}],
    }
    assert api.post(f"tables/{people.pk}/groups/", body).status_code == 201
    response = api.patch(f"tables/{people.pk}/groups/{group['id']}/", {"run_after": ["l2"]})
    assert errors(response) == {"run_after.0": "dependency_cycle"}


@pytest.mark.parametrize("group_id", ["0", "99999", "9" * 30])
def test_an_unknown_workflow_column_is_404(api: Api, people: Table, group_id: str) -> None:
    assert api.patch(f"tables/{people.pk}/groups/{group_id}/", {"name": "x"}).status_code == 404
    assert api.delete(f"tables/{people.pk}/groups/{group_id}/").status_code == 404


def test_an_odd_wish_for_the_columns_deletes_nothing(api: Api, people: Table, group: dict[str, Any]) -> None:
    response = api.delete(f"tables/{people.pk}/groups/{group['id']}/?columns=burn")
    assert errors(response) == {"columns": "invalid_choice"}
    assert api.get(f"tables/{people.pk}/").json()["groups"] == [group]


def test_turning_auto_run_off_cancels_what_runs_by_itself_in_it_and_nothing_else(
    api: Api, people: Table, shout: int, group: dict[str, Any]
) -> None:
    other = api.post(
        f"tables/{people.pk}/groups/",
        {
            "workflow": shout,
            "inputs": {"text": "name"},
            "outputs": [{"from": "loud", "column": {"name": "Other", "type": "text"}}],
            "run_after": ["name"],
            "auto_run": True,
        },
    ).json()
    url = f"tables/{people.pk}/groups/{group['id']}/"
    first, second, third = rows.insert(people, [{}, {}, {}])
    manual = begin(people.pk, groups=[group["id"]], rows=[first.pk])
    # One run of this column alone, and one of both.
    api.patch(url, {"auto_run": True})
    Group.objects.filter(pk=other["id"]).update(auto_run=False)
    rows.update(people, {second.pk: {"name": "Bob"}})
    (alone,) = gather(people.pk)
    Group.objects.filter(pk=other["id"]).update(auto_run=True)
    rows.update(people, {third.pk: {"name": "Cyd"}})
    (both,) = gather(people.pk)

    assert api.patch(url, {"auto_run": False}).json()["auto_run"] is False
    for run in (manual, alone, both):
        run.refresh_from_db()
    assert [manual.status, alone.status, both.status] == ["pending", "cancelled", "pending"]
    assert not manual.exclusions
    assert [what["groups"] for what in both.exclusions] == [[group["id"]]]


def test_turning_auto_run_off_and_on_again_starts_nothing_that_was_pending(
    api: Api, people: Table, group: dict[str, Any]
) -> None:
    url = f"tables/{people.pk}/groups/{group['id']}/"
    api.patch(url, {"auto_run": True})
    rows.insert(people, [{"name": "Ada"}])
    assert Change.objects.exists()
    for on in (False, True):
        api.patch(url, {"auto_run": on})
    assert not Change.objects.exists()
    assert gather(people.pk) == []
    assert not Dispatch.objects.exists()


def test_a_refused_change_leaves_what_runs_by_itself_alone(api: Api, people: Table, group: dict[str, Any]) -> None:
    url = f"tables/{people.pk}/groups/{group['id']}/"
    api.patch(url, {"auto_run": True})
    rows.insert(people, [{"name": "Ada"}])
    (run,) = gather(people.pk)
    assert api.patch(url, {"auto_run": False, "inputs": {"nothing": "name"}}).status_code == 400
    run.refresh_from_db()
    assert run.status == "pending"
    assert Group.objects.get(pk=group["id"]).auto_run
