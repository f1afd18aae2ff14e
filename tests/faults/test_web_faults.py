"""The web process is killed in the middle of a request: what was asked for is done wholly or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from django.db import connection, transaction
from knox.models import get_token_model

from cells.models import Execution
from dispatch.begin import begin
from dispatch.models import Change, Dispatch
from tableflow.tables.models import Import, ImportChunk, Row, Table
from tests import hands, scenes
from tests.factories import UserFactory
from tests.faults import backends
from tests.faults.company import Company
from tests.faults.laws import gated

ANNOUNCE = "before dispatch.bell.announce"
KEY = "Idempotency-Key"


class Caller:
    """A program that asks the web process, which may be killed before it answers."""

    def __init__(self, company: Company, pool: ThreadPoolExecutor) -> None:
        self._company = company
        self._pool = pool
        self._web = company.web()
        self.user = UserFactory.create()
        _, token = get_token_model().objects.create(user=self.user)
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, **what: Any) -> httpx2.Response:
        """The answer, from a web process that is started anew when it was killed."""
        if not self._web.part.alive:
            self._web = self._company.web()
        return self._ask(method, path, **what)

    def begin_to_ask(self, method: str, path: str, **what: Any) -> Future[httpx2.Response]:
        """The answer to come, from the web process that runs now."""
        return self._pool.submit(self._ask, method, path, **what)

    def _ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **what: Any) -> httpx2.Response:
        headers = {**self._headers, **(headers or {})}
        return httpx2.request(method, f"{self._web.url}/api/v1{path}", headers=headers, timeout=60, **what)

    def kill_under(self, asked: Future[httpx2.Response]) -> None:
        """Kill the web process before it answers this."""
        assert not asked.done()
        self._web.part.kill()
        assert isinstance(asked.exception(20), httpx2.TransportError)

    @contextmanager
    def killed_in(self, statement: str, method: str, path: str, **what: Any) -> Iterator[None]:
        """The web process is killed while this statement of its transaction waits for a lock of the caller's block.

        When the block has ended, PostgreSQL has noticed it, and nothing holds a lock any more.
        """
        with transaction.atomic():
            yield
            asked = self.begin_to_ask(method, path, **what)
            (waiting,) = scenes.until(backends.waiting_at_a_lock, "the request waits for the lock")
            assert statement in backends.query(waiting)
            self.kill_under(asked)
        scenes.until(lambda: not backends.here([waiting]), "PostgreSQL has noticed it")


@pytest.fixture(scope="module")
def caller(company):
    with ThreadPoolExecutor(1) as pool:
        yield Caller(company, pool)


@pytest.fixture(scope="module")
def engine(company):
    """A worker and beat: they come when the first request was killed, and stay."""
    company.beat()
    return company.workers(1)


@pytest.fixture
def table(caller, db):
    made = scenes.table(40, name="Faults of the web process")
    Table.objects.filter(pk=made.pk).update(owner=caller.user)
    return made


def test_a_begin_that_is_killed_in_its_transaction_leaves_nothing_and_takes_over_nothing(
    caller, table, gate, watch, request
):
    gated(table, gate.folder)
    older = begin(table.pk)
    hands.admit(older)
    path, body, key = f"/tables/{table.pk}/dispatches/", {"mode": "all"}, {KEY: "begin"}
    with caller.killed_in("cells_execution", "POST", path, json=body, headers=key):
        Execution.objects.select_for_update().filter(dispatch_id=older.pk).first()
    assert list(Dispatch.objects.filter(table=table)) == [older]
    assert scenes.statuses(table.groups.get()) == {"pending": 40}
    watch.struck()
    gate.open()
    answer = caller.ask("POST", path, json=body, headers=key)
    assert answer.status_code == 202, answer.text
    request.getfixturevalue("engine")
    watch.until_lawful_end(Dispatch.objects.get(pk=answer.json()["id"]))
    assert scenes.until_ended(older).cancelled == 40


def test_a_begin_that_is_killed_before_its_bell_rings_runs_all_the_same(caller, engine, points, table, gate, watch):
    gated(table, gate.folder)
    gate.open()
    path, body, key = f"/tables/{table.pk}/dispatches/", {"mode": "all"}, {KEY: "bell"}
    points.hold(ANNOUNCE)
    asked = caller.begin_to_ask("POST", path, json=body, headers=key)
    scenes.until(lambda: points.reached(ANNOUNCE), "the dispatch is committed, and its bell is to ring")
    caller.kill_under(asked)
    points.release(ANNOUNCE)
    watch.struck()
    dispatch = Dispatch.objects.get(table=table)
    watch.until_lawful_end(dispatch)
    again = caller.ask("POST", path, json=body, headers=key)
    assert (again.status_code, again.json()["id"]) == (202, dispatch.pk)
    assert Dispatch.objects.filter(table=table).count() == 1


def test_an_upload_that_is_killed_leaves_no_import_no_table_and_no_bytes(caller, engine, db):
    tables = Table.objects.count()
    what = {"files": {"file": ("numbers.csv", b"n,name\n" + b"".join(b"%d,Ann\n" % n for n in range(5000)))}}
    with caller.killed_in("COPY", "POST", "/imports/", **what):
        _lock("tables_importchunk")
    assert not Import.objects.exists()
    assert not ImportChunk.objects.exists()
    assert Table.objects.count() == tables
    answer = caller.ask("POST", "/imports/", **what)
    assert answer.status_code == 202, answer.text
    source = Import.objects.get()
    scenes.until(lambda: Import.objects.filter(pk=source.pk, status="complete").exists(), "the import is complete")
    assert Row.objects.filter(table=source.table_id).count() == 5000


def test_an_edit_of_many_rows_that_is_killed_changes_none_and_starts_nothing(caller, engine, table, gate, watch):
    gated(table, gate.folder, auto_run=True)
    gate.open()
    ids = list(Row.objects.filter(table=table).values_list("pk", flat=True))
    path, body = f"/tables/{table.pk}/rows/", {"rows": [{"id": row, "data": {"n": 1000 + row}} for row in ids]}
    with caller.killed_in("dispatch_change", "PATCH", path, json=body):
        _lock("dispatch_change")
    assert scenes.values(table, "n") == list(range(1, 41))
    assert not Change.objects.filter(table=table).exists()
    assert not Dispatch.objects.filter(table=table).exists()
    watch.struck()
    answer = caller.ask("PATCH", path, json=body)
    assert answer.status_code == 200, answer.text
    dispatch = scenes.until(lambda: Dispatch.objects.filter(table=table).first(), "the edit has started a run")
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 40
    assert scenes.values(table, "n") == [1000 + row for row in ids]


def _lock(table: str) -> None:
    """Let nobody write to the table until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN SHARE MODE")
