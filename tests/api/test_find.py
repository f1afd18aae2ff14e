"""Finding a text: which rows of what is shown have it, at which place, in which columns."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from tableflow.tables import columns, finding, rows, schema
from tableflow.tables.models import Member, Row, Table
from tests.api.conftest import Api, errors
from tests.factories import TableFactory, UserFactory
from tests.plans import explained, touched


@pytest.fixture
def cities(user: Any) -> Table:
    made: Table = TableFactory(owner=user, columns={"name": "text", "size": "number", "tags": "multiselect"})
    data = [("Ulm", 120, ["Münster"]), ("Rome", 2800, []), ("Bonn", 330, ["100% rain"]), ("MÜNSTER", 310, ["ulm"])]
    rows.insert(made, [{"name": name, "size": size, "tags": tags} for name, size, tags in data])
    return made


def find(api: Api, table: Table, q: str, **query: Any) -> Any:
    answer = api.get(f"tables/{table.pk}/find/", {"q": q, **query})
    assert answer.status_code == 200, answer.content
    return answer.json()


def found(api: Api, table: Table, q: str, **query: Any) -> list[tuple[int, list[str]]]:
    answer = find(api, table, q, **query)
    assert (answer["count"], answer["is_all"]) == (len(answer["matches"]), True)
    return [(match["offset"], match["columns"]) for match in answer["matches"]]


def test_matches_have_their_row_place_and_columns(api: Api, cities: Table) -> None:
    answer = find(api, cities, " ulm ")
    first, last = Row.objects.filter(table=cities, data__name__in=["Ulm", "MÜNSTER"]).order_by("position")
    assert answer == {
        "count": 2,
        "is_all": True,
        "matches": [
            {"row": first.pk, "offset": 0, "columns": ["name"]},
            {"row": last.pk, "offset": 3, "columns": ["tags"]},
        ],
    }
    assert found(api, cities, "münster") == [(0, ["tags"]), (3, ["name"])]
    assert found(api, cities, "0") == [(0, ["size"]), (1, ["size"]), (2, ["size", "tags"]), (3, ["size"])]
    assert found(api, cities, "0% r") == [(2, ["tags"])]
    assert found(api, cities, "nowhere") == []


def test_places_are_those_of_what_is_shown(api: Api, cities: Table) -> None:
    large = json.dumps({"field": "size", "op": "gt", "value": 200})
    assert found(api, cities, "n", sort="-size") == [(1, ["name", "tags"]), (2, ["name"]), (3, ["tags"])]
    assert found(api, cities, "n", filter=large, sort="name") == [(0, ["name", "tags"]), (1, ["name"])]
    assert found(api, cities, "1", search="o") == [(1, ["tags"])]
    nothing = json.dumps({"field": "name", "op": "eq", "value": "x"})
    assert found(api, cities, "n", filter=nothing) == []


def test_a_deleted_column_is_not_looked_at(api: Api, cities: Table) -> None:
    columns.delete(cities, "tags")
    assert found(api, cities, "ulm") == [(0, ["name"])]


@pytest.mark.parametrize("text", ['say "x"', "back\\slash", "tab\tnl\n", "{", '["a', "ﬁ", "_", "null", "true"])
def test_it_finds_what_a_search_finds(api: Api, user: Any, text: str) -> None:
    table = TableFactory(owner=user, columns={"a": "text", "b": "json", "c": "boolean"})
    values = ['say "x"', "back\\slash", "tab\tnl\n", "STRASSE ﬁn", "a_b", None]
    rows.insert(table, [{"a": a, "b": {"in": [a]}, "c": a is None} for a in values])
    searched = api.get(f"tables/{table.pk}/rows/", {"search": text}).json()["results"]
    assert [match["row"] for match in find(api, table, text)["matches"]] == [row["id"] for row in searched]


def test_only_the_first_matches_are_listed(api: Api, cities: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MAX_MATCHES", 2)
    answer = find(api, cities, "m")
    assert (answer["count"], answer["is_all"]) == (2, False)
    assert [match["offset"] for match in answer["matches"]] == [0, 1]


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({}, "q"),
        ({"q": " "}, "q"),
        ({"q": "a\x00"}, "q"),
        ({"q": "x" * 1001}, "q"),
        ({"q": "x", "sort": "nobody"}, "sort"),
        ({"q": "x", "filter": "{"}, "filter"),
    ],
)
def test_a_bad_question_is_refused_by_name(api: Api, cities: Table, query: dict[str, str], attr: str) -> None:
    response = api.get(f"tables/{cities.pk}/find/", query)
    assert (response.status_code, list(errors(response))) == (400, [attr])


def test_viewers_may_find_and_strangers_may_not(api_of: Any, cities: Table) -> None:
    viewer = UserFactory()
    Member.objects.create(table=cities, user=viewer, role=Member.Role.VIEWER)
    assert found(api_of(viewer), cities, "rome") == [(1, ["name"])]
    assert api_of(UserFactory()).get(f"tables/{cities.pk}/find/", {"q": "x"}).status_code == 404


def test_a_table_is_read_three_times_at_most_however_many_rows_match(user: Any) -> None:
    table = TableFactory(owner=user, columns={"name": "text"})
    Row.objects.bulk_create(Row(table=table, position=n, data={"name": f"n{n}"}) for n in range(5000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tables_row")
    plan = explained(*finding.statement(schema.load(table.pk), "n49"))
    assert touched(plan) <= 3 * 5000
