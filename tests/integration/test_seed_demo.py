from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import httpx2
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import override_settings

from cells.models import Workflow
from dispatch import progress
from dispatch.models import Dispatch, DispatchStatus
from tableflow.demo import cities
from tableflow.embedded import processes
from tableflow.tables import groups, schema
from tableflow.tables.models import Row, Table
from tests.conftest import StartWorkers, Web
from tests.factories import UserFactory

RUN_SECONDS = 60


def seed(*arguments: str) -> str:
    out = StringIO()
    call_command("seed_demo", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def admin(db: None) -> User:
    user: User = UserFactory.create(username="admin", is_superuser=True)
    return user


def test_the_table_holds_real_cities_and_three_workflow_columns(admin: User) -> None:
    said = seed("--no-run")
    table = Table.objects.get()
    assert (table.owner, table.name, table.row_count) == (admin, cities.NAME, 1200)
    assert f"table {table.pk}, 1200 rows" in said
    first = Row.objects.filter(table=table).first()
    assert first is not None
    assert first.data["city"] == "Shanghai"
    assert first.data.keys() == {column.key for column in schema.load(table.pk).columns if column.group_id is None}
    climate, description, statistics = schema.load(table.pk).groups
    assert (climate.name, description.name, statistics.name) == ("Climate", "Description", "Text statistics")
    assert statistics.inputs["text"] in {output.column for output in description.outputs}
    assert Workflow.objects.filter(owner=admin).count() == 3
    assert not Dispatch.objects.exists()


def test_seeding_begins_one_run_of_all_three_columns(admin: User) -> None:
    said = seed()
    dispatch = Dispatch.objects.get()
    assert f"dispatch {dispatch.pk}" in said
    assert [group["id"] for group in dispatch.plan] == [group.id for group in schema.load(dispatch.table_id).groups]
    assert (dispatch.requested_by, dispatch.is_manual) == (admin, True)


def test_seeding_twice_changes_nothing_and_says_so(admin: User) -> None:
    seed("--no-run")
    said = seed()
    assert "has the demo table already" in said
    assert Table.objects.count() == 1
    assert not Dispatch.objects.exists()


def test_another_user_can_have_the_table(admin: User) -> None:
    UserFactory.create(username="jo")
    seed("--user", "jo", "--no-run")
    assert Table.objects.get().owner.username == "jo"


def test_a_failure_half_way_leaves_nothing(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    create = groups.create

    def fail_at_the_last(table: Table, definition: Any, *, default_name: str) -> Any:
        if default_name == "Text statistics":
            raise OSError("The disk is full.")
        return create(table, definition, default_name=default_name)

    monkeypatch.setattr(groups, "create", fail_at_the_last)
    with pytest.raises(OSError, match="disk is full"):
        seed()
    assert not Table.objects.exists()
    assert not Row.objects.exists()
    assert not Workflow.objects.exists()


def test_what_is_missing_is_said_in_plain_words(db: None) -> None:
    with pytest.raises(CommandError, match="There is no superuser yet"):
        seed()
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        seed("--user", "nobody")
    with override_settings(DEMO=False), pytest.raises(CommandError, match="The demo is off"):
        seed()


def test_the_demo_run_completes_with_every_cell_accounted_for(
    start_web: Callable[..., Web], workers: StartWorkers, beat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cities, "ROWS", 120)
    UserFactory.create(username="admin", is_superuser=True)
    web = start_web()
    workers(concurrency=16, PORT=web.url.rpartition(":")[2])
    seed()
    assert processes.wait_until(
        lambda: Dispatch.objects.get().status == DispatchStatus.COMPLETE, seconds=RUN_SECONDS
    ), Dispatch.objects.get()
    dispatch = Dispatch.objects.get()
    counts = progress.counts([dispatch])[dispatch.pk]
    assert counts.total == 360
    assert counts.completed + counts.error + counts.cancelled + counts.skipped == counts.total
    assert counts.waiting == counts.in_flight == counts.cancelled == 0
    assert counts.completed > 330
    assert 0 < counts.error < 20
    assert httpx2.get(f"{web.url}/demo/stats", timeout=10).json()["most_in_flight"] <= dispatch.concurrency
    for row in Row.objects.filter(data__has_keys=["summary", "climate_zone"]):
        assert row.data["summary"] is None or row.data["summary"].startswith(f"{row.data['city']} is a ")
