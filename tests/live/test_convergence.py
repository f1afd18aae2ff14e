"""Who fetches what the streams name ends with what is there, whatever happened and however often it was cut off."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from cells.models import Approval
from dispatch.models import Change, Dispatch
from tableflow.live import log, marks
from tableflow.tables.models import Group, Import, Row, Table
from tests import scenes
from tests.conftest import Web
from tests.faults.company import Company
from tests.live.conftest import Person
from tests.live.mirror import Events, Hints, Mirror, fetched
from tests.stage.points import Points

STORIES = int(os.environ.get("CONVERGENCE_STORIES", "2"))
DEEDS = 30
MOST_ROWS = 24
LOOK = "tableflow.live.passes.look_all"
NOWHERE = "1"
"""A cursor that is no place in the log."""


@pytest.fixture
def db(lasting_database: None) -> None:
    """What a test writes stays until the module's end: it is told of committed writes."""


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Points:
    """Where the module's web process can be held."""
    return Points(tmp_path_factory.mktemp("points"))


@pytest.fixture(scope="module")
def web(company: Company, points: Points) -> Web:
    """The module's web process."""
    return company.web(STREAMS_PER_USER="60", **points.environment(LOOK))


@pytest.fixture(scope="module")
def crew(company: Company) -> None:
    """A worker and a beat."""
    company.beat()
    company.workers(1)


@pytest.fixture
def api(ada: Person) -> Iterator[httpx2.Client]:
    """Ada's way to the API, which keeps its connection."""
    with httpx2.Client(base_url=f"{ada.web.url}/api/v1", headers=ada.headers, timeout=30) as client:
        yield client


class Story:
    """Things that people do to a table, one after the other, by chance."""

    def __init__(self, api: httpx2.Client, table: Table, seed: int) -> None:
        self._api = api
        self._table = table
        self._chance = random.Random(seed)
        double = scenes.doubling(table)
        share = [{"id": "share", "type": "template", "config": {"template": "{{ 12 / (inputs.n % 4) }}"}}]
        sleep = {"function": "stage.sleep", "arguments": {"seconds": "{{ inputs.n % 5 / 50 }}"}}
        slow = [{"id": "sleep", "type": "python", "config": sleep}]
        ask = [{"id": "ask", "type": "approval", "config": {"prompt": "Well?"}}]
        self._workflow = double
        self._groups = [
            scenes.group(table, double, "double"),
            scenes.group(table, scenes.workflow(table, share, "{{ steps.share }}"), "share"),
            scenes.group(table, scenes.workflow(table, slow, "{{ steps.sleep }}"), "slow", reads="double"),
            scenes.group(
                table,
                scenes.workflow(table, ask, "{{ steps.ask.decision }}"),
                "asked",
                type="text",
                run_after=["double"],
            ),
        ]
        self._insert()
        self._insert()
        self._insert()

    def go_on(self) -> None:
        """One thing more."""
        always, often, sometimes, seldom = 12, 6, 3, 1
        deeds: dict[Callable[[], None], int] = {
            self._edit: often, self._run: always, self._stop: sometimes, self._act_on_a_run: sometimes,
            self._insert: sometimes, self._upsert: sometimes, self._delete: sometimes, self._answer: often,
            self._delete_where: seldom, self._rename: seldom, self._reorder: seldom, self._convert: seldom,
            self._switch: sometimes, self._switch_all: seldom, self._load: seldom, self._change_workflow: seldom,
        }  # fmt: skip
        (deed,) = self._chance.choices(list(deeds), list(deeds.values()))
        deed()

    def is_over(self) -> bool:
        """Whether nothing is left that may change the table by itself; what waits for a person is seen to."""
        for dispatch in Dispatch.objects.filter(table=self._table, status="paused"):
            self._ask("POST", f"/dispatches/{dispatch.pk}/resume/")
        for approval in Approval.objects.filter(table_id=self._table.pk, status="open"):
            self._ask("POST", f"/approvals/{approval.pk}/", json={"decision": "rejected"})
        return not (
            Change.objects.filter(table=self._table).exists()
            or Dispatch.objects.active().filter(table=self._table).exists()
            or Import.objects.filter(table=self._table, finished_at=None).exists()
        )

    def _ask(self, method: str, path: str, **what: Any) -> None:
        """Some of it cannot be done, as things stand; but nothing may break."""
        answer = self._api.request(method, path, **what)
        assert answer.status_code < 500, answer.text

    def _at(self, path: str) -> str:
        return f"/tables/{self._table.pk}/{path}"

    def _some(self, most: int) -> list[int]:
        rows = list(Row.objects.filter(table=self._table).order_by("pk").values_list("pk", flat=True))
        return self._chance.sample(rows, min(len(rows), self._chance.randint(1, most)))

    def _values(self) -> dict[str, Any]:
        return {"n": self._chance.randint(0, 9), "name": self._chance.choice(["Ann", "Bob", None])}

    def _edit(self) -> None:
        patches = [{"id": row_id, "data": self._values()} for row_id in self._some(3)]
        self._ask("PATCH", self._at("rows/"), json={"rows": patches})

    def _insert(self) -> None:
        if Row.objects.filter(table=self._table).count() < MOST_ROWS:
            below = self._chance.choice([None, *self._some(1)])
            news = [{"data": self._values()} for _ in range(self._chance.randint(1, 4))]
            self._ask("POST", self._at("rows/"), json={"rows": news, "after_row": below})

    def _upsert(self) -> None:
        news = [{"data": self._values()} for _ in range(2)]
        self._ask("POST", self._at("rows/upsert/"), json={"match_on": ["n"], "rows": news})

    def _delete(self) -> None:
        self._ask("DELETE", self._at("rows/"), json={"rows": self._some(2)})

    def _delete_where(self) -> None:
        condition = {"field": "n", "op": "eq", "value": self._chance.randint(0, 9)}
        self._ask("DELETE", self._at("rows/"), json={"filter": condition})

    def _run(self) -> None:
        asked: dict[str, Any] = {"mode": self._chance.choice(["all", "incomplete", "new", "failed", "stale"])}
        asked |= self._chance.choice([{}, {}, {"rows": self._some(5)}, {"limit": {"type": "rows", "max": 3}}])
        asked |= self._chance.choice([{}, {"groups": self._chance.sample([group.pk for group in self._groups], 2)}])
        self._ask("POST", self._at("dispatches/"), json=asked)

    def _stop(self) -> None:
        group = self._chance.choice(self._groups).pk
        part = self._chance.choice([{}, {"rows": self._some(4)}, {"groups": [group]}])
        self._ask("POST", self._at("cancel-runs/"), json=part)

    def _act_on_a_run(self) -> None:
        active = list(Dispatch.objects.active().filter(table=self._table).order_by("pk"))
        if active:
            act = self._chance.choice(["pause", "resume", "cancel"])
            self._ask("POST", f"/dispatches/{self._chance.choice(active).pk}/{act}/")

    def _answer(self) -> None:
        asked = Approval.objects.filter(table_id=self._table.pk, status="open").order_by("pk").first()
        if asked is not None:
            decision = self._chance.choice(["approved", "rejected"])
            self._ask("POST", f"/approvals/{asked.pk}/", json={"decision": decision})

    def _rename(self) -> None:
        self._ask("PATCH", self._at("columns/name/"), json={"name": f"Name {self._chance.randint(0, 9)}"})

    def _reorder(self) -> None:
        self._ask("PUT", self._at("column-order/"), json={"columns": ["n", "name", "double", "slow", "share", "asked"]})

    def _convert(self) -> None:
        self._ask("PATCH", self._at("columns/name/"), json={"type": self._chance.choice(["text", "boolean"])})

    def _switch(self) -> None:
        group = self._chance.choice(self._groups).pk
        self._ask("PATCH", self._at(f"groups/{group}/"), json={"auto_run": self._chance.random() < 0.6})

    def _switch_all(self) -> None:
        self._ask("PATCH", self._at(""), json={"auto_run": self._chance.random() < 0.7})

    def _load(self) -> None:
        self._ask("POST", self._at("imports/"), files={"file": ("more.csv", b"name,n\nEve,3\nDan,8\n", "text/csv")})

    def _change_workflow(self) -> None:
        factor = self._chance.randint(2, 4)
        template = {"id": "double", "type": "template", "config": {"template": f"{{{{ inputs.n * {factor} }}}}"}}
        self._ask("PATCH", f"/workflows/{self._workflow.pk}/", json={"steps": [template]})


@pytest.mark.parametrize("seed", range(STORIES))
def test_who_fetches_what_is_named_ends_with_what_is_there(seed, ada, api, table, crew):
    story, chance = Story(api, table, seed), random.Random(seed)
    mirrors = [Mirror(ada, api, table, Events()), Mirror(ada, api, table, Hints())]
    for _ in range(DEEDS):
        story.go_on()
        for mirror in mirrors:
            if chance.random() < 0.2:
                mirror.cut(NOWHERE if chance.random() < 0.2 else None)
            mirror.hear()
    scenes.until(story.is_over, "everything has come to rest")
    fresh: dict[str, Any] = {}

    def agrees(mirror: Mirror) -> bool:
        mirror.hear()
        fresh.update(fetched(api, table))
        return mirror.state() == fresh

    for mirror in mirrors:
        try:
            scenes.until(lambda mirror=mirror: agrees(mirror), "the mirror agrees", 10)
        except AssertionError:
            assert mirror.state() == fresh  # which says in what it does not
            raise
    assert Group.objects.filter(table=table).count() == 4


def test_a_cursor_is_told_only_when_all_up_to_it_was_told(ada, table, points):
    stream = ada.events(f"table={table.pk}")
    stream.first("stream.open")
    origin = log.position().origin
    points.hold(f"before {LOOK}")
    try:
        marks.schema(table.pk)
        newest = scenes.until(lambda: log.since(origin, table_id=table.pk, most=1), "it is in the log")[-1].id
        scenes.until(lambda: points.reached(f"before {LOOK}"), "the web process has read it")
        beats = len(stream.named("heartbeat"))
        stream.until(lambda: len(stream.named("heartbeat")) > beats + 1, "its heart beats on")
        assert not stream.named("schema.changed")
        assert all(event.number < newest for event in stream.named("heartbeat"))
    finally:
        points.release(f"before {LOOK}")
    assert stream.first("schema.changed").number == newest
    stream.first("heartbeat", lambda beat: beat["cursor"] >= newest)
