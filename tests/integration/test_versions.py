"""Workflows and their versions in the database."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, connections, transaction

from cells.models import Workflow, WorkflowVersion
from cells.workflows import versions
from cells.workflows.trial import test as run_once
from tableflow.errors import InvalidInput, NotFound
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

STEPS = [{"id": "a", "type": "template", "config": {"template": "{{ inputs.x }}!"}}]
OUTPUTS = {"out": "{{ steps.a }}"}


def make(owner: Any = None) -> Workflow:
    return versions.create(owner or UserFactory.create(), " Shout ", ["x"], STEPS, OUTPUTS)


def test_a_new_workflow_has_version_one() -> None:
    workflow = make()
    version = versions.newest(workflow.pk)
    assert version is not None
    assert (workflow.name, workflow.version, version.number) == ("Shout", 1, 1)
    assert (version.inputs, version.steps, version.outputs) == (["x"], STEPS, OUTPUTS)
    assert version.created_by == workflow.owner


def test_a_change_makes_the_next_version_and_leaves_the_last_as_it_was() -> None:
    workflow = make()
    editor = UserFactory.create()
    changed = versions.change(workflow, user=editor, outputs={"out": "{{ steps.a }}{{ steps.a }}"})
    newest = versions.newest(workflow.pk)
    assert newest is not None
    assert (changed.version, newest.number, newest.created_by) == (2, 2, editor)
    assert [version.outputs for version in versions.listing(workflow)] == [newest.outputs, OUTPUTS]


def test_what_is_the_same_makes_no_version() -> None:
    workflow = make()
    changed = versions.change(workflow, user=workflow.owner, name="Cry", inputs=["x"], steps=STEPS, outputs=OUTPUTS)
    assert (changed.name, changed.version) == ("Cry", 1)
    assert versions.listing(workflow).count() == 1


def test_a_wrong_definition_writes_nothing() -> None:
    workflow = make()
    with pytest.raises(InvalidInput):
        versions.change(workflow, user=workflow.owner, name="Cry", steps=[{"id": "a", "type": "gone"}])
    with pytest.raises(InvalidInput) as refused:
        versions.create(workflow.owner, "  ", ["x"], STEPS, {"out": "{{ steps.b }}"})
    assert [problem.attr for problem in refused.value.problems] == ["name", "outputs.out"]
    workflow.refresh_from_db()
    assert (workflow.name, workflow.version, Workflow.objects.count()) == ("Shout", 1, 1)


def test_an_input_that_is_taken_away_must_not_be_read_any_more() -> None:
    workflow = make()
    with pytest.raises(InvalidInput) as refused:
        versions.change(workflow, user=workflow.owner, inputs=["y"])
    assert [problem.attr for problem in refused.value.problems] == ["steps.0.config.template"]


def test_a_deleted_workflow_has_no_version_and_cannot_be_changed() -> None:
    workflow = make()
    pk = workflow.pk
    versions.delete(Workflow.objects.get(pk=pk))
    assert versions.newest(pk) is None
    assert WorkflowVersion.objects.count() == 0
    with pytest.raises(NotFound):
        versions.change(workflow, user=workflow.owner, name="x")


def test_a_user_sees_their_own_workflows_and_a_superuser_all() -> None:
    workflow = make()
    assert list(versions.visible_to(workflow.owner)) == [workflow]
    assert list(versions.visible_to(UserFactory.create())) == []
    assert list(versions.visible_to(UserFactory.create(is_superuser=True))) == [workflow]


@pytest.mark.django_db(transaction=True)
def test_changes_at_the_same_time_come_one_after_the_other() -> None:
    workflow = make()
    changed: list[int] = []

    def change() -> None:
        try:
            changed.append(versions.change(workflow, user=workflow.owner, outputs={"out": "two"}).version)
        finally:
            connections.close_all()

    with transaction.atomic():
        Workflow.objects.select_for_update().get(pk=workflow.pk)
        other = threading.Thread(target=change)
        other.start()
        wait_for_a_lock()
        versions.change(workflow, user=workflow.owner, outputs={"out": "one"})
    other.join()
    assert changed == [3]
    assert [version.outputs["out"] for version in versions.listing(workflow)] == ["two", "one", "{{ steps.a }}"]


def wait_for_a_lock() -> None:
    """Return when some other connection to this database waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        while True:
            cursor.execute(query)
            if cursor.fetchone()[0]:
                return


def test_a_version_can_be_tried_without_a_table() -> None:
    version = versions.newest(make().pk)
    assert version is not None
    tried = run_once(version, {"x": "hey"})
    assert (tried["status"], tried["outputs"], tried["error"]) == ("completed", {"out": "hey!"}, None)
    assert [step["id"] for step in tried["steps"]] == ["a"]


def test_a_try_that_fails_says_so_with_its_trace() -> None:
    steps = [{"id": "a", "type": "template", "config": {"template": "{{ inputs.x.y }}"}}]
    workflow = versions.create(UserFactory.create(), "Bad", ["x"], steps, {})
    version = versions.newest(workflow.pk)
    assert version is not None
    tried = run_once(version, {})
    assert (tried["status"], tried["outputs"]) == ("error", None)
    assert tried["error"].startswith("a: ")
    assert tried["steps"][0]["status"] == "error"


@pytest.mark.django_db(transaction=True)
def test_a_trial_holds_no_connection_to_the_database() -> None:
    version = versions.newest(make().pk)
    assert version is not None
    assert connection.connection is not None
    assert run_once(version, {"x": "a"})["outputs"] == {"out": "a!"}
    assert connection.connection is None
