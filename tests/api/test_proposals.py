"""Workflow columns that are looked at, tried and counted before they are made: nothing of it is saved."""

from __future__ import annotations

from typing import Any

import pytest

from cells import proposals
from cells.models import Execution, Workflow, WorkflowVersion
from tableflow.tables import rows
from tableflow.tables.models import Column, Group, Row, Table
from tests.api.conftest import Api, errors
from tests.factories import UserFactory

SHOUT = {
    "inputs": ["text"],
    "steps": [{"id": "up", "type": "template", "config": {"template": "{{ inputs.text | upper }}"}}],
    "outputs": {"loud": "{{ steps.up }}", "length": "{{ steps.up | length }}"},
}
GOOD = {
    "workflow": SHOUT,
    "inputs": {"text": "name"},
    "outputs": [
        {"from": "loud", "column": {"name": "Loud", "type": "text"}},
        {"from": "length", "column": "age"},
    ],
}


@pytest.fixture
def ada(people: Table) -> Row:
    """The first of two people."""
    first, _ = rows.insert(people, [{"name": "Ada", "age": 36}, {"name": "Bob"}])
    return first


def ask(api: Api, table: Table, verb: str, **body: Any) -> Any:
    return api.post(f"tables/{table.pk}/groups/{verb}/", body)


def problems(response: Any) -> dict[str | None, str]:
    assert response.status_code == 200, response.content
    return {problem["attr"]: problem["code"] for problem in response.json()["problems"]}


def nothing_was_saved() -> bool:
    kept = (Group, Execution, Workflow, WorkflowVersion)
    return not any(model.objects.exists() for model in kept) and Column.objects.count() == 3


def test_a_draft_of_a_workflow_is_checked_as_creating_it_would(api: Api) -> None:
    bad = {
        "name": " ",
        "inputs": ["a", "a"],
        "steps": [
            {"id": "get", "type": "http", "config": {"method": "GET"}},
            {"id": "say", "type": "template", "config": {"template": "{{ inputs.a"}, "if": "{{ steps.later }}"},
        ],
        "outputs": {"name": "{{ steps.nobody }}"},
    }
    found = problems(api.post("workflows/check/", bad))
    assert found == {
        "name": "invalid",
        "inputs.1": "unique",
        "steps.0.config.url": "required",
        "steps.1.config.template": "template",
        "steps.1.if": "unknown",
        "outputs.name": "unknown",
    }
    assert errors(api.post("workflows/", {**bad, "name": "x"})) == {k: v for k, v in found.items() if k != "name"}
    assert problems(api.post("workflows/check/", SHOUT)) == {}
    assert problems(api.post("workflows/check/", {**SHOUT, "name": None})) == {}
    assert problems(api.post("workflows/check/", {"name": "x"})) == {"steps": "required"}
    assert problems(api.post("workflows/check/", {"steps": None, "inputs": 3, "outputs": []})) == {
        "steps": "invalid",
        "inputs": "invalid",
        "outputs": "invalid",
    }
    assert errors(api.post("workflows/check/", {"steps": [], "colour": 1})) == {"colour": "unknown_field"}
    assert not Workflow.objects.exists()


@pytest.mark.parametrize(
    ("changes", "attr"),
    [
        ({"workflow": None}, "workflow"),
        ({"workflow": True}, "workflow"),
        ({"workflow": 10**30}, "workflow"),
        ({"workflow": {**SHOUT, "steps": [{"id": "up", "type": "nothing"}]}}, "workflow.steps.0.type"),
        ({"workflow": {**SHOUT, "outputs": 3}}, "workflow.outputs"),
        ({"workflow": {**SHOUT, "colour": 1}}, "workflow.colour"),
        ({"name": ""}, "name"),
        ({"inputs": {"text": "nobody"}}, "inputs.text"),
        ({"inputs": {"text": "{{ row.vip }}"}}, "inputs.text"),
        ({"inputs": {"other": "name"}}, "inputs.other"),
        ({"inputs": 3}, "inputs"),
        ({"outputs": []}, "outputs"),
        ({"outputs": None}, "outputs"),
        ({"outputs": [{"from": ["x"], "column": "age"}]}, "outputs.0.from"),
        ({"outputs": [{"from": "soft", "column": "age"}]}, "outputs.0.from"),
        ({"outputs": [{"from": "loud", "column": {"name": "", "type": "text"}}]}, "outputs.0.column.name"),
        ({"outputs": [{"from": "loud", "column": {"name": "x", "type": "texts"}}]}, "outputs.0.column.type"),
        ({"run_after": ["vip"]}, "run_after.0"),
        ({"run_if": "{{ row.name"}, "run_if"),
        ({"run_if": "name"}, "run_if"),
        ({"concurrency": 0}, "concurrency"),
        ({"auto_run": "yes"}, "auto_run"),
    ],
)
def test_a_proposed_column_is_checked_in_all_its_parts_and_refused_a_trial(
    api: Api, people: Table, ada: Row, changes: dict[str, Any], attr: str
) -> None:
    assert attr in problems(ask(api, people, "check", **{**GOOD, **changes}))
    refused = ask(api, people, "try", **{**GOOD, **changes, "row": ada.pk})
    assert refused.status_code == 400
    assert attr in errors(refused)
    assert nothing_was_saved()


def test_what_is_too_much_is_said_once(api: Api, people: Table) -> None:
    too_many = {f"input_{number}": "{{ row.nobody }}" for number in range(101)}
    assert problems(ask(api, people, "check", **{**GOOD, "inputs": too_many})) == {"inputs": "invalid"}
    odd = {**SHOUT, **{f"colour_{number}": 1 for number in range(150)}}
    assert len(problems(ask(api, people, "check", **{**GOOD, "workflow": odd}))) == 100
    answer = ask(api, people, "check", **{**GOOD, "workflow": "x" * 100_000})
    assert len(answer.content) < 500
    assert problems(answer) == {"workflow": "does_not_exist"}


def test_a_good_proposal_has_no_problems(api: Api, people: Table) -> None:
    assert problems(ask(api, people, "check", **GOOD)) == {}
    assert nothing_was_saved()


def test_columns_that_a_workflow_reads_and_the_table_has_not_are_told_and_nothing_is_refused_for_them(
    api: Api, people: Table, ada: Row
) -> None:
    steps: list[dict[str, Any]] = [
        {"id": "a", "type": "template", "config": {"template": "{{ row.nobody }} {{ row.name }} {{ row.vip }}"}},
        {"id": "b", "type": "template", "config": {"template": "{{ row.get('x') }} {{ row.x | default(1) }}"}},
        {"id": "c", "type": "python", "config": {"function": "place", "arguments": {"city": "{{ row.nowhere }}"}}},
    ]
    steps[2]["if"] = "{{ row.land }}"
    draft = {"inputs": ["text"], "steps": steps, "outputs": {"loud": "{{ row.x }}", "length": "{{ row.loud }}"}}
    missing = ["steps.0.config.template", "steps.2.config.arguments.city", "steps.2.if", "outputs.loud"]
    body = {**GOOD, "workflow": draft}
    assert problems(ask(api, people, "check", **body)) == {f"workflow.{attr}": "no_column" for attr in missing}
    assert ask(api, people, "try", **body, row=ada.pk).json()["status"] == "error"
    workflow = api.post("workflows/", {"name": "Shout", **draft}).json()["id"]
    body["workflow"] = workflow
    assert problems(ask(api, people, "check", **body)) == {f"workflow.{attr}": "no_column" for attr in missing}
    assert api.post(f"tables/{people.pk}/groups/", body).status_code == 201


def test_a_group_that_is_changed_may_keep_its_own_columns(api: Api, people: Table) -> None:
    workflow = api.post("workflows/", {"name": "Shout", **SHOUT}).json()["id"]
    own = {**GOOD, "workflow": workflow}
    made = api.post(f"tables/{people.pk}/groups/", own).json()
    same = {**own, "outputs": made["outputs"]}
    assert problems(ask(api, people, "check", **same)) == {"outputs.0.column": "taken", "outputs.1.column": "taken"}
    assert problems(ask(api, people, "check", **same, group=made["id"])) == {}
    assert ask(api, people, "check", **same, group=made["id"] + 1).status_code == 404


def test_a_trial_on_a_row_gives_the_trace_and_what_the_columns_would_get(api: Api, people: Table, ada: Row) -> None:
    answer = ask(api, people, "try", **GOOD, row=ada.pk).json()
    assert (answer["status"], answer["runs"], answer["inputs"]) == ("completed", True, {"text": "Ada"})
    assert answer["outputs"] == {"loud": "ADA", "length": 3}
    assert [(step["id"], step["output"]) for step in answer["steps"]] == [("up", "ADA")]
    assert answer["columns"] == [
        {"from": "loud", "column": None, "name": "Loud", "type": "text", "value": "ADA", "detail": None},
        {"from": "length", "column": "age", "name": "Age", "type": "number", "value": 3, "detail": None},
    ]
    assert nothing_was_saved()
    ada.refresh_from_db()
    assert ada.data == {"name": "Ada", "age": 36}


def test_a_trial_tells_what_does_not_fit_and_two_new_columns_may_have_one_name(
    api: Api, people: Table, ada: Row
) -> None:
    twice = [{"from": name, "column": {"name": "New", "type": "number"}} for name in ("loud", "length")]
    loud, length = ask(api, people, "try", **{**GOOD, "outputs": twice}, row=ada.pk).json()["columns"]
    assert (loud["value"], bool(loud["detail"])) == (None, True)
    assert (length["value"], length["detail"]) == (3, None)


def test_a_trial_says_when_the_cell_would_be_skipped_or_fail(api: Api, people: Table, ada: Row) -> None:
    skipped = ask(api, people, "try", **GOOD, run_if="{{ row.name == 'Bob' }}", row=ada.pk).json()
    assert (skipped["status"], skipped["runs"], skipped["steps"], skipped["columns"]) == ("skipped", False, [], [])
    failed = ask(api, people, "try", **GOOD, run_if="{{ 1 / 0 }}", row=ada.pk).json()
    assert (failed["status"], failed["runs"]) == ("error", None)
    assert "division" in failed["error"]
    worse = ask(api, people, "try", **{**GOOD, "inputs": {"text": "{{ 1 / 0 }}"}}, row=ada.pk).json()
    assert (worse["status"], worse["runs"], worse["inputs"]) == ("error", True, None)


def test_a_trial_needs_a_row_of_this_table(api: Api, people: Table, ada: Row) -> None:
    assert errors(ask(api, people, "try", **GOOD, row=10**9)) == {"row": "does_not_exist"}
    assert errors(ask(api, people, "try", **GOOD)) == {"row": "required"}


def test_only_who_may_edit_the_table_may_try_check_and_count(api_of: Any, people: Table, ada: Row) -> None:
    viewer = UserFactory()
    people.members.create(user=viewer, role="viewer")
    bodies = {"check": GOOD, "try": {**GOOD, "row": ada.pk}, "run-if": {"run_if": "{{ row.name }}"}}
    for verb, body in bodies.items():
        assert ask(api_of(viewer), people, verb, **body).status_code == 403
        assert ask(api_of(UserFactory()), people, verb, **body).status_code == 404


def test_the_rows_that_a_condition_holds_for_are_counted(
    api: Api, people: Table, ada: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(run_if: str) -> dict[str, Any]:
        answer: dict[str, Any] = ask(api, people, "run-if", run_if=run_if).json()
        return answer

    two = {"checked": 2, "failed": 0, "total": 2, "is_all": True, "problem": None}
    assert counted("{{ row.age }}") == {**two, "matching": 1}
    assert counted("") == {**two, "matching": 2}
    assert counted("{{ row.name == 'Bob' }}") == {**two, "matching": 1}
    failing = counted("{{ 1 / (row.age - 36) }}")
    assert (failing["failed"], failing["matching"], failing["problem"]["code"]) == (2, 0, "failed")
    for wrong, code in (("{{ row.name", "template"), ("{{ row.nobody }}", "unknown"), ("name", "invalid")):
        found = counted(wrong)
        assert (found["checked"], found["is_all"], found["problem"]["code"]) == (0, False, code)
    monkeypatch.setattr(proposals, "SAMPLE_ROWS", 1)
    assert counted("{{ row.age }}") == {**two, "checked": 1, "matching": 1, "is_all": False}
    monkeypatch.setattr(proposals, "SAMPLE_ROWS", 1000)
    monkeypatch.setattr(proposals, "SAMPLE_SECONDS", -1.0)
    assert counted("{{ row.age }}")["checked"] == 1
