from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models import F

from dispatch.models import Dispatch
from tableflow.api import idempotency
from tableflow.api.models import IdempotencyKey
from tableflow.tables.models import Import, Row, Table
from tests import scenes
from tests.api.conftest import Api, errors
from tests.factories import TableFactory, UserFactory

KEY = {"Idempotency-Key": "a-key"}


def add(api: Api, table: Table, name: str, key: str = "a-key") -> Any:
    return api.post(f"tables/{table.pk}/rows/", {"data": {"name": name}}, headers={"Idempotency-Key": key})


def test_the_same_key_and_body_give_the_first_answer_again(api: Api, people: Table) -> None:
    first = add(api, people, "Ada")
    again = add(api, people, "Ada")
    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Row.objects.count() == 1


def test_the_order_of_the_fields_makes_no_other_body(api: Api) -> None:
    first = api.post("tables/", {"name": "x", "description": "y"}, headers=KEY).json()
    assert api.post("tables/", {"description": "y", "name": "x"}, headers=KEY).json() == first


def test_the_same_key_with_another_body_is_409(api: Api, people: Table) -> None:
    add(api, people, "Ada")
    response = add(api, people, "Bob")
    assert response.status_code == 409
    assert errors(response) == {None: "key_reused"}
    assert Row.objects.count() == 1


def test_keys_are_of_one_user_and_one_address(api: Api, api_of: Any, people: Table, user: User) -> None:
    add(api, people, "Ada")
    add(api, TableFactory(owner=user, columns={"name": "text"}), "Bob")
    admin = api_of(UserFactory(is_superuser=True))
    assert add(admin, people, "Cyd").status_code == 201
    assert Row.objects.count() == 3


def test_an_error_leaves_no_key_behind(api: Api, people: Table) -> None:
    url = f"tables/{people.pk}/rows/"
    assert api.post(url, {"data": {"age": "old"}}, headers=KEY).status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert add(api, people, "Ada").status_code == 201


def test_after_a_day_the_key_is_free_again(api: Api, people: Table) -> None:
    add(api, people, "Ada")
    IdempotencyKey.objects.update(created_at=F("created_at") - timedelta(hours=24, seconds=1))
    assert add(api, people, "Bob").status_code == 201
    assert Row.objects.count() == 2


def test_the_purge_forgets_what_is_older_than_a_day(api: Api, people: Table) -> None:
    add(api, people, "Ada", "old")
    IdempotencyKey.objects.update(created_at=F("created_at") - timedelta(hours=25))
    add(api, people, "Ada", "new")
    assert idempotency.purge() == 1
    assert IdempotencyKey.objects.get().key == "new"


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\tb"])
def test_a_malformed_key_is_refused(api: Api, people: Table, key: str) -> None:
    response = add(api, people, "Ada", key)
    assert errors(response) == {"Idempotency-Key": "invalid"}
    assert not Row.objects.exists()


def test_a_dispatch_is_started_once(api: Api, user: User) -> None:
    table = scenes.table(1)
    Table.objects.filter(pk=table.pk).update(owner=user)
    scenes.group(table, scenes.doubling(table))
    answers = [api.post(f"tables/{table.pk}/dispatches/", {}, headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert Dispatch.objects.count() == 1


def test_an_upload_is_told_apart_by_its_bytes(api: Api, people: Table) -> None:
    def upload(body: bytes) -> Any:
        file = SimpleUploadedFile("people.csv", body)
        return api.upload(f"tables/{people.pk}/imports/", {"file": file}, headers=KEY)

    first = upload(b"name\nAda\n")
    assert first.status_code == 202
    assert upload(b"name\nAda\n").json() == first.json()
    assert upload(b"name\nBob\n").status_code == 409
    assert Import.objects.count() == 1


@pytest.mark.usefixtures("transactional_db")
class TestAtOnce:
    """Two requests with one key, at the same moment."""

    @pytest.fixture
    def table(self) -> Table:
        made: Table = TableFactory(columns={"name": "text"})
        return made

    def ask(self, api_of: Any, table: Table, answers: list[Any]) -> threading.Thread:
        def run() -> None:
            answers.append(add(api_of(table.owner), table, "Ada"))
            connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def test_the_second_waits_and_gets_the_first_answer(
        self, api_of: Any, table: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        working, go_on = threading.Event(), threading.Event()
        given = idempotency._given

        def paused(record: IdempotencyKey) -> Any:
            if not working.is_set():
                working.set()
                assert go_on.wait(30)
            return given(record)

        monkeypatch.setattr(idempotency, "_given", paused)
        answers: list[Any] = []
        first = self.ask(api_of, table, answers)
        assert working.wait(30)
        second = self.ask(api_of, table, answers)
        scenes.until(waits_for_a_lock, "the second request waits for the first")
        go_on.set()
        first.join(30)
        second.join(30)
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].content == answers[1].content
        assert Row.objects.count() == 1

    def test_who_waits_too_long_is_told_to_ask_again(
        self, api_of: Any, table: Table, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(idempotency, "PATIENCE_SECONDS", 0.05)
        place = {"user": table.owner, "key": "a-key", "path": f"POST /api/v1/tables/{table.pk}/rows/"}
        held, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                idempotency._first(place, "digest")
                held.set()
                assert go_on.wait(30)
            connection.close()

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(30)
        response = add(api_of(table.owner), table, "Ada")
        go_on.set()
        holder.join(30)
        assert response.status_code == 409
        assert errors(response) == {None: "in_progress"}


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%api_idempotencykey%'"
        )
        return bool(cursor.fetchone()[0])
