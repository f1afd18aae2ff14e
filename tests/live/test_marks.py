"""Every write is told, once, by what it changed; what is rolled back is not. Read in the real log."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from cells import lifecycle as executions
from cells import workers
from cells.models import Approval, Worker
from cells.workflows import versions
from dispatch import cancel as cancelling
from dispatch import caps, lanes, pausing, resume, sweep, tasks, waiting
from dispatch.begin import begin
from dispatch.models import Dispatch, Lane
from tableflow.live import log, marks
from tableflow.live.events import RUNS
from tableflow.live.log import Event
from tableflow.tables import columns, groups, rows, schema, tables
from tableflow.tables.imports import lifecycle as imports
from tableflow.tables.imports import load, upload
from tableflow.tables.models import Import, Row
from tests import hands, scenes, standing

pytestmark = pytest.mark.usefixtures("lasting_redis")

Expected = dict[str, Any]
"""By type: the rows that are named, or "many"; the status of an import; None where nothing more is said."""

Write = Callable[["Scene"], Expected]

_ends = count(10**9)


@pytest.fixture
def db(lasting_database: None) -> None:
    """What a test writes stays until the module's end: it is told of committed writes."""


class Scene:
    """A table of three rows with a column `n`, a text, and a workflow column that doubles `n`."""

    def __init__(self) -> None:
        self.table = scenes.table(3)
        columns.create(self.table, {"name": "Note", "type": "text", "key": "note"})
        self.work = scenes.doubling(self.table)
        self.group = scenes.group(self.table, self.work)
        self.rows = list(Row.objects.filter(table=self.table).order_by("position").values_list("pk", flat=True))

    @property
    def owner(self) -> User:
        """Whoever has the table."""
        return User.objects.get(pk=self.table.owner_id)


@pytest.fixture
def scene(db: None) -> Scene:
    """A scene."""
    return Scene()


@pytest.fixture
def here(db: None) -> Iterator[workers.Registration]:
    """The process of the test, entered among the workers."""
    yield workers.register("here@localhost", ["tableflow"], 4)
    workers.leave()


def told(table_ids: Collection[int], after: int) -> dict[int, list[Event]]:
    """What was told of tables after a cursor, once all that was marked until now has been: this marks one thing more in
    each, and waits for it.
    """
    ends = {table_id: next(_ends) for table_id in table_ids}
    for table_id, end in ends.items():
        marks.figures(table_id, end)
    return {table_id: _until_told(table_id, after, end) for table_id, end in ends.items()}


def _until_told(table_id: int, after: int, end: int) -> list[Event]:
    def found() -> list[Event] | None:
        entries = log.since(after, table_id=table_id, most=1000)
        events = [event for entry in entries for event in entry.events]
        return events if any(end in event.get("dispatches", ()) for event in events) else None

    return [shorn for event in scenes.until(found, "the log has it", 10) if (shorn := _without(event, end))]


def _without(event: Event, end: int) -> Event | None:
    if event["type"] != "cells.changed" or end not in event["dispatches"]:
        return event
    left = {**event, "dispatches": [id_ for id_ in event["dispatches"] if id_ != end]}
    return left if left["rows"] or left["dispatches"] or left["counts"] else None


def told_by_each(writes: Mapping[int, Callable[[], object]]) -> dict[int, list[Event]]:
    """What each write tells of its table, by the table's id."""
    told(writes, log.position().last)
    after = log.position().last
    for write in writes.values():
        write()
    return told(writes, after)


def told_by(table_id: int, write: Callable[[], object]) -> list[Event]:
    """What a write tells of a table."""
    return told_by_each({table_id: write})[table_id]


def gist(events: list[Event]) -> Expected:
    """The events put together, as `Expected`."""
    found: Expected = {}
    for event in events:
        before = found.get(event["type"])
        found[event["type"]] = _joined(before, event.get("rows", event.get("status")))
    return found


def _joined(one: Any, other: Any) -> Any:
    return sorted({*one, *other}) if isinstance(one, list) and isinstance(other, list) else other


def counted(events: list[Event]) -> Counter[str]:
    """How many cells were told to have come to each status."""
    total: Counter[str] = Counter()
    for event in events:
        total.update(event.get("counts", {}))
    return total


def transitions(events: list[Event]) -> list[str]:
    """What became of runs, in order."""
    return [event["type"] for event in events if event["type"] in RUNS]


# Rows, columns, tables and imports: each write gives what it is to be told by


def insert(scene: Scene) -> Expected:
    return {"rows.changed": [row.pk for row in rows.insert(scene.table, [{"n": 7}, {"n": 8}])]}


def insert_many(scene: Scene) -> Expected:
    rows.insert(scene.table, [{"n": 7}] * 201)
    return {"rows.changed": "many"}


def update_one_of_two(scene: Scene) -> Expected:
    rows.update(scene.table, {scene.rows[0]: {"note": "new"}, scene.rows[1]: {"n": 2}})
    return {"rows.changed": [scene.rows[0]]}


def update_to_the_same(scene: Scene) -> Expected:
    rows.update(scene.table, {scene.rows[0]: {"n": 1}})
    return {}


def upsert(scene: Scene) -> Expected:
    written = rows.upsert(scene.table, ["n"], [{"n": 1, "note": "x"}, {"n": 99}])
    return {"rows.changed": sorted([scene.rows[0], written.created[0].pk])}


def delete(scene: Scene) -> Expected:
    rows.delete(scene.table, scene.rows[:2])
    return {"rows.changed": scene.rows[:2]}


def delete_where(scene: Scene) -> Expected:
    rows.delete(scene.table, q=Q(pk=scene.rows[0]))
    return {"rows.changed": "many"}


def delete_nothing(scene: Scene) -> Expected:
    rows.delete(scene.table, q=Q(pk=0))
    return {}


def create_column(scene: Scene) -> Expected:
    columns.create(scene.table, {"name": "More", "type": "text"})
    return {"schema.changed": None}


def rename_column(scene: Scene) -> Expected:
    columns.change(scene.table, "note", {"name": "Notes"})
    return {"schema.changed": None}


def convert_column(scene: Scene) -> Expected:
    columns.change(scene.table, "n", {"type": "text"})
    return {"schema.changed": None, "rows.changed": "many"}


def try_a_conversion(scene: Scene) -> Expected:
    columns.change(scene.table, "n", {"type": "text"}, dry_run=True)
    return {}


def reorder(scene: Scene) -> Expected:
    columns.reorder(scene.table, ["note", *(key for key in schema.load(scene.table.pk).keys if key != "note")])
    return {"schema.changed": None}


def delete_column(scene: Scene) -> Expected:
    columns.delete(scene.table, "note")
    return {"schema.changed": None}


def create_group(scene: Scene) -> Expected:
    outputs = [{"from": "out", "column": "note"}]
    definition = {"workflow": scene.work.pk, "inputs": {"n": "n"}, "outputs": outputs}
    groups.create(scene.table, definition, default_name="Again")
    return {"schema.changed": None}


def change_group(scene: Scene) -> Expected:
    groups.change(scene.table, scene.group.pk, {"concurrency": 3})
    return {"schema.changed": None}


def delete_group(scene: Scene) -> Expected:
    groups.delete(scene.table, scene.group.pk)
    return {"schema.changed": None}


def change_workflow(scene: Scene) -> Expected:
    versions.change(scene.work, user=scene.owner, outputs={"out": "{{ steps.double + 1 }}"})
    return {"schema.changed": None, "cells.changed": "many"}


def rename_workflow(scene: Scene) -> Expected:
    versions.change(scene.work, user=scene.owner, name="other")
    return {"schema.changed": None}


def delete_workflow(scene: Scene) -> Expected:
    versions.delete(scene.work)
    return {"schema.changed": None, "cells.changed": "many"}


def switch(scene: Scene) -> Expected:
    tables.change(scene.table, {"auto_run": not scene.table.auto_run})
    return {"schema.changed": None}


def delete_table(scene: Scene) -> Expected:
    tables.delete(scene.table)
    return {"schema.changed": None}


def receive(scene: Scene) -> Expected:
    received(scene)
    return {"schema.changed": None, "import.changed": "pending"}


def import_rows(scene: Scene) -> Expected:
    source = received(scene)
    load.run(source.pk, source.fence)
    return {"schema.changed": None, "import.changed": "complete", "rows.changed": "many"}


def stop_an_import(scene: Scene) -> Expected:
    source = received(scene)
    load.run(source.pk, source.fence, after_batch=lambda _: imports.cancel(source.pk))
    return {"schema.changed": None, "import.changed": "cancelled", "rows.changed": "many"}


def take_an_import_back(scene: Scene) -> Expected:
    source = received(scene)
    imports.claim(source.pk, source.fence)
    Import.objects.filter(pk=source.pk).update(lease_until=None)
    imports.ring_overdue()
    return {"schema.changed": None, "import.changed": "pending"}


def fail_an_import(scene: Scene) -> Expected:
    source = received(scene)
    imports.fail(source.pk, imports.claim(source.pk, source.fence) or 0, "It cannot be read.")
    return {"schema.changed": None, "import.changed": "failed"}


def received(scene: Scene) -> Import:
    file = io.BytesIO(b"n,city\n1,Rome\n2,Bern\n")
    return upload.receive(file, "cities.csv", user=scene.owner, table=scene.table, ring=False)


WRITES = (
    insert, insert_many, update_one_of_two, update_to_the_same, upsert, delete, delete_where, delete_nothing,
    create_column, rename_column, convert_column, try_a_conversion, reorder, delete_column,
    create_group, change_group, delete_group, change_workflow, rename_workflow, delete_workflow,
    switch, delete_table, receive, import_rows, stop_an_import, take_an_import_back, fail_an_import,
)  # fmt: skip


def test_each_write_is_told_by_what_it_changed(db):
    stages = {write: Scene() for write in WRITES}
    expected: dict[str, Expected] = {}

    def doing(write: Write, scene: Scene) -> Callable[[], None]:
        return lambda: expected.update({write.__name__: write(scene)})

    events = told_by_each({scene.table.pk: doing(write, scene) for write, scene in stages.items()})
    assert {write.__name__: gist(events[scene.table.pk]) for write, scene in stages.items()} == expected


class Undone(Exception):
    """Undoes a transaction."""


def test_what_is_rolled_back_is_not_told(scene):
    def all_in_vain() -> None:
        for write in (*WRITES, lambda scene: begin(scene.table.pk)):
            with suppress(Undone), transaction.atomic():
                write(scene)
                raise Undone

    assert told_by(scene.table.pk, all_in_vain) == []


def test_a_new_table_is_told(db):
    table = tables.create(Scene().owner, "New", definitions=[{"name": "A", "type": "text"}])
    entries = scenes.until(lambda: log.since(log.position().origin, table_id=table.pk, most=10), "it is told", 10)
    assert entries[0].events[0]["type"] == "schema.changed"


# Runs


def test_a_run_is_told_from_its_request_to_its_end_each_transition_once(scene, here):
    user = scene.owner
    begun: list[Dispatch] = []

    def run() -> None:
        begun.append(begin(scene.table.pk, mode="all", user=user))
        waiting.count_total(begun[0].pk)
        draw(begun[0])

    events = told_by(scene.table.pk, run)
    assert transitions(events) == ["dispatch.requested", "dispatch.started", "dispatch.completed"]
    said = {"dispatch": begun[0].pk, "mode": "all", "is_manual": True, "groups": [scene.group.pk]}
    said["requested_by"] = user.get_username()
    told_of_it = [event for event in events if event["type"] in RUNS]
    assert all(said.items() <= event.items() for event in told_of_it)
    assert [event["status"] for event in told_of_it] == ["pending", "dispatching", "complete"]
    assert counted(events) == {"pending": 3, "running": 3, "completed": 3}
    changes = [event for event in events if event["type"] == "cells.changed"]
    assert all(event["dispatches"] == [begun[0].pk] for event in changes)
    assert changes[0]["rows"] == "many"  # all that lies in its scope


def test_a_turn_of_a_draw_names_its_rows(scene, here):
    dispatch = begin(scene.table.pk, rows=scene.rows[:2])
    events = told_by(scene.table.pk, lambda: draw(dispatch))
    assert gist(events)["cells.changed"] == scene.rows[:2]


def test_a_cascade_tells_what_is_queued_and_what_joins(scene, here):
    scenes.group(scene.table, scene.work, "twice", reads="out", run_after=["out"])
    scenes.group(scene.table, scene.work, "beside")
    events = told_by(scene.table.pk, lambda: draw(begin(scene.table.pk)))
    assert counted(events) == {"pending": 6, "queued": 3, "running": 9, "completed": 9}


def test_pausing_resuming_and_stopping_are_told_once_however_often_they_are_asked_for(scene):
    dispatch = begin(scene.table.pk, mode="new")
    worker = hands.worker("stopper")
    hands.admit(dispatch)
    hands.claim(worker, dispatch, 1)

    def act() -> None:
        for verb in (pausing.pause_dispatch, pausing.resume_dispatch, cancelling.cancel_dispatch):
            verb(dispatch.pk)
            verb(dispatch.pk)

    events = told_by(scene.table.pk, act)
    assert transitions(events) == ["dispatch.paused", "dispatch.resumed", "dispatch.cancelled"]
    told_of_it = [event for event in events if event["type"] in RUNS]
    assert [event["status"] for event in told_of_it] == ["paused", "dispatching", "cancelled"]
    assert [event.get("because") for event in told_of_it] == ["Paused.", None, None]
    assert counted(events) == {"cancelled": 3}
    worker.delete()


def test_a_stop_of_a_part_a_new_total_and_new_caps_are_told(scene):
    dispatch = begin(scene.table.pk)
    hands.admit(dispatch)
    part = told_by(scene.table.pk, lambda: cancelling.cancel_runs(scene.table.pk, rows=scene.rows[:1]))
    assert gist(part) == {"cells.changed": scene.rows[:1]}
    assert counted(part) == {"cancelled": 1}
    for write in (lambda: waiting.count_total(dispatch.pk), lambda: caps.change(dispatch.pk, {"errors": 5})):
        (event,) = told_by(scene.table.pk, write)
        assert (event["type"], event["rows"], event["dispatches"]) == ("cells.changed", [], [dispatch.pk])


def test_an_automatic_run_has_nobody_that_asked_for_it(scene):
    groups.change(scene.table, scene.group.pk, {"auto_run": True})
    tables.change(scene.table, {"auto_run": True})

    def write() -> None:
        rows.insert(scene.table, [{"n": 5}])
        tasks.gather()

    events = told_by(scene.table.pk, write)
    (requested,) = [event for event in events if event["type"] == "dispatch.requested"]
    assert (requested["is_manual"], requested["requested_by"], requested["mode"]) == (False, None, "new")
    cancelling.cancel_runs(scene.table.pk)


# Questions


@pytest.fixture
def asking(db: None) -> Scene:
    """A scene whose workflow column asks somebody."""
    made = Scene()
    ask = [{"id": "ask", "type": "approval", "config": {"prompt": "Yes?"}}]
    scenes.group(made.table, scenes.workflow(made.table, ask, "{{ steps.ask.decision }}"), "answer", type="text")
    return made


def test_questions_are_told_when_they_are_asked_answered_and_withdrawn(asking, here):
    dispatch = begin(asking.table.pk, groups=[asking.table.groups.get(name="answer").pk])
    events = told_by(asking.table.pk, lambda: draw(dispatch))
    assert gist(events).get("approvals.changed") == asking.rows, events
    assert counted(events) == {"pending": 3, "running": 3, "paused": 3}

    first, second, third = Approval.objects.filter(table_id=asking.table.pk).order_by("row_id")
    events = told_by(asking.table.pk, lambda: resume.answer(first, asking.owner, "approved", None))
    assert gist(events) == {"approvals.changed": [first.row_id], "cells.changed": [first.row_id]}
    assert counted(events) == {"pending": 1}
    assert told_by(asking.table.pk, lambda: resume.answer(first, asking.owner, "approved", None)) == []

    events = told_by(asking.table.pk, lambda: rows.update(asking.table, {second.row_id: {"n": 50}}))
    named = [second.row_id]
    assert gist(events) == {"approvals.changed": named, "cells.changed": named, "rows.changed": named}

    events = told_by(asking.table.pk, lambda: cancelling.cancel_dispatch(dispatch.pk))
    assert gist(events)["approvals.changed"] == [third.row_id]
    assert counted(events) == {"cancelled": 3}


def test_questions_that_expire_are_told(scene):
    dispatch, worker = begin(scene.table.pk), hands.worker("asker")
    standing.pause(dispatch, worker, "approval", standing.long_ago())
    events = told_by(scene.table.pk, resume.resume_due)
    assert gist(events) == {"approvals.changed": scene.rows, "cells.changed": scene.rows}
    assert counted(events) == {"pending": 3}
    worker.delete()


# Workers


def test_workers_are_told_as_they_come_drain_and_leave(db):
    def life() -> None:
        registration = workers.register("life@localhost", ["draws"], 4)
        worker = workers.known(registration.identity.name)
        for _ in range(2):
            workers.ask_to_end(worker)
        workers.leave()

    assert of_workers(told_by(marks.NOWHERE, life)) == [("life", "online"), ("life", "draining"), ("life", "offline")]


def test_a_worker_that_drains_by_itself_is_told_once(here):
    registration = workers.here()

    def drain() -> None:
        workers.drain()
        row = Worker.objects.filter(pk=registration.identity.id, status="draining")
        scenes.until(row.exists, "its heartbeat says so")
        beat = row.get().heartbeat_at
        scenes.until(row.filter(heartbeat_at__gt=beat).exists, "it beats again")

    assert of_workers(told_by(marks.NOWHERE, drain)) == [("here", "draining")]


def test_a_lost_worker_is_told_with_the_cells_of_its_tables(scene):
    dispatch, worker = begin(scene.table.pk), hands.worker("lost@localhost")
    hands.admit(dispatch)
    assert len(hands.claim(worker, dispatch)) == 3
    Worker.objects.filter(pk=worker.pk).update(busy={str(scene.table.pk): 3})
    hands.lapse(worker)
    events = told_by_each({scene.table.pk: sweep.sweep, marks.NOWHERE: lambda: workers.forget(worker.name)})
    assert gist(events[scene.table.pk]) == {"cells.changed": "many"}
    assert counted(events[scene.table.pk]) == {"pending": 3}
    assert of_workers(events[marks.NOWHERE]) == [("lost", "lost"), ("lost", "offline")]
    cancelling.cancel_dispatch(dispatch.pk)


def test_workers_that_were_lost_long_ago_or_ended_with_their_machine_are_told_to_be_gone(db):
    old, ended = hands.worker("old@localhost"), hands.worker("ended@localhost")
    Worker.objects.filter(pk=old.pk).update(status="lost", heartbeat_at=standing.long_ago() - timedelta(days=2))
    Worker.objects.filter(pk=ended.pk).update(host="there", pid=7)

    def forget() -> None:
        workers.prune()
        workers.forget_ended("there", lambda _: False)

    assert of_workers(told_by(marks.NOWHERE, forget)) == [("old", "offline"), ("ended", "offline")]


def test_what_a_worker_hands_back_is_told(scene):
    dispatch, worker = begin(scene.table.pk), hands.worker("leaver")
    hands.admit(dispatch)
    (claimed,) = hands.claim(worker, dispatch, 1)
    events = told_by(scene.table.pk, lambda: executions.release(worker.pk, [claimed.lead.window_id]))
    assert gist(events) == {"cells.changed": [claimed.lead.row_id]}
    assert counted(events) == {"pending": 1}
    worker.delete()
    cancelling.cancel_dispatch(dispatch.pk)


def of_workers(events: list[Event]) -> list[tuple[str, str]]:
    """Which worker became what."""
    return [(event["worker"].partition("@")[0], event["type"].removeprefix("worker.")) for event in events]


def draw(dispatch: Dispatch) -> None:
    """Run a dispatch here, from its first link to the end of what it can do."""
    for lane in Lane.objects.filter(dispatch=dispatch).order_by("number"):
        link = lanes.advance(lane.pk, lane.fence)
        while link is not None:
            for _ in range(link.tasks):
                tasks.draw(link.lane_id, link.fence)
            link = lanes.advance(link.lane_id, link.fence)
