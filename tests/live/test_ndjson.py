"""The stream of events for programs: its lines, its filters, its places, and what a slow or a late client is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from django.contrib.auth.models import User

from cells import workers
from tableflow.live import log, marks
from tableflow.live.dirt import Dirt
from tableflow.tables.models import Member, Table
from tests import hands, scenes
from tests.factories import TableFactory
from tests.live.streams import Stream

SOON = 2.0
UNTOLD = {"stream.open", "heartbeat", "stream.reset", "stream.closing"}


@pytest.fixture
def db(lasting_database):
    """What a test writes stays until the module's end."""


def told(stream: Stream) -> list[dict[str, Any]]:
    """The events of a stream without what it says of itself."""
    return [event.data for event in list(stream.events) if event.name not in UNTOLD]


def mark_all(table: Table, dispatch: int) -> None:
    """Mark one thing of each kind in a table, a completed run last."""
    marks.schema(table.pk)
    marks.imported(table.pk, 8, "running")
    marks.rows(table.pk, [3, 1])
    marks.cells(table.pk, [1, 2], {"completed": 1, "error": 1}, dispatch_id=dispatch)
    marks.approvals(table.pk, [4])
    marks.run(table.pk, dispatch, "started", mode="all", is_manual=True, status="dispatching")
    marks.run(table.pk, dispatch, "completed", mode="all", is_manual=True, status="complete")


def completed(dispatch: int) -> Callable[[Any], bool]:
    """Whether an event says that this dispatch is complete."""
    return lambda event: event["type"] == "dispatch.completed" and event["dispatch"] == dispatch


def until_told(stream: Stream, dispatch: int) -> None:
    """Wait until the stream has told that this dispatch is complete."""
    stream.first("dispatch.completed", completed(dispatch))


def test_a_stream_opens_at_once_with_its_cursor_and_nothing_on_the_way_may_keep_it_back(ada):
    stream = ada.events()
    assert stream.status == 200
    opening = stream.first("stream.open", seconds=SOON)
    assert stream.events[0] is opening
    assert opening.data["cursor"] <= log.position().last
    assert stream.headers["content-type"].startswith("application/x-ndjson")
    assert stream.headers["x-accel-buffering"] == "no"
    assert {"no-transform"} <= {word.strip() for word in stream.headers["cache-control"].split(",")}
    assert not {"content-length", "content-encoding"} & stream.headers.keys()


def test_an_event_bears_its_table_its_time_and_all_that_filters_ask_for(ada, table):
    stream = ada.events(f"table={table.pk}")
    before = datetime.now(UTC)
    mark_all(table, 7)
    until_told(stream, 7)
    by_type = {event["type"]: event for event in told(stream)}
    for event in by_type.values():
        assert (event["table"], event["table_name"]) == (table.pk, table.name)
        assert isinstance(event["id"], int)
        assert isinstance(event["rev"], int)
        assert abs(datetime.fromisoformat(event["ts"]) - before) < timedelta(seconds=10)
    assert by_type["rows.changed"]["rows"] == [1, 3]
    assert by_type["approvals.changed"]["rows"] == [4]
    cells = by_type["cells.changed"]
    assert (cells["rows"], cells["counts"]) == ([1, 2], {"completed": 1, "error": 1})
    assert (cells["dispatch"], cells["dispatches"]) == (7, [7])
    assert (by_type["import.changed"]["import"], by_type["import.changed"]["status"]) == (8, "running")
    started = by_type["dispatch.started"]
    assert (started["dispatch"], started["mode"], started["is_manual"]) == (7, "all", True)


def test_a_worker_is_told_of_to_everybody_and_belongs_to_no_table(ada):
    stream = ada.events("type=worker.online")
    marks.worker("w@here.1", "online")
    event = stream.first("worker.online").data
    assert (event["worker"], event["table"], event["table_name"]) == ("w@here.1", None, None)


def test_filters_let_through_exactly_what_they_name_in_the_order_of_all(ada, table):
    other = TableFactory.create(owner=ada.user)
    everything = ada.events()
    filtered: dict[str, tuple[Stream, Callable[[Any], bool]]] = {
        query: (ada.events(query), fits)
        for query, fits in {
            f"table={table.pk}": lambda event: event["table"] == table.pk,
            "type=rows.changed": lambda event: event["type"] == "rows.changed",
            "type=cells.changed,schema.changed": lambda e: e["type"] in ("cells.changed", "schema.changed"),
            "type=dispatch.started&type=dispatch.completed": lambda e: e["type"].startswith("dispatch."),
            "type=dispatch.*": lambda event: event["type"].startswith("dispatch."),
            f"table={other.pk}&type=dispatch.completed": lambda event: (
                event["table"] == other.pk and event["type"] == "dispatch.completed"
            ),
        }.items()
    }
    for dispatch in range(1, 6):
        mark_all(table, dispatch)
        until_told(everything, dispatch)
        mark_all(other, dispatch + 10)
        until_told(everything, dispatch + 10)
    events = told(everything)
    ids = [event["id"] for event in events]
    assert all(one < later for one, later in itertools.pairwise(ids))
    assert len(events) == 10 * 7
    for query, (stream, fits) in filtered.items():
        wanted = [event for event in events if fits(event)]
        stream.until(lambda stream=stream, wanted=wanted: len(told(stream)) >= len(wanted), f"{query} has all")
        assert told(stream) == wanted, query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("table=x", "table"),
        ("table=-1", "table"),
        ("type=cells", "type"),
        ("type=rows.changed,nothing", "type"),
        ("after=soon", "after"),
        ("after=-5", "after"),
        ("after=99999999999999999999", "after"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_by_name(ada, query, field):
    answer = ada.ask("GET", f"/stream/events?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == field


def test_nobody_listens_without_a_token_or_to_a_table_that_they_may_not_see(ada, someone, table):
    assert ada.listener.open("/api/v1/stream/events", Authorization="").status == 401
    assert someone().events(f"table={table.pk}").status == 404
    assert ada.events("table=999999999").status == 404


def test_events_of_tables_that_somebody_may_not_see_are_not_told_and_those_of_new_ones_are(ada, someone, table):
    stream, stranger = ada.events(), someone()
    theirs = TableFactory.create(owner=stranger.user)
    mark_all(theirs, 21)
    mark_all(table, 22)
    until_told(stream, 22)
    assert {event["table"] for event in told(stream)} == {table.pk}
    Member.objects.create(table=theirs, user=ada.user)
    fresh = TableFactory.create(owner=ada.user)
    for dispatch in itertools.count(30):
        mark_all(theirs, dispatch)
        mark_all(fresh, dispatch)
        if {theirs.pk, fresh.pk} <= {event["table"] for event in told(stream)}:
            break
        stream.first("heartbeat", after=len(stream.events))


def test_who_comes_back_with_a_cursor_gets_all_since_then_once_and_in_order(ada, table):
    first = ada.events(f"table={table.pk}")
    mark_all(table, 1)
    until_told(first, 1)
    for dispatch in range(2, 6):
        mark_all(table, dispatch)
    until_told(first, 5)
    events = told(first)
    for place in (0, 3, 6, len(events) - 1):
        again = ada.events(f"table={table.pk}&after={events[place]['id']}")
        mark_all(table, 100 + place)
        until_told(again, 100 + place)
        since = [event for event in told(again) if event["id"] <= events[-1]["id"]]
        assert since == events[place + 1 :]
        ids = [event["id"] for event in told(again)]
        assert ids == sorted(set(ids))
        assert not again.named("stream.reset")


def test_what_is_told_while_a_stream_opens_is_seen_once(ada, table):
    everything = ada.events(f"table={table.pk}&type=dispatch.*")
    cursor = everything.first("stream.open").data["cursor"]
    opened = []
    for dispatch in range(1, 30):
        marks.run(table.pk, dispatch, "started")
        opened.append(ada.events(f"table={table.pk}&type=dispatch.*&after={cursor}"))
    marks.run(table.pk, 30, "completed")
    until_told(everything, 30)
    for stream in opened:
        until_told(stream, 30)
        assert [event["dispatch"] for event in told(stream)] == list(range(1, 31))


def test_a_cursor_that_is_no_place_in_the_log_gives_a_reset_and_the_place_to_go_on_from(ada, table):
    for after in ("1", str(log.position().last + 10**12)):
        stream = ada.events(f"table={table.pk}&after={after}")
        reset = stream.first("stream.reset", seconds=SOON)
        assert reset.data["reason"]
        assert [event.name for event in stream.events[:2]] == ["stream.open", "stream.reset"]
        marks.run(table.pk, 2, "completed")
        until_told(stream, 2)
        assert len(stream.named("stream.reset")) == 1
        again = ada.events(f"table={table.pk}&after={reset.data['cursor']}")
        until_told(again, 2)
        assert not again.named("stream.reset")


def test_heartbeats_come_and_bring_the_cursor_on_past_what_filters_left_out(ada, table):
    stream = ada.events(f"table={table.pk}&type=import.changed")
    one = stream.first("heartbeat")
    marks.rows(table.pk, [1])
    scenes.until(lambda: log.position().last > one.data["cursor"], "the log has it")
    last = log.position().last
    beat = stream.first("heartbeat", lambda data: data["cursor"] >= last)
    assert not told(stream)
    again = ada.events(f"table={table.pk}&type=import.changed&after={beat.data['cursor']}")
    again.first("heartbeat")
    assert not again.named("stream.reset")


def test_a_reader_that_stops_takes_no_memory_and_is_told_once_to_begin_anew(ada, web, table):
    """15 MB are told, ten times what a socket takes."""
    reading, stopped = ada.events(f"table={table.pk}"), ada.events(f"table={table.pk}", buffer=4096)
    stopped.first("stream.open")
    stopped.stop_reading()
    before = psutil.Process(web.part.pid).memory_info().rss
    note = "x" * 10_000
    dispatches = itertools.count(1)
    for _ in range(15):
        for dispatch in itertools.islice(dispatches, 100):
            marks.run(table.pk, dispatch, "started", note=note)
        reading.first("dispatch.started", lambda data, dispatch=dispatch: data["dispatch"] == dispatch)
    grown = psutil.Process(web.part.pid).memory_info().rss - before
    assert grown < 30_000_000
    stopped.go_on_reading()
    reset = stopped.first("stream.reset")
    marks.run(table.pk, 0, "completed")
    until_told(stopped, 0)
    assert reset.data["reason"] == "overflow"
    assert len(stopped.named("stream.reset")) == 1
    assert len(told(stopped)) < 1501
    ids = [event["id"] for event in told(stopped)]
    assert ids == sorted(set(ids))
    assert [event["dispatch"] for event in told(reading)][:1500] == list(range(1, 1501))
    assert not reading.named("stream.reset")


def test_what_a_process_marked_and_did_not_live_to_flush_is_told_all_the_same(ada, table):
    stream = ada.events(f"table={table.pk}")
    while log.mark({table.pk: Dirt(rows={1})}) is None:
        pass
    log.mark({table.pk: Dirt(rows={2})})
    stream.first("rows.changed", lambda data: 2 in data["rows"], seconds=5)


def test_a_stream_ends_when_its_token_is_revoked_and_when_its_table_is_deleted(ada, someone, table):
    of_table = ada.events(f"table={table.pk}")
    of_all = ada.events()
    assert ada.ask("DELETE", f"/tables/{table.pk}/").status_code == 204
    of_table.until_ended(5)
    assert of_table.events[-1].name == "stream.closing"
    assert of_table.events[-1].data["reason"] == "revoked"
    assert not of_all.ended
    ada.user.auth_token_set.all().delete()
    of_all.until_ended(5)
    assert of_all.events[-1].data["reason"] == "revoked"


def test_a_person_has_so_many_streams_and_another_one_none_the_less(ada, someone):
    streams = ada.listener.open_many(60, "/api/v1/stream/events")
    assert {stream.status for stream in streams} == {200}
    refused = ada.ask("GET", "/stream/events")
    assert refused.status_code == 429
    assert "60" in refused.json()["errors"][0]["detail"]
    assert someone().events().status == 200
    streams[0].close()
    scenes.until(lambda: ada.events().status == 200, "a place has come free")


def test_everything_that_happens_is_told(ada, company):
    """A real story: a table is made, filled, imported into and run; a worker comes, is stopped, and one is lost."""
    everything = ada.events()
    company.workers(1)
    everything.first("worker.online")
    made = ada.ask("POST", "/tables/", json={"name": "Story", "columns": [{"name": "N", "type": "number"}]}).json()
    everything.first("schema.changed", lambda data: data["table"] == made["id"] and data["table_name"] == "Story")
    table = Table.objects.get(pk=made["id"])
    only = ada.events(f"table={table.pk}")
    rows = ada.ask("POST", f"/tables/{table.pk}/rows/", json={"rows": [{"data": {"n": n}} for n in range(1, 21)]})
    assert rows.status_code == 201, rows.text
    only.first("rows.changed")
    files = {"file": ("more.csv", b"n\n21\n22\n")}
    imported = ada.ask("POST", f"/tables/{table.pk}/imports/", files=files, data={"mode": "append"})
    assert imported.status_code == 202, imported.text
    only.first("import.changed", lambda data: data["status"] == "complete")
    group = scenes.group(table, scenes.doubling(table))
    dispatch = ada.ask("POST", f"/tables/{table.pk}/dispatches/", json={"mode": "all"}).json()
    only.first("dispatch.completed", lambda data: data["dispatch"] == dispatch["id"], seconds=30)
    runs = [event for event in told(only) if event["type"].startswith("dispatch.")]
    assert [event["type"] for event in runs] == ["dispatch.requested", "dispatch.started", "dispatch.completed"]
    for event in runs:
        assert (event["dispatch"], event["mode"], event["is_manual"]) == (dispatch["id"], "all", True)
    cells = [event for event in told(only) if event["type"] == "cells.changed"]
    assert sum(event["counts"].get("completed", 0) for event in cells) == 22
    named = {row for event in cells if event["rows"] != "many" for row in event["rows"]}
    # A run that ends within one flush is told together with its beginning, which may concern any row.
    assert named == set(table.rows.values_list("pk", flat=True)) or any(event["rows"] == "many" for event in cells)
    assert scenes.statuses(group) == {"completed": 22}
    name = workers.Worker.objects.get(status="active").name
    User.objects.filter(pk=ada.user.pk).update(is_staff=True)
    assert ada.ask("POST", f"/workers/{name}/stop/").is_success
    everything.first("worker.draining", lambda data: data["worker"] == name)
    everything.first("worker.offline", lambda data: data["worker"] == name)
    hands.lapse(hands.worker("frozen"))
    workers.lapse()
    everything.first("worker.lost", lambda data: data["worker"] == "frozen")
