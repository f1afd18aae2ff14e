from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.begin import begin
from dispatch.models import Change, Dispatch
from tableflow.tables.models import Member, Row, Table
from tests import scenes
from tests.api.conftest import Api, errors
from tests.factories import GroupFactory, TableFactory, UserFactory


def test_a_table_is_made_with_its_columns(api: Api) -> None:
    response = api.post(
        "tables/",
        {
            "name": "Cities",
            "description": "of the world",
            "columns": [{"name": "City name", "type": "text"}, {"name": "Kind", "type": "select", "key": "kind_"}],
        },
    )
    assert response.status_code == 201
    table = response.json()
    assert [(c["key"], c["type"], c["position"], c["group"]) for c in table["columns"]] == [
        ("city_name", "text", 0, None),
        ("kind_", "select", 1, None),
    ]
    assert table["groups"] == []
    assert table["row_count"] == 0
    assert table["auto_run"] is True
    assert api.get(f"tables/{table['id']}/").json() == table


def test_a_table_is_changed_field_by_field(api: Api, people: Table) -> None:
    assert api.patch(f"tables/{people.pk}/", {"name": "Folk", "auto_run": False}).json()["name"] == "Folk"
    table = api.get(f"tables/{people.pk}/").json()
    assert (table["name"], table["description"], table["auto_run"]) == ("Folk", "", False)


def test_a_deleted_table_is_gone_at_once(api: Api, people: Table) -> None:
    assert api.delete(f"tables/{people.pk}/").status_code == 204
    assert api.get(f"tables/{people.pk}/").status_code == 404
    assert api.delete(f"tables/{people.pk}/").status_code == 404
    assert api.get("tables/").json()["count"] == 0


def test_tables_come_in_pages(api: Api, user: User) -> None:
    TableFactory.create_batch(3, owner=user)
    TableFactory()
    first = api.get("tables/?limit=2").json()
    assert first["count"] == 3
    assert len(first["results"]) == 2
    assert first["previous"] is None
    second = api.get(first["next"].removeprefix("http://testserver")).json()
    assert len(second["results"]) == 1
    assert second["next"] is None


@pytest.mark.parametrize("query", ["limit=-1", "limit=0", "limit=x", "limit=1001", "limit=", "limit=1e3", "offset=-1"])
def test_a_bad_limit_or_offset_is_refused_by_name(api: Api, query: str) -> None:
    response = api.get(f"tables/?{query}")
    assert response.status_code == 400
    assert set(errors(response)) == {query.partition("=")[0]}


def queries_of(ask: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert ask().status_code == 200
    return len(captured)


def test_the_list_of_tables_takes_the_same_queries_for_3_and_for_30(api: Api, user: User) -> None:
    def make(number: int) -> None:
        for _ in range(number):
            table = TableFactory(owner=user, columns={"name": "text", "out": "text"})
            GroupFactory(table=table, outputs=[{"from": "result", "column": "out"}])

    make(3)
    few = queries_of(lambda: api.get("tables/"))
    make(27)
    assert queries_of(lambda: api.get("tables/")) == few


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": 3}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x", "nam": "y"}, "nam"),
        ({"name": "x", "columns": {}}, "columns"),
        ({"name": "x", "columns": [{"name": "a"}]}, "columns.0.type"),
        ({"name": "x", "columns": [{"name": "a", "type": "texts"}]}, "columns.0.type"),
        ({"name": "x", "columns": [{"name": "a", "type": "text", "colour": 1}]}, "columns.0.colour"),
        ({"name": "x", "columns": [{"name": "a", "type": "text", "key": "no way"}]}, "columns.0.key"),
        (
            {"name": "x", "columns": [{"name": "a", "type": "text", "options": {"choices": []}}]},
            "columns.0.options.choices",
        ),
        ({"name": "x", "columns": [{"name": "a", "type": "text", "key": "k"}] * 2}, "columns.1.key"),
        ([], None),
        ("name", None),
    ],
)
def test_a_bad_table_is_refused_where_it_is_wrong_and_nothing_is_made(api: Api, body: Any, attr: str) -> None:
    response = api.post("tables/", body)
    assert response.status_code == 400
    assert attr in errors(response)
    assert not Table.objects.exists()


class TestWhoMay:
    """401 without a credential, 404 for what is not seen, 403 for what is only seen."""

    @pytest.fixture
    def addresses(self, people: Table) -> list[tuple[str, str, Any]]:
        t = f"tables/{people.pk}/"
        return [
            ("patch", t, {"name": "x"}),
            ("delete", t, None),
            ("post", f"{t}columns/", {"name": "x", "type": "text"}),
            ("patch", f"{t}columns/name/", {"name": "x"}),
            ("delete", f"{t}columns/name/", None),
            ("put", f"{t}column-order/", {"columns": ["age", "name", "vip"]}),
            ("post", f"{t}rows/", {"data": {}}),
            ("patch", f"{t}rows/", {"rows": []}),
            ("delete", f"{t}rows/", {"rows": []}),
            ("post", f"{t}rows/upsert/", {"match_on": ["name"], "rows": []}),
            ("patch", f"{t}rows/1/", {"data": {}}),
            ("delete", f"{t}rows/1/", None),
            ("post", f"{t}groups/", {}),
            ("patch", f"{t}groups/1/", {}),
            ("delete", f"{t}groups/1/", None),
            ("post", f"{t}dispatches/", {}),
            ("post", f"{t}cancel-runs/", {}),
        ]

    @pytest.fixture
    def views(self, people: Table) -> list[str]:
        t = f"tables/{people.pk}/"
        return [t, f"{t}rows/", f"{t}dispatches/", f"{t}run-state/"]

    def test_nobody_gets_401_and_is_told_how(
        self, api_of: Any, addresses: list[tuple[str, str, Any]], views: list[str]
    ) -> None:
        nobody = api_of(None)
        for method, path, body in [*addresses, *[("get", view, None) for view in views], ("get", "workers/", None)]:
            response = getattr(nobody, method)(path, body)
            assert response.status_code == 401, path
            assert response["WWW-Authenticate"] == "Bearer"

    def test_a_stranger_gets_404(self, api_of: Any, addresses: list[tuple[str, str, Any]], views: list[str]) -> None:
        stranger = api_of(UserFactory())
        for method, path, body in [*addresses, *[("get", view, None) for view in views]]:
            assert getattr(stranger, method)(path, body).status_code == 404, path
        assert stranger.get("tables/").json()["count"] == 0

    def test_a_viewer_sees_all_and_changes_nothing(
        self, api_of: Any, people: Table, addresses: list[tuple[str, str, Any]], views: list[str]
    ) -> None:
        viewer = UserFactory()
        Member.objects.create(table=people, user=viewer, role=Member.Role.VIEWER)
        for method, path, body in addresses:
            assert getattr(api_of(viewer), method)(path, body).status_code == 403, path
        for view in views:
            assert api_of(viewer).get(view).status_code == 200, view

    def test_an_editor_may_change(self, api_of: Any, people: Table) -> None:
        editor = UserFactory()
        Member.objects.create(table=people, user=editor, role=Member.Role.EDITOR)
        assert api_of(editor).patch(f"tables/{people.pk}/", {"name": "Ours"}).status_code == 200

    @pytest.mark.django_db
    def test_a_superuser_sees_every_table(self, api_of: Any) -> None:
        TableFactory()
        assert api_of(UserFactory(is_superuser=True)).get("tables/").json()["count"] == 1


def test_turning_auto_run_off_cancels_what_runs_by_itself_and_nothing_else(api: Api, user: User) -> None:
    table = scenes.table(2)
    table.owner = user
    table.save()
    scenes.group(table, scenes.doubling(table), auto_run=True)
    first, second = Row.objects.filter(table=table)
    manual = begin(table.pk, rows=[first.pk])
    api.patch(f"tables/{table.pk}/rows/{second.pk}/", {"data": {"n": 5}})
    assert api.patch(f"tables/{table.pk}/", {"auto_run": False}).json()["auto_run"] is False
    assert not Change.objects.exists()
    automatic = Dispatch.objects.get(is_manual=False)
    manual.refresh_from_db()
    assert (automatic.status, manual.status) == ("cancelled", "pending")
    assert api.patch(f"tables/{table.pk}/", {"auto_run": True}).json()["auto_run"] is True
    assert Dispatch.objects.count() == 2
