"""Questions over HTTP: who sees them, who answers them, what an answer does and when there is none to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from cells.models import Approval, Execution, Pause, Worker, Workflow, WorkflowVersion
from dispatch import bell, resume
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from dispatch.models import Dispatch
from dispatch.resume import resume_due
from tableflow.errors import InvalidInput
from tableflow.tables.models import Group, Member, Table
from tests import hands, scenes, standing
from tests.api.conftest import Api, errors
from tests.factories import UserFactory

FORM = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "note": {"type": "string", "maxLength": 5}},
    "required": ["amount"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def _silent_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker listens here."""
    monkeypatch.setattr(bell, "ring", lambda *_: None)


@pytest.fixture
def numbers(user: User) -> Table:
    """Three rows of the user's with a workflow column."""
    table = scenes.table(3)
    table.owner = user
    table.save()
    scenes.group(table, scenes.doubling(table))
    return table


@pytest.fixture
def worker(db: None) -> Worker:
    """Whoever ran the cells until they paused."""
    return hands.worker()


@pytest.fixture
def ask(numbers: Table, worker: Worker) -> Iterator[Callable[..., Approval]]:
    """`ask(due_at=None, **question)`: the table's next cell asks."""
    dispatch = begin(numbers.pk)

    def asked(due_at: Any = None, **question: Any) -> Approval:
        (execution,) = standing.pause(dispatch, worker, "approval", due_at, most=1, step="ask", **question)
        return Approval.objects.get(execution_id=execution)

    return asked


def member(table: Table, role: str, name: str) -> User:
    somebody: User = UserFactory(username=name)
    Member.objects.create(table=table, user=somebody, role=role)
    return somebody


def test_a_question_says_what_is_asked_and_where(api: Api, numbers: Table, ask: Any) -> None:
    due = standing.far_ahead()
    asked = ask(due, prompt="Pay 5?", fields=FORM, assignees=["ada", "bob"])
    answer = api.get(f"approvals/{asked.pk}/").json()
    row = numbers.rows.order_by("position").first()
    assert row is not None
    group = Group.objects.get()
    assert answer == {
        "id": asked.pk,
        "table": numbers.pk,
        "table_name": "Numbers",
        "row": row.pk,
        "group": group.pk,
        "group_name": "out",
        "step": "ask",
        "prompt": "Pay 5?",
        "fields": FORM,
        "assignees": ["ada", "bob"],
        "status": "open",
        "answer": None,
        "answered_by": None,
        "asked_at": answer["asked_at"],
        "due_at": due.isoformat().replace("+00:00", "Z"),
        "answered_at": None,
        "may_answer": False,
    }
    assert answer["asked_at"]
    assert api.get("approvals/").json()["results"] == [answer]


def test_questions_are_listed_by_what_became_of_them_and_by_table(api: Api, numbers: Table, ask: Any) -> None:
    first, second, third = ask(), ask(), ask()
    api.post(f"approvals/{second.pk}/", {"decision": "rejected"})
    Approval.objects.filter(pk=third.pk).update(status="withdrawn")

    def ids(**query: Any) -> list[int]:
        return [found["id"] for found in api.get("approvals/", query).json()["results"]]

    assert ids() == ids(status="open") == [first.pk]
    assert ids(status="answered") == [second.pk]
    assert ids(status="all") == [third.pk, second.pk, first.pk]
    assert ids(table=numbers.pk) == [first.pk]
    assert ids(table=numbers.pk + 1) == []
    assert errors(api.get("approvals/", {"status": "closed"})) == {"status": "invalid_choice"}
    assert errors(api.get("approvals/", {"table": "x"})) == {"table": "out_of_range"}


def test_a_question_says_whether_it_is_yours_to_answer(api: Api, api_of: Any, user: User, ask: Any) -> None:
    anybodys, mine, adas = ask(), ask(assignees=[user.username]), ask(assignees=["ada"])

    def answerable(client: Api) -> set[int]:
        listed = client.get("approvals/", {"status": "all"}).json()["results"]
        assert len(listed) == 3
        return {found["id"] for found in listed if found["may_answer"]}

    assert answerable(api) == {anybodys.pk, mine.pk}
    viewer = member(Table.objects.get(), "viewer", "ada")
    assert answerable(api_of(viewer)) == {adas.pk}
    api.post(f"approvals/{anybodys.pk}/", {"decision": "rejected"})
    assert answerable(api) == {mine.pk}


def test_the_list_of_questions_takes_the_same_queries_for_1_and_for_3(api: Api, ask: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get("approvals/").status_code == 200
        return len(captured)

    ask()
    few = queries()
    ask()
    ask()
    assert queries() == few


def test_an_answer_lets_the_cell_go_on_with_it(api: Api, user: User, ask: Any) -> None:
    asked = ask(fields=FORM)
    response = api.post(f"approvals/{asked.pk}/", {"decision": "approved", "fields": {"amount": 5}})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["status"], answer["answer"], answer["answered_by"]) == ("approved", {"amount": 5}, user.username)
    execution = Execution.objects.get(pk=asked.execution_id)
    pause = Pause.objects.get(pk=execution.pk)
    assert execution.status == "pending"
    asked.refresh_from_db()
    at = asked.answered_at
    assert at is not None
    given = {"decision": "approved", "fields": {"amount": 5}, "by": user.username, "at": at.isoformat()}
    assert (pause.result, pause.due_at) == (given, None)


def test_answering_twice_changes_nothing(api: Api, api_of: Any, ask: Any, numbers: Table) -> None:
    asked = ask(fields=FORM)
    first = api.post(f"approvals/{asked.pk}/", {"decision": "approved", "fields": {"amount": 5}}).json()
    assert first["taken"] is True
    before = Execution.objects.values().get(pk=asked.execution_id)
    standing_before = Pause.objects.values().get(pk=asked.execution_id)
    other = api_of(member(numbers, "editor", "bob"))
    for body in ({"decision": "rejected"}, {"decision": "approved", "fields": {"amount": "no number"}}):
        again = other.post(f"approvals/{asked.pk}/", body)
        assert (again.status_code, again.json()) == (200, {**first, "taken": False})
    assert Execution.objects.values().get(pk=asked.execution_id) == before
    assert Pause.objects.values().get(pk=asked.execution_id) == standing_before


def test_a_form_is_checked_by_its_schema(api: Api, ask: Any) -> None:
    asked = ask(fields=FORM)
    url = f"approvals/{asked.pk}/"
    assert errors(api.post(url, {"decision": "approved"})) == {"fields.amount": "required"}
    wrong = {"amount": "5", "note": "too long", "extra": 1}
    refused = api.post(url, {"decision": "approved", "fields": wrong})
    assert refused.status_code == 400
    assert errors(refused) == {"fields.amount": "invalid", "fields.note": "invalid", "fields.extra": "unknown"}
    assert set(errors(api.post(url, {"decision": "rejected", "fields": {"note": 1}}))) == {"fields.note"}
    assert errors(api.post(url, {"decision": "maybe"})) == {"decision": "invalid_choice"}
    assert errors(api.post(url, {})) == {"decision": "required"}
    assert errors(api.post(url, {"decision": "approved", "fields": []})) == {"fields": "not_a_dict"}
    asked.refresh_from_db()
    assert asked.status == "open"
    assert Execution.objects.get(pk=asked.execution_id).status == "paused"
    assert api.post(url, {"decision": "rejected"}).json()["status"] == "rejected"


@pytest.mark.parametrize("number", ["1e999", "-1e999", '[1, {"deep": 1e999}]'])
def test_a_number_that_cannot_be_stored_is_named(api: Api, ask: Any, number: str) -> None:
    asked = ask(fields={"properties": {"percent": {"type": "number"}}})
    body = f'{{"decision": "approved", "fields": {{"percent": 5, "other": {number}}}}}'.encode()
    refused = api.generic("POST", f"approvals/{asked.pk}/", body, "application/json")
    assert refused.status_code == 400
    place = "fields.other.1.deep" if "deep" in number else "fields.other"
    assert errors(refused) == {place: "out_of_range"}
    asked.refresh_from_db()
    assert asked.status == "open"


@pytest.mark.parametrize("value", [float("inf"), float("nan"), [float("-inf")], "a\0b", "x" * 2_000_000, 1 << 5000])
def test_whoever_answers_nothing_is_taken_that_cannot_be_stored(user: User, ask: Any, value: Any) -> None:
    asked = ask(fields={"properties": {"percent": {"type": "number"}}})
    with pytest.raises(InvalidInput) as refused:
        resume.answer(asked, user, "approved", {"percent": 5, "other": value})
    assert [problem.attr for problem in refused.value.problems] == ["fields.other"]
    asked.refresh_from_db()
    assert asked.status == "open"


def test_a_form_keeps_its_formats(api: Api, ask: Any) -> None:
    asked = ask(fields={"properties": {"to": {"type": "string", "format": "email"}}})
    url = f"approvals/{asked.pk}/"
    assert errors(api.post(url, {"decision": "approved", "fields": {"to": "nobody"}})) == {"fields.to": "invalid"}
    assert api.post(url, {"decision": "approved", "fields": {"to": "ada@example.org"}}).status_code == 200


def test_a_question_without_a_form_takes_no_fields(api: Api, ask: Any) -> None:
    asked = ask()
    refused = api.post(f"approvals/{asked.pk}/", {"decision": "approved", "fields": {"a": 1}})
    assert errors(refused) == {"fields": "unknown"}
    assert api.post(f"approvals/{asked.pk}/", {"decision": "approved", "fields": {}}).json()["answer"] == {}


def test_only_those_who_are_asked_may_answer(api: Api, api_of: Any, numbers: Table, ask: Any) -> None:
    bob, eve = member(numbers, "viewer", "bob"), member(numbers, "editor", "eve")
    for_bob, for_editors = ask(assignees=["bob"]), ask()
    yes = {"decision": "approved"}
    assert api.post(f"approvals/{for_bob.pk}/", yes).status_code == 403
    assert api_of(eve).post(f"approvals/{for_bob.pk}/", yes).status_code == 403
    assert api_of(bob).post(f"approvals/{for_editors.pk}/", yes).status_code == 403
    assert Execution.objects.filter(status="paused").count() == 2
    assert api_of(bob).post(f"approvals/{for_bob.pk}/", yes).json()["answered_by"] == "bob"
    assert api_of(eve).post(f"approvals/{for_editors.pk}/", yes).json()["answered_by"] == "eve"


def test_a_superuser_may_answer_for_anybody(api_of: Any, ask: Any) -> None:
    asked = ask(assignees=["bob"])
    chief = UserFactory(username="chief", is_superuser=True)
    assert api_of(chief).post(f"approvals/{asked.pk}/", {"decision": "rejected"}).json()["answered_by"] == "chief"


def test_a_stranger_sees_no_question_even_one_with_his_name_on_it(api_of: Any, ask: Any) -> None:
    asked = ask(assignees=["mallory"])
    stranger = api_of(UserFactory(username="mallory"))
    assert stranger.get("approvals/").json()["count"] == 0
    assert stranger.get(f"approvals/{asked.pk}/").status_code == 404
    assert stranger.post(f"approvals/{asked.pk}/", {"decision": "approved"}).status_code == 404
    assert api_of(None).get("approvals/").status_code == 401


def test_a_question_of_a_stopped_cell_cannot_be_answered(api: Api, numbers: Table, ask: Any) -> None:
    asked = ask()
    cancel_runs(numbers.pk)
    refused = api.post(f"approvals/{asked.pk}/", {"decision": "approved"})
    assert (refused.status_code, errors(refused)) == (409, {None: "withdrawn"})
    assert Execution.objects.get(pk=asked.execution_id).status == "cancelled"
    assert api.get(f"approvals/{asked.pk}/").json()["status"] == "withdrawn"


def test_a_question_cannot_be_answered_from_the_moment_it_is_due(api: Api, ask: Any) -> None:
    asked = ask(standing.long_ago(), on_expiry="rejected")
    refused = api.post(f"approvals/{asked.pk}/", {"decision": "approved"})
    assert (refused.status_code, errors(refused)) == (409, {None: "expired"})
    assert Execution.objects.get(pk=asked.execution_id).status == "paused"
    assert resume_due() == 1
    assert errors(api.post(f"approvals/{asked.pk}/", {"decision": "approved"})) == {None: "expired"}
    assert api.get(f"approvals/{asked.pk}/").json()["status"] == "expired"


def test_an_answer_may_be_sent_twice_with_a_key(api: Api, ask: Any) -> None:
    asked = ask()
    key = {"HTTP_IDEMPOTENCY_KEY": "answer-1"}
    first = api.post(f"approvals/{asked.pk}/", {"decision": "approved"}, **key)
    again = api.post(f"approvals/{asked.pk}/", {"decision": "approved"}, **key)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert api.post(f"approvals/{asked.pk}/", {"decision": "rejected"}, **key).status_code == 409


def cell(asked: Approval) -> str:
    return f"tables/{asked.table_id}/rows/{asked.row_id}/executions/{asked.group_id}/"


def test_a_paused_cell_shows_its_trace_so_far_and_its_question(api: Api, ask: Any) -> None:
    due = standing.far_ahead()
    asked = ask(due, given={"double": 2})
    found = api.get(cell(asked)).json()
    assert (found["status"], found["attempt"], found["workflow_version"]) == ("paused", 1, 1)
    assert [(step["id"], step["status"]) for step in found["steps"]] == [("double", "completed"), ("ask", "paused")]
    due_at = due.isoformat().replace("+00:00", "Z")
    assert found["pause"] == {"kind": "approval", "step": "ask", "due_at": due_at, "approval": asked.pk}
    rows = api.get(f"tables/{asked.table_id}/rows/").json()["results"]
    assert rows[0]["executions"][str(asked.group_id)]["pause"] == {"kind": "approval", "due_at": due_at}
    api.post(f"approvals/{asked.pk}/", {"decision": "approved"})
    found = api.get(cell(asked)).json()
    assert (found["status"], found["pause"]["approval"], len(found["steps"])) == ("pending", None, 2)


def steps(*ids: str) -> list[dict[str, Any]]:
    """Steps of these ids: `ask` asks, the others fill in a template."""
    plain = {"type": "template", "config": {"template": "{{ 1 }}"}}
    asking = {"type": "approval", "config": {"prompt": "Yes?"}}
    return [{"id": id_, **(asking if id_ == "ask" else plain)} for id_ in ids]


def deploy(*ids: str, outputs: dict[str, str] | None = None) -> int:
    """Make the next version of the only workflow, of these steps; gives its number."""
    Workflow.objects.update(version=F("version") + 1)
    workflow = Workflow.objects.get()
    WorkflowVersion.objects.create(
        workflow=workflow,
        number=workflow.version,
        inputs=["n"],
        steps=steps(*ids),
        outputs={"out": "{{ 1 }}"} if outputs is None else outputs,
    )
    return workflow.version


def test_a_paused_cell_is_moved_to_the_newest_version_on_request_only(api: Api, ask: Any) -> None:
    asked = ask(given={"first": 1, "gone": 2})
    assert deploy("first", "ask", "after") == 2
    assert api.get(cell(asked)).json()["workflow_version"] == 1
    for _ in range(2):
        moved = api.post(f"{cell(asked)}newest-version/")
        assert (moved.status_code, moved.json()["workflow_version"]) == (200, 2)
    pause = Pause.objects.get(pk=asked.execution_id)
    assert pause.version_id == WorkflowVersion.objects.get(number=2).pk
    assert pause.state["given"] == {"first": 1, "gone": 2}
    assert Execution.objects.get(pk=asked.execution_id).status == "paused"


@pytest.mark.parametrize(
    ("ids", "outputs", "code", "named"),
    [
        (("first",), None, "no_step", "'ask'"),
        (("first", "new", "ask"), None, "steps_missing", "'new'"),
        (("first", "ask"), {"other": "{{ 1 }}"}, "no_output", "'out'"),
    ],
)
def test_a_paused_cell_is_not_moved_to_a_version_in_which_it_could_not_go_on(
    api: Api, ask: Any, ids: tuple[str, ...], outputs: Any, code: str, named: str
) -> None:
    asked = ask(given={"first": 1})
    deploy(*ids, outputs=outputs)
    refused = api.post(f"{cell(asked)}newest-version/")
    assert (refused.status_code, errors(refused)) == (409, {None: code})
    assert named in refused.json()["errors"][0]["detail"]
    assert api.get(cell(asked)).json()["workflow_version"] == 1


def test_a_step_of_another_type_is_another_step(api: Api, ask: Any) -> None:
    asked = ask(given={"first": 1})
    deploy("first", "ask")
    newest = WorkflowVersion.objects.get(number=2)
    newest.steps[1] = {"id": "ask", "type": "wait", "config": {"seconds": 1}}
    newest.save()
    assert errors(api.post(f"{cell(asked)}newest-version/")) == {None: "no_step"}


def test_a_cell_that_is_not_paused_is_not_moved(api: Api, api_of: Any, numbers: Table, ask: Any) -> None:
    asked = ask()
    viewer = api_of(member(numbers, "viewer", "bob"))
    assert viewer.post(f"{cell(asked)}newest-version/").status_code == 403
    assert api_of(UserFactory()).post(f"{cell(asked)}newest-version/").status_code == 404
    api.post(f"approvals/{asked.pk}/", {"decision": "approved"})
    refused = api.post(f"{cell(asked)}newest-version/")
    assert (refused.status_code, errors(refused)) == (409, {None: "not_paused"})
    other = numbers.rows.order_by("position").last()
    assert other is not None
    url = f"tables/{numbers.pk}/rows/{other.pk}/executions/{asked.group_id}/newest-version/"
    assert errors(api.post(url)) == {None: "not_paused"}


def test_a_cell_whose_workflow_was_deleted_is_not_moved(api: Api, ask: Any) -> None:
    asked = ask()
    Workflow.objects.all().delete()
    assert errors(api.post(f"{cell(asked)}newest-version/")) == {None: "deleted"}


def test_what_belonged_to_deleted_rows_goes_with_them(api: Api, numbers: Table, ask: Any) -> None:
    asked = ask()
    assert api.delete(f"tables/{numbers.pk}/rows/", {"rows": [asked.row_id]}).status_code == 200
    assert not Approval.objects.exists()
    assert not Pause.objects.exists()
    assert api.get(f"approvals/{asked.pk}/").status_code == 404


def test_a_deleted_tables_questions_are_nobodys(api: Api, numbers: Table, ask: Any) -> None:
    asked = ask(standing.far_ahead() + timedelta(days=1))
    assert api.delete(f"tables/{numbers.pk}/").status_code == 204
    assert api.get("approvals/", {"status": "all"}).json()["count"] == 0
    assert api.post(f"approvals/{asked.pk}/", {"decision": "approved"}).status_code == 404
    assert Approval.objects.get().status == "withdrawn"
    assert Dispatch.objects.get().status == "cancelled"
