"""Whatever is sent, the answer is a 4xx in the one shape, and nothing is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from knox.models import get_token_model

from dispatch.models import Dispatch
from tableflow.api.parsing import MAX_DEPTH
from tableflow.tables.models import Row, Table
from tests.api.conftest import Api, errors
from tests.factories import TableFactory, UserFactory

BODIES = {
    "cut off": b'{"name": "x"',
    "no JSON": b"name=x",
    "two values": b"{} {}",
    "not UTF-8": b'{"name": "\xff"}',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"limit": {"type": "rows", "max": Infinity}}',
    "an integer of 5,000 digits": b'{"rows": [' + b"9" * 5000 + b"]}",
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"1",
    "null": b"null",
    "a NUL": b'{"name": "a\\u0000b", "data": {"name": "\\u0000"}, "filter": {"field": "\\u0000"}}',
    "a NUL in a key": b'{"a\\u0000b": 1}',
    "half a surrogate pair": b'{"name": "\\ud83d", "data": {"name": "\\udc00"}}',
    "deep lists": b'{"data": ' + b"[" * 500 + b"]" * 500 + b"}",
    "lists too deep to parse": b"[" * 100_000,
    "deep objects": b'{"a":' * 200 + b"1" + b"}" * 200,
    "an unknown field": b'{"nobody": 1}',
}
ADDRESSES = (
    ("post", "tables/"),
    ("patch", "tables/{t}/"),
    ("post", "tables/{t}/columns/"),
    ("patch", "tables/{t}/columns/name/"),
    ("put", "tables/{t}/column-order/"),
    ("post", "tables/{t}/rows/"),
    ("patch", "tables/{t}/rows/"),
    ("delete", "tables/{t}/rows/"),
    ("post", "tables/{t}/rows/upsert/"),
    ("post", "tables/{t}/groups/"),
    ("post", "tables/{t}/dispatches/"),
    ("post", "tables/{t}/cancel-runs/"),
    ("post", "workflows/"),
)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_bad_body_gets_past_any_address(api: Api, people: Table, body: bytes) -> None:
    for method, path in ADDRESSES:
        url = path.format(t=people.pk)
        response = api.generic(method.upper(), url, body, content_type="application/json")
        assert 400 <= response.status_code < 500, f"{method} {url}: {response.status_code}"
        errors(response)
    assert list(Table.objects.values_list("name", flat=True)) == ["People"]
    assert not Row.objects.exists()
    assert not Dispatch.objects.exists()


def test_a_body_as_deep_as_allowed_is_read(api: Api, people: Table) -> None:
    api.post(f"tables/{people.pk}/columns/", {"name": "any", "type": "json"})
    value: Any = []
    for _ in range(MAX_DEPTH - 3):
        value = [value]
    assert api.post(f"tables/{people.pk}/rows/", {"data": {"any": value}}).status_code == 201


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_a_body_of_another_type_is_415(api: Api, people: Table, content_type: str) -> None:
    response = api.generic("POST", f"tables/{people.pk}/rows/", b"data=1", content_type=content_type)
    assert response.status_code == 415
    errors(response)


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_body_that_is_too_large_is_413(api: Api, people: Table) -> None:
    body = json.dumps({"data": {"name": "x" * 1000}}).encode()
    response = api.generic("POST", f"tables/{people.pk}/rows/", body, content_type="application/json")
    assert response.status_code == 413
    assert errors(response) == {None: "too_large"}
    assert not Row.objects.exists()


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v1/",
        "/api/v1/nothing/",
        "/api/v2/tables/",
        "/api/v1/tables/x/",
        "/api/v1/tables/%00/",
        "/api/v1/tables/1.5/rows/",
    ],
)
def test_an_address_that_does_not_exist_is_404_in_the_shape(api: Api, path: str) -> None:
    response = api.get(path)
    assert response.status_code == 404
    assert errors(response) == {None: "not_found"}


def test_a_page_that_does_not_exist_is_no_json(client: Client) -> None:
    response = client.get("/nothing/")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("table_id", ["0", "999999999", "9" * 19, "9" * 60, "9" * 5000])
def test_a_table_that_is_not_there_is_404(api: Api, table_id: str) -> None:
    for path in ("", "rows/", "dispatches/", "run-state/", "export/"):
        assert api.get(f"tables/{table_id}/{path}").status_code == 404


def test_a_method_that_an_address_does_not_have_is_405(api: Api, people: Table) -> None:
    for method, path in (
        ("put", "tables/"),
        ("delete", "tables/"),
        ("post", f"tables/{people.pk}/"),
        ("post", "dispatches/"),
    ):
        response = getattr(api, method)(path, {})
        assert response.status_code == 405
        assert errors(response) == {None: "method_not_allowed"}


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png;q=0.1", ""])
def test_the_answer_is_json_whatever_is_accepted(api: Api, accept: str) -> None:
    response = api.get("tables/", headers={"accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


def test_an_unknown_host_is_400_in_the_shape(client: Client) -> None:
    response = client.get("/api/v1/tables/", headers={"host": "elsewhere.example"})
    assert response.status_code == 400
    assert errors(response) == {None: "bad_request"}


class TestCredentials:
    @pytest.fixture
    def token(self, user: User) -> str:
        _record, token = get_token_model().objects.create(user=user)
        return str(token)

    def ask(self, authorization: str) -> Any:
        return Client().get("/api/v1/tables/", headers={"authorization": authorization})

    def test_a_token_lets_its_user_in(self, token: str, user: User) -> None:
        TableFactory(owner=user)
        assert self.ask(f"Bearer {token}").json()["count"] == 1
        assert self.ask(f"bearer {token}").status_code == 200

    def test_a_wrong_token_is_401(self, token: str) -> None:
        for wrong in (token[:-1], token[:8], token + "0", "x", "\xff", "a\x00b", "0" * 5000, "a b", ""):
            response = self.ask(f"Bearer {wrong}")
            assert response.status_code == 401, wrong
            assert response["WWW-Authenticate"] == "Bearer"
            errors(response)

    def test_the_token_of_somebody_who_was_shut_out_is_401(self, user: User, token: str) -> None:
        user.is_active = False
        user.save()
        assert self.ask(f"Bearer {token}").status_code == 401

    def test_another_scheme_is_401(self, token: str) -> None:
        assert self.ask(f"Basic {token}").status_code == 401

    @pytest.mark.django_db
    def test_a_session_reads_and_needs_the_csrf_token_to_write(self) -> None:
        page = Client(enforce_csrf_checks=True)
        page.force_login(UserFactory())
        assert page.get("/api/v1/tables/").status_code == 200
        response = page.post("/api/v1/tables/", {"name": "x"}, content_type="application/json")
        assert response.status_code == 403
        assert errors(response) == {None: "permission_denied"}


@pytest.mark.parametrize("body", [[], "x", 5], ids=str)
def test_what_is_wrong_with_a_body_as_a_whole_is_at_no_field(api: Api, people: Table, body: Any) -> None:
    for method, path in (("post", "tables/"), ("patch", f"tables/{people.pk}/")):
        assert None in errors(getattr(api, method)(path, body)), path


def test_a_field_that_is_named_as_a_framework_names_none_is_told_by_its_name(api: Api, people: Table) -> None:
    assert errors(api.post("tables/", {"name": "x", "non_field_errors": 1})) == {"non_field_errors": "unknown_field"}
    row = {"rows": [{"data": {"non_field_errors": 1}}]}
    assert list(errors(api.post(f"tables/{people.pk}/rows/", row))) == ["rows.0.data.non_field_errors"]


def test_what_a_caller_did_wrong_is_logged_as_information(
    client: Client, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "django.request"):
        client.get("/api/v1/nothing/")
    (record,) = [record for record in caplog.records if record.name == "django.request"]
    assert (record.levelname, record.status_code) == ("INFO", 404)  # type: ignore[attr-defined]
    caplog.clear()
    with caplog.at_level("WARNING", "django.request"):
        client.get("/api/v1/nothing/")
    assert not caplog.records


def test_a_failure_of_ours_is_logged_as_an_error(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("tableflow.api.answers.tables", broken)
    TableFactory(owner=user)
    client.force_login(user)
    client.raise_request_exception = False
    assert client.get("/api/v1/tables/").status_code == 500
    assert [record.levelname for record in caplog.records if record.name == "django.request"] == ["ERROR"]
