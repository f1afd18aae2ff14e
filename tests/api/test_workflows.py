from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F

from cells.models import Workflow, WorkflowVersion
from tableflow.api.idempotency import LONGEST_WORK
from tableflow.api.models import IdempotencyKey
from tableflow.tables.models import Table
from tests.api.conftest import Api, errors
from tests.factories import UserFactory

GREET = {
    "name": "Greet",
    "inputs": ["name"],
    "steps": [{"id": "greet", "type": "template", "config": {"template": "Hello {{ inputs.name }}"}}],
    "outputs": {"greeting": "{{ steps.greet }}"},
}


@pytest.fixture
def greet(api: Api) -> int:
    """A workflow of the user's."""
    response = api.post("workflows/", GREET)
    assert response.status_code == 201, response.content
    return int(response.json()["id"])


def test_step_types_bear_the_schemas_for_forms(api: Api) -> None:
    found = {kind["type"]: kind for kind in api.get("step-types/").json()["results"]}
    assert set(found) == {"approval", "http", "llm", "python", "template", "wait"}
    assert {"seconds", "until"} == set(found["wait"]["config_schema"]["properties"])
    assert found["approval"]["config_schema"]["required"] == ["prompt"]
    assert set(found["approval"]["output_schema"]["properties"]) == {"decision", "fields", "by", "at"}
    assert found["template"]["config_schema"]["required"] == ["template"]


def test_a_workflow_is_made_and_read(api: Api, greet: int) -> None:
    found = api.get(f"workflows/{greet}/").json()
    assert {name: found[name] for name in GREET} == GREET
    assert found["version"] == 1
    assert api.get("workflows/").json()["results"] == [found]


def test_a_change_makes_a_new_version_and_a_name_does_not(api: Api, greet: int) -> None:
    assert api.patch(f"workflows/{greet}/", {"name": "Salute"}).json()["version"] == 1
    changed = api.patch(f"workflows/{greet}/", {"outputs": {"text": "{{ steps.greet | upper }}"}}).json()
    assert (changed["name"], changed["version"], changed["inputs"]) == ("Salute", 2, ["name"])
    versions = api.get(f"workflows/{greet}/versions/").json()
    assert [version["version"] for version in versions["results"]] == [2, 1]
    assert versions["results"][1]["outputs"] == GREET["outputs"]


def test_a_deleted_workflow_is_gone(api: Api, greet: int) -> None:
    assert api.delete(f"workflows/{greet}/").status_code == 204
    assert api.get(f"workflows/{greet}/").status_code == 404


def test_a_trial_run_answers_with_the_trace(api: Api, greet: int) -> None:
    answer = api.post(f"workflows/{greet}/test/", {"inputs": {"name": "Ada"}}).json()
    assert (answer["status"], answer["outputs"], answer["error"]) == ("completed", {"greeting": "Hello Ada"}, None)
    assert [(step["id"], step["status"], step["output"]) for step in answer["steps"]] == [
        ("greet", "completed", "Hello Ada")
    ]


def test_a_trial_run_that_fails_says_where(api: Api) -> None:
    steps = [{"id": "divide", "type": "template", "config": {"template": "{{ 1 / inputs.by }}"}}]
    made = api.post("workflows/", {"name": "Divide", "inputs": ["by"], "steps": steps}).json()
    answer = api.post(f"workflows/{made['id']}/test/", {"inputs": {"by": 0}}).json()
    assert answer["status"] == "error"
    assert answer["error"].startswith("divide:")


def test_a_trial_run_that_asks_somebody_ends_there_as_paused(api: Api) -> None:
    steps = [
        {"id": "nap", "type": "wait", "config": {"seconds": 0.05}},
        {"id": "ask", "type": "approval", "config": {"prompt": "Go on?", "expires_in": 3600}},
    ]
    made = api.post("workflows/", {"name": "Ask", "steps": steps}).json()
    answer = api.post(f"workflows/{made['id']}/test/", {"inputs": {}}).json()
    assert (answer["status"], answer["outputs"], answer["error"]) == ("paused", None, None)
    assert [(step["id"], step["status"]) for step in answer["steps"]] == [("nap", "completed"), ("ask", "paused")]
    assert answer["steps"][1]["due_at"]


def test_a_trial_run_with_a_key_is_done_once(api: Api) -> None:
    steps = [{"id": "now", "type": "wait", "config": {"seconds": 0}}]
    made = api.post("workflows/", {"name": "Now", "steps": steps, "outputs": {"at": "{{ steps.now.resumed_at }}"}})
    url, key = f"workflows/{made.json()['id']}/test/", {"Idempotency-Key": "a-key"}
    first = api.post(url, {}, headers=key)
    again = api.post(url, {}, headers=key)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert errors(api.post(url, {"inputs": {}}, headers=key)) == {None: "key_reused"}
    assert errors(api.post(url, {"inputs": {"x": 1}}, headers={"Idempotency-Key": "b"})) == {"inputs.x": "unknown"}
    assert not IdempotencyKey.objects.filter(key="b").exists(), "an error leaves no key behind"

    IdempotencyKey.objects.update(response_status=None)
    assert errors(api.post(url, {}, headers=key)) == {None: "in_progress"}
    IdempotencyKey.objects.update(created_at=F("created_at") - LONGEST_WORK)
    assert api.post(url, {}, headers=key).json()["outputs"] != first.json()["outputs"]


def test_the_columns_that_use_a_workflow_are_listed(api: Api, api_of: Any, people: Table, greet: int) -> None:
    outputs = [{"from": "greeting", "column": {"name": "Greeting", "type": "text"}}]
    made = api.post(f"tables/{people.pk}/groups/", {"workflow": greet, "outputs": outputs}).json()
    use = {"table": people.pk, "table_name": "People", "group": made["id"], "group_name": "Greet"}
    assert api.get(f"workflows/{greet}/uses/").json()["results"] == [use]
    assert api_of(UserFactory()).get(f"workflows/{greet}/uses/").status_code == 404


def test_workflows_are_seen_by_their_owners_only(api_of: Any, greet: int) -> None:
    stranger = api_of(UserFactory())
    for method, path, body in (
        ("get", f"workflows/{greet}/", None),
        ("patch", f"workflows/{greet}/", {"name": "x"}),
        ("delete", f"workflows/{greet}/", None),
        ("get", f"workflows/{greet}/versions/", None),
        ("post", f"workflows/{greet}/test/", {}),
    ):
        assert getattr(stranger, method)(path, body).status_code == 404
    assert stranger.get("workflows/").json()["count"] == 0


def step(**changes: Any) -> dict[str, Any]:
    return {"id": "one", "type": "template", "config": {"template": "x"}, **changes}


@pytest.mark.parametrize(
    ("changes", "attr"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"nam": "x"}, "nam"),
        ({"steps": {}}, "steps"),
        ({"steps": ["x"]}, "steps.0"),
        ({"steps": [step(type="teleport")]}, "steps.0.type"),
        ({"steps": [step(config={})]}, "steps.0.config.template"),
        ({"steps": [step(config={"template": "{{ inputs.name"})]}, "steps.0.config.template"),
        ({"steps": [step(config={"template": "{{ inputs.nobody }}"})]}, "steps.0.config.template"),
        ({"steps": [step(config={"template": "{{ steps.two }}"}), step(id="two")]}, "steps.0.config.template"),
        ({"steps": [step(), step()]}, "steps.1.id"),
        ({"steps": [step(id="1 one")]}, "steps.0.id"),
        ({"steps": [step(timeout=-1)]}, "steps.0.timeout"),
        ({"steps": [step(retry={"attempts": 10**6})]}, "steps.0.retry.attempts"),
        ({"steps": [step(on_error="pray")]}, "steps.0.on_error"),
        ({"steps": [step(colour="red")]}, "steps.0.colour"),
        ({"steps": [step(config={"template": "a\x00b"})]}, "steps.0.config.template"),
        ({"inputs": "name"}, "inputs"),
        ({"inputs": ["a b"]}, "inputs.0"),
        ({"inputs": [1]}, "inputs.0"),
        ({"outputs": []}, "outputs"),
        ({"outputs": {"x": 1}}, "outputs.x"),
        ({"outputs": {"x": "{% for %}"}}, "outputs.x"),
    ],
)
def test_a_bad_workflow_is_refused_where_it_is_wrong(api: Api, greet: int, changes: dict[str, Any], attr: str) -> None:
    for response in (api.post("workflows/", {**GREET, **changes}), api.patch(f"workflows/{greet}/", changes)):
        assert response.status_code == 400, response.content
        assert attr in errors(response), errors(response)
        assert Workflow.objects.count() == 1
        assert WorkflowVersion.objects.count() == 1


@pytest.mark.parametrize("inputs", [{"nobody": 1}, [], "x", None])
def test_bad_inputs_of_a_trial_run_are_refused(api: Api, greet: int, inputs: Any) -> None:
    assert api.post(f"workflows/{greet}/test/", {"inputs": inputs}).status_code == 400


def test_a_number_in_a_step_that_cannot_be_stored_is_named(api: Api) -> None:
    body = b'{"name": "w", "inputs": [], "steps": [{"id": "a", "type": "wait", "config": {"seconds": 1e999}}]}'
    assert errors(api.generic("POST", "workflows/", body, "application/json")) == {
        "steps.0.config.seconds": "out_of_range"
    }
