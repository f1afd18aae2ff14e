"""The hints of a table and the wake-ups of lists, as a browser gets them, and when their streams end."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from tableflow.live import flusher, log, marks
from tableflow.live.dirt import Dirt
from tableflow.tables.models import Member, Table
from tests import scenes
from tests.conftest import Web
from tests.factories import TableFactory
from tests.live.conftest import Person, bearer
from tests.live.streams import Event, Listener, Stream, listening

SOON = 2.0
KEEP_ALIVE_SECONDS = 30.0
HINTS = ("schema-changed", "import-changed", "rows-changed", "approvals-changed", "run-changed")


@pytest.fixture
def db(lasting_database):
    """What a test writes stays until the module's end."""


def hinted(stream: Stream) -> list[Event]:
    """The hints of a stream without what it says of itself."""
    return stream.named(*HINTS)


def mark_all(table: Table, dispatch: int) -> None:
    """Mark one thing of each kind in a table, a completed run last."""
    flusher.take(
        table.pk,
        Dirt(
            schema=True,
            imports={8: "running"},
            rows={3, 1},
            cells={1, 2},
            counts={"completed": 2},
            dispatches={dispatch},
            approvals={4},
            transitions=[orjson.dumps({"type": "dispatch.completed", "dispatch": dispatch})],
        ),
    )


def until_told(stream: Stream, dispatch: int) -> Event:
    """Wait until the stream has told that something became of this dispatch."""
    return stream.first("run-changed", lambda data: dispatch in data["dispatches"])


def numbers(events: list[Event]) -> list[int]:
    """Their ids."""
    return [event.number for event in events]


class Visitor:
    """Somebody who has logged in with a browser."""

    def __init__(self, user: User, listener: Listener, client: Client) -> None:
        self.user = user
        self.client = client
        self.listener = listener


@pytest.fixture
def visitor(db: None, web: Web, ada: Person) -> Iterator[Visitor]:
    """Ada at a browser."""
    client = Client()
    client.force_login(ada.user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    with listening(web.url, {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}) as listener:
        yield Visitor(ada.user, listener, client)


@pytest.fixture(scope="module")
def quiet(web: Web, lasting_database: None, django_db_setup: None) -> Iterator[Stream]:
    """A stream on which nothing happens, opened before the module's first test."""
    table = TableFactory.create()
    with listening(web.url, bearer(table.owner)) as listener:
        yield listener.open(f"/api/v1/tables/{table.pk}/events/")


def test_a_stream_opens_at_once_and_nothing_on_the_way_may_keep_it_back(quiet, ada, table):
    stream = ada.hints(table)
    assert stream.status == 200
    stream.first("stream-open", seconds=SOON)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["x-accel-buffering"] == "no"
    assert "no-transform" in stream.headers["cache-control"]
    assert not {"content-length", "content-encoding"} & stream.headers.keys()


def test_who_may_not_listen_is_told_so_before_a_stream_begins(ada, someone, table):
    path = f"/api/v1/tables/{table.pk}/events/"
    for refused, status in (
        (ada.listener.open(path, Authorization=""), 401),
        (ada.listener.open(path, Authorization="Bearer nonsense"), 401),
        (someone().listener.open(path), 404),
        (ada.listener.open("/api/v1/tables/999999999/events/"), 404),
    ):
        assert (refused.status, refused.ended) == (status, True)
        assert '"errors"' in refused.text
    viewer = someone()
    Member.objects.create(table=table, user=viewer.user)
    assert viewer.hints(table).status == 200
    assert ada.ask("POST", f"/tables/{table.pk}/events/").status_code == 405


def test_hints_say_what_may_look_different_and_never_how(ada, table):
    stream = ada.hints(table)
    mark_all(table, 7)
    until_told(stream, 7)
    hints = {event.name: event for event in hinted(stream)}
    assert set(hints) == set(HINTS)
    for event in hints.values():
        assert event.data["cursor"] == event.number
        assert isinstance(event.data["rev"], int)
        assert event.data.keys() <= {"cursor", "rev", "rows", "dispatches", "edited", "runs", "imports"}
    assert hints["rows-changed"].data["rows"] == [1, 2, 3]
    assert hints["approvals-changed"].data["rows"] == [4]
    assert hints["run-changed"].data["runs"] == [{"dispatch": 7, "type": "dispatch.completed"}]
    assert hints["import-changed"].data["imports"] == [{"import": 8, "status": "running"}]
    ids = numbers(hinted(stream))
    assert ids == sorted(set(ids))


def test_another_tables_hints_are_not_told(ada, table):
    stream = ada.hints(table)
    mark_all(TableFactory.create(owner=ada.user), 1)
    mark_all(table, 2)
    until_told(stream, 2)
    assert [event.data["dispatches"] for event in stream.named("run-changed")] == [[2]]


def test_a_thousand_changes_in_a_second_are_a_few_hints_and_the_last_is_among_them(ada, table):
    stream = ada.hints(table)
    for row in range(1, 1001):
        marks.cells(table.pk, [row], {"completed": 1})
    marks.run(table.pk, 1, "completed")
    last = until_told(stream, 1)
    hints = stream.named("rows-changed")
    seconds = last.at - hints[0].at
    assert len(hints) <= 5 * (seconds + 1)


@pytest.mark.parametrize("way", ["header", "query"])
def test_who_comes_back_with_the_last_id_gets_the_rest_in_order(ada, table, way):
    first = ada.hints(table)
    for dispatch in range(1, 4):
        mark_all(table, dispatch)
        until_told(first, dispatch)
    events = hinted(first)
    for place in (0, 2, 4, 7, len(events) - 1):
        said = events[place].id
        again = ada.hints(table, last_event_id=said) if way == "header" else ada.hints(table, f"lastEventId={said}")
        mark_all(table, 100 + place)
        until_told(again, 100 + place)
        upto = events[-1].number
        since = [(e.name, e.data) for e in hinted(again) if e.number <= upto]
        assert since == [(e.name, e.data) for e in events[place + 1 :]]
        assert not again.named("stream-reset")
        ids = numbers(hinted(again))
        assert ids == sorted(set(ids))


def test_who_is_cut_off_before_the_first_hint_loses_none(ada, table):
    stream = ada.hints(table)
    stream.first("stream-open")
    opening = stream.last_id
    assert opening
    stream.close()
    mark_all(table, 1)
    again = ada.hints(table, last_event_id=opening)
    until_told(again, 1)
    assert {event.name for event in hinted(again)} == set(HINTS)


def test_what_is_told_while_a_stream_opens_is_seen(ada, table):
    opened: list[Stream] = []
    for dispatch in range(1, 21):
        opened.append(ada.hints(table))
        marks.run(table.pk, dispatch, "completed")
    for place, stream in enumerate(opened):
        until_told(stream, 20)
        seen = {one for event in stream.named("run-changed") for one in event.data["dispatches"]}
        assert set(range(place + 1, 21)) <= seen


@pytest.mark.parametrize("place", ["1", "table-0:5", "99999999999999999", "nonsense", "-7", "9" * 40, "error"])
def test_a_last_id_that_is_no_place_in_the_log_gives_one_reset_and_an_id_to_go_on_from(ada, table, place):
    stream = ada.hints(table, last_event_id=place)
    reset = stream.first("stream-reset", seconds=SOON)
    assert not hinted(stream)
    mark_all(table, 2)
    until_told(stream, 2)
    assert len(stream.named("stream-reset")) == 1
    again = ada.hints(table, last_event_id=reset.id)
    until_told(again, 2)
    assert not again.named("stream-reset")
    assert {event.name for event in hinted(again)} == set(HINTS)


def test_a_pruned_id_gives_a_reset(ada, table):
    stream = ada.hints(table)
    mark_all(table, 1)
    old = until_told(stream, 1)
    mark_all(table, 2)
    until_told(stream, 2)
    log.client().set(f"{log.stream_of(table.pk)}:floor", old.number + 1)
    ada.hints(table, last_event_id=old.id).first("stream-reset")
    assert not stream.named("stream-reset")


def test_a_log_that_is_emptied_resets_open_streams_which_go_on(ada, table, lasting_redis):
    stream, events = ada.hints(table), ada.events(f"table={table.pk}")
    mark_all(table, 1)
    until_told(stream, 1)
    lasting_redis.flushall()
    stream.first("stream-reset")
    events.first("stream.reset")
    mark_all(table, 2)
    told = until_told(stream, 2)
    events.first("dispatch.completed", lambda data: data["dispatch"] == 2)
    assert told.number > stream.named("stream-reset")[0].number
    assert len(events.named("stream.reset")) == len(stream.named("stream-reset")) == 1


def test_a_log_that_is_emptied_and_written_to_at_once_resets_before_it_goes_on(ada, table, lasting_redis):
    stream, events = ada.hints(table), ada.events(f"table={table.pk}")
    mark_all(table, 1)
    until_told(stream, 1)
    lasting_redis.flushall()
    mark_all(table, 2)
    until_told(stream, 2)
    events.first("dispatch.completed", lambda data: data["dispatch"] == 2)
    for told, reset in ((stream, "stream-reset"), (events, "stream.reset")):
        numbers = [event.number for event in told.named(reset, "run-changed", "dispatch.completed")]
        assert told.named(reset)
        assert numbers == sorted(numbers)


def test_a_head_of_a_stream_is_no_stream(ada, table):
    for path in (f"/tables/{table.pk}/events/", "/stream/events"):
        assert ada.ask("HEAD", path).status_code == 405


def test_a_stream_ends_soon_after_its_visitor_has_logged_out(visitor, table):
    stream = visitor.listener.open(f"/api/v1/tables/{table.pk}/events/")
    lists = visitor.listener.open("/ui/sse/dispatches")
    assert (stream.status, lists.status) == (200, 200)
    assert visitor.client.post("/logout/").status_code == 302
    stream.until_ended(5)
    lists.until_ended(5)
    assert visitor.listener.open(f"/api/v1/tables/{table.pk}/events/").status == 401


def test_a_stream_ends_soon_after_its_holder_may_not_see_the_table_any_more(ada, someone, table):
    viewer = someone()
    member = Member.objects.create(table=table, user=viewer.user)
    theirs, mine = viewer.hints(table), ada.hints(table)
    member.delete()
    theirs.until_ended(5)
    mark_all(table, 1)
    until_told(mine, 1)
    assert not theirs.named("run-changed")
    assert viewer.hints(table).status == 404
    assert ada.ask("DELETE", f"/tables/{table.pk}/").is_success
    mine.until_ended(5)
    assert ada.hints(table).status == 404


def test_a_stream_ends_soon_after_its_holder_was_barred(visitor, ada, table):
    by_session = visitor.listener.open(f"/api/v1/tables/{table.pk}/events/")
    by_token = ada.hints(table)
    User.objects.filter(pk=ada.user.pk).update(is_active=False)
    by_session.until_ended(5)
    by_token.until_ended(5)


def test_a_person_has_so_many_streams_of_all_kinds_together(ada, someone, table):
    streams = ada.listener.open_many(59, f"/api/v1/tables/{table.pk}/events/")
    assert {stream.status for stream in streams} == {200}
    assert ada.events().status == 200
    assert ada.hints(table).status == ada.events().status == 429
    assert ada.ask("GET", f"/tables/{table.pk}/").status_code == 200
    streams[0].close()
    scenes.until(lambda: ada.hints(table).status == 200, "a place has come free")


class TestLists:
    """The streams of live lists."""

    def test_one_wake_up_comes_at_once_and_a_burst_is_one_with_the_last_change_behind_it(self, ada, table):
        stream = ada.listener.open("/ui/sse/dispatches")
        stream.first("dispatches-changed", seconds=SOON)
        told = ada.events("type=dispatch.started")
        for dispatch in range(1, 51):
            marks.run(table.pk, dispatch, "started")
        told.first("dispatch.started", lambda data: data["dispatch"] == 50)
        stream.until(lambda: len(stream.named("dispatches-changed")) > 1, "it wakes")
        assert len(stream.named("dispatches-changed")) <= 4
        assert {event.data for event in stream.events} == {""}

    def test_a_list_wakes_for_what_it_shows_only(self, ada, someone, table):
        runs, one, workers = (
            ada.listener.open(f"/ui/sse/{path}") for path in ("dispatches", "dispatches?dispatch=5", "workers")
        )
        stranger = someone()
        marks.run(TableFactory.create(owner=stranger.user).pk, 5, "started")
        marks.rows(table.pk, [1])
        marks.worker("w@here.1", "online")
        workers.until(lambda: len(workers.named("workers-changed")) == 2, "workers wake")
        assert (len(runs.events), len(one.events)) == (1, 1)
        marks.run(table.pk, 4, "started")
        runs.until(lambda: len(runs.named("dispatches-changed")) == 2, "all runs wake")
        assert len(one.events) == 1
        marks.cells(table.pk, [1], {"completed": 1}, dispatch_id=5)
        one.until(lambda: len(one.named("dispatches-changed")) == 2, "the one run wakes")
        assert len(workers.named("workers-changed")) == 2

    def test_who_is_nobody_gets_none(self, ada):
        for path in ("dispatches", "workers"):
            assert ada.listener.open(f"/ui/sse/{path}", Authorization="").status in (401, 403)
        assert ada.listener.open("/ui/sse/dispatches?dispatch=x").status == 400

    def test_a_quiet_list_says_that_it_lives(self, ada):
        stream = ada.listener.open("/ui/sse/workers")
        stream.until(lambda: stream.comments, "a keep-alive comes", seconds=SOON)


def test_a_quiet_stream_says_that_it_lives(db, quiet):
    """It comes last: the stream was opened by the first test of the module."""
    quiet.first("keep-alive", seconds=KEEP_ALIVE_SECONDS)
    assert not hinted(quiet)
