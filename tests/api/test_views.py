"""Saved views: one that every table has, and others; strictly checked, and true of the columns that are there."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from cells.filters import cell_predicate
from tableflow.live import marks
from tableflow.tables import columns, purge, tables, views
from tableflow.tables.models import Member, Table, View
from tests import scenes
from tests.api.conftest import Api, errors
from tests.factories import TableFactory, UserFactory

BARE = {"widths": {}, "order": [], "hidden": [], "pinned": []}
ADULTS = {"all": [{"field": "age", "op": "gte", "value": 18}, {"field": "*", "op": "contains", "value": "a"}]}


def url(table: Table, view: Any = None) -> str:
    return f"tables/{table.pk}/views/" + (f"{view}/" if view is not None else "")


def listed(api: Api, table: Table) -> list[Any]:
    answer = api.get(url(table))
    assert answer.status_code == 200
    return list(answer.json()["results"])


def saved(api: Api, table: Table, **fields: Any) -> Any:
    answer = api.post(url(table), {"name": "Mine", **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_every_table_has_a_view_before_anybody_has_written_one(api: Api, people: Table) -> None:
    (first,) = listed(api, people)
    assert first == {
        "id": first["id"], "name": "All rows", "is_default": True, "layout": BARE, "filter": None, "sort": "",
        "search": "", "position": 0, "problem": None,
    }  # fmt: skip
    assert listed(api, people) == [first]
    assert api.get(url(people, first["id"])).json() == first


def test_the_default_view_is_laid_out_and_renamed_and_never_deleted(api: Api, people: Table) -> None:
    (first,) = listed(api, people)
    changed = api.patch(url(people, first["id"]), {"name": "Everybody", "layout": {"widths": {"name": 320}}}).json()
    assert (changed["name"], changed["layout"]) == ("Everybody", {**BARE, "widths": {"name": 320}})
    refused = api.delete(url(people, first["id"]))
    assert (refused.status_code, errors(refused)) == (409, {None: "default_view"})
    assert listed(api, people) == [changed]


def test_a_view_keeps_what_is_shown_and_how(api: Api, people: Table) -> None:
    layout = {"widths": {"name": 40, "age": 1200}, "order": ["age", "name"], "hidden": ["vip"], "pinned": ["age"]}
    made = saved(api, people, layout=layout, filter=ADULTS, sort="-age,name", search="a")
    assert {**made, "id": 0} == {
        "id": 0, "name": "Mine", "is_default": False, "layout": layout, "filter": ADULTS, "sort": "-age,name",
        "search": "a", "position": 1, "problem": None,
    }  # fmt: skip
    last = saved(api, people, name="Last")
    first, *others = listed(api, people)
    assert (first["is_default"], others) == (True, [made, last])
    api.patch(url(people, made["id"]), {"position": 7})
    assert [view["name"] for view in listed(api, people)] == ["All rows", "Last", "Mine"]
    assert api.delete(url(people, made["id"])).status_code == 204
    assert [view["name"] for view in listed(api, people)] == ["All rows", "Last"]


def test_a_change_of_one_part_of_a_layout_keeps_the_others(api: Api, people: Table) -> None:
    made = saved(api, people, layout={"widths": {"name": 100}, "hidden": ["vip"]}, filter=ADULTS)
    changed = api.patch(url(people, made["id"]), {"layout": {"hidden": []}, "filter": None}).json()
    assert changed["layout"] == {**BARE, "widths": {"name": 100}}
    assert (changed["filter"], changed["name"]) == (None, "Mine")


def test_a_layout_says_nothing_of_columns_that_are_gone(api: Api, people: Table) -> None:
    layout = {"widths": {"age": 90, "later": 80}, "order": ["vip", "age"], "hidden": ["age"], "pinned": ["age"]}
    made = saved(api, people, layout=layout)
    assert made["layout"]["widths"] == {"age": 90}
    columns.delete(people, "age")
    assert api.get(url(people, made["id"])).json()["layout"] == {**BARE, "order": ["vip"]}


def test_what_no_longer_fits_is_given_as_it_is_with_the_reason(api: Api, people: Table) -> None:
    filtered = saved(api, people, filter=ADULTS)
    ordered = saved(api, people, sort="-age")
    columns.delete(people, "age")
    _, first, second = listed(api, people)
    assert (first["filter"], second["sort"]) == (ADULTS, "-age")
    assert "'age'" in first["problem"]
    assert "'age'" in second["problem"]
    renamed = api.patch(url(people, filtered["id"]), {"name": "Old"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Old")
    refused = api.patch(url(people, ordered["id"]), {"filter": ADULTS})
    assert (refused.status_code, errors(refused)) == (400, {"filter.all.0.field": "unknown_field"})


def test_a_filter_may_ask_for_the_state_of_a_cell(api: Api, user: User) -> None:
    table = scenes.table(1)
    table.owner = user
    table.save()
    group = scenes.group(table, scenes.doubling(table))
    failed = {"field": f"@{group.pk}", "op": "eq", "value": "error"}
    assert saved(api, table, filter=failed)["filter"] == failed


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"name": None}, "name"),
        ({"owner": 1}, "owner"),
        ({"layout": []}, "layout"),
        ({"layout": {"colours": {}}}, "layout.colours"),
        ({"layout": {"widths": []}}, "layout.widths"),
        ({"layout": {"widths": {"name": 39}}}, "layout.widths.name"),
        ({"layout": {"widths": {"name": 1201}}}, "layout.widths.name"),
        ({"layout": {"widths": {"name": 99.5}}}, "layout.widths.name"),
        ({"layout": {"widths": {"name": True}}}, "layout.widths.name"),
        ({"layout": {"widths": {"x" * 65: 99}}}, "layout.widths"),
        ({"layout": {"order": {"name": 1}}}, "layout.order"),
        ({"layout": {"order": ["name", 1]}}, "layout.order.1"),
        ({"layout": {"hidden": ["name", "name"]}}, "layout.hidden"),
        ({"layout": {"pinned": ["x"] * 501}}, "layout.pinned"),
        ({"filter": []}, "filter"),
        ({"filter": {"field": "nobody", "op": "is_empty"}}, "filter.field"),
        ({"sort": "nobody"}, "sort"),
        ({"sort": ["name"]}, "sort"),
        ({"search": "x" * 1001}, "search"),
        ({"position": -1}, "position"),
        ({"filter": {"field": "name", "op": "eq", "value": "x" * 60_000}}, "layout"),
    ],
)
def test_a_bad_view_is_refused_by_name(api: Api, people: Table, body: Any, attr: str) -> None:
    (first,) = listed(api, people)
    for response in (api.post(url(people), {"name": "x", **body}), api.patch(url(people, first["id"]), body)):
        assert (response.status_code, attr in errors(response)) == (400, True), response.content
    assert listed(api, people) == [first]


def test_a_table_has_a_hundred_views_at_most(api: Api, people: Table) -> None:
    listed(api, people)
    View.objects.bulk_create(View(table=people, name=f"{n}") for n in range(99))
    assert errors(api.post(url(people), {"name": "x"})) == {"name": "too_many"}
    assert len(listed(api, people)) == 100


def test_other_pages_hear_of_a_change(api: Api, people: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    monkeypatch.setattr(marks, "schema", heard.append)
    made = saved(api, people)
    api.patch(url(people, made["id"]), {"name": "x"})
    api.delete(url(people, made["id"]))
    assert heard == [people.pk] * 3


def test_viewers_see_views_and_change_none_and_strangers_see_none(api_of: Any, api: Api, people: Table) -> None:
    viewer = UserFactory()
    Member.objects.create(table=people, user=viewer, role=Member.Role.VIEWER)
    (first,) = listed(api_of(viewer), people)
    for who, status in ((viewer, 403), (UserFactory(), 404)):
        assert api_of(who).post(url(people), {"name": "x"}).status_code == status
        assert api_of(who).patch(url(people, first["id"]), {"name": "x"}).status_code == status
        assert api_of(who).delete(url(people, first["id"])).status_code == status
    assert api_of(UserFactory()).get(url(people)).status_code == 404
    elsewhere = saved(api_of(UserFactory(is_superuser=True)), TableFactory())
    for method in ("get", "patch", "delete"):
        assert getattr(api, method)(url(people, elsewhere["id"]), None).status_code in (400, 404)
        assert api.get(url(people, elsewhere["id"])).status_code == 404


def test_views_go_with_their_table(api: Api, people: Table) -> None:
    saved(api, people)
    tables.delete(people)
    purge.forget_table(people.pk)
    assert not View.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_who_look_first_at_the_same_time_make_one_default_view() -> None:
    table = TableFactory()
    start = threading.Barrier(4)
    seen: list[int] = []

    def look() -> None:
        start.wait(timeout=30)
        try:
            seen.extend(view.view.pk for view in views.listed(table, cell_predicate))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(seen) == 4
    assert len(set(seen)) == View.objects.filter(table=table).count() == 1
