"""The screens of the terminal client over a real web process: what they show, what keys do, what comes by itself."""

from __future__ import annotations

import asyncio
import json
import socket
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from cells.models import Approval, Status, Worker
from dispatch.begin import begin
from dispatch.models import Dispatch, DispatchStatus
from tableflow.tables.models import Row, Table
from tableflow.terminal.address import Server
from tableflow.terminal.widgets.listing import Listing
from tests import hands, scenes, standing
from tests.live.conftest import Person
from tests.live.pilots import Seat, play


@pytest.fixture
def db(lasting_database):
    """What a test writes stays until the module's end: the web process is to see it."""


@pytest.fixture(autouse=True)
def orm_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A story asks the database in the thread that also runs the terminal."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")


def server(person: Person, url: str | None = None) -> Server:
    """The web process, as this person asks it."""
    return Server(url or person.web.url, person.headers["Authorization"].removeprefix("Bearer "))


def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        return f"http://127.0.0.1:{nobody.getsockname()[1]}"


def numbers(person: Person, rows: int = 3, name: str = "Numbers") -> Table:
    """A table of this person's with a workflow column `out`."""
    made = scenes.table(rows, name=name)
    Table.objects.filter(pk=made.pk).update(owner=person.user)
    scenes.group(made, scenes.doubling(made))
    return made


def asked_to_run(person: Person, table: Table, **body: Any) -> int:
    """Have the table run, over HTTP; gives the dispatch's id."""
    answer = person.ask("POST", f"/tables/{table.pk}/dispatches/", json=body)
    assert answer.status_code == 202, answer.text
    return int(answer.json()["id"])


def claimed(run: int) -> list[Any]:
    """The run's next window, and its cells claimed by a worker."""
    dispatch = Dispatch.objects.get(pk=run)
    hands.admit(dispatch)
    return hands.claim(hands.worker(f"hand-{run}"), dispatch)


def test_runs_appear_by_themselves_and_the_selection_stays_with_its_run(ada):
    table = numbers(ada)

    async def story(seat: Seat) -> None:
        await seat.reads("Nothing was run yet.", "● live", "127.0.0.1")
        first = asked_to_run(ada, table)
        await seat.until(lambda: seat.ids == [first], "the run is shown")
        await seat.reads("Numbers", "pending", ada.user.username)
        second = asked_to_run(ada, table)
        await seat.until(lambda: seat.ids == [second, first], "the second run stands above")
        assert seat.selected == first
        await seat.press("k")
        assert seat.selected == second
        await seat.press("G")
        assert seat.selected == first
        await seat.click(5, 1)
        assert seat.selected == second
        await seat.press("y")
        await seat.reads(f"Copied the address of run #{second}.")
        assert seat.app.clipboard == f"{ada.web.url}/runs/{second}/"

    play(server(ada), story)


def test_a_long_list_stays_where_its_reader_is(ada):
    table = numbers(ada)
    runs = [begin(table.pk).pk for _ in range(30)][::-1]

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == runs, "all runs are shown")
        await seat.press("G", "k")
        await seat.until(lambda: seat.listing.seen == (15, 30), "the end is in view")
        new = begin(table.pk).pk
        await seat.until(lambda: seat.ids == [new, *runs], "the new run is there")
        assert (seat.selected, seat.listing.seen) == (runs[-2], (16, 31))
        await seat.wheel_up()
        await seat.until(lambda: seat.listing.seen == (13, 28), "the wheel has scrolled")
        assert seat.selected == runs[-2]
        await seat.press("g")
        assert (seat.selected, seat.listing.seen) == (new, (1, 16))
        await seat.click(5, 3, times=2)
        await seat.reads(f"Run #{runs[1]}", "Windows")

    play(server(ada), story)


def test_filters_are_stacked_and_escape_takes_the_newest_away(ada, someone):
    numbers_ = numbers(ada)
    letters = numbers(ada, name="Letters")
    one, other = asked_to_run(ada, numbers_), asked_to_run(ada, letters)
    ada.ask("POST", f"/dispatches/{one}/pause/")

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == [other, one], "both runs are shown")
        await seat.press("slash")
        await seat.type("state:paused")
        await seat.until(lambda: seat.ids == [one], "the paused run alone is shown")
        await seat.reads("/state:paused")
        await seat.press("slash")
        await seat.type("table:lett")
        await seat.reads("Nothing fits", "/state:paused  /table:lett")
        await seat.press("escape")
        await seat.until(lambda: seat.ids == [one], "the newest filter is gone")
        await seat.press("escape")
        await seat.until(lambda: seat.ids == [other, one], "no filter is left")
        await seat.press("slash")
        await seat.type("letters")
        await seat.until(lambda: seat.ids == [other], "a text filters")
        await seat.press("escape", "slash")
        await seat.type(f"by:{ada.user.username}")
        await seat.until(lambda: seat.ids == [other, one], "a person filters")
        await seat.press("escape", "slash")
        await seat.type("by:nobody")
        await seat.until(lambda: seat.ids == [], "a person filters")
        await seat.press("escape", "slash")
        await seat.type("state:asleep")
        await seat.reads("status:", "asleep")
        await seat.press("escape")
        await seat.reads_no_more("asleep")

    play(server(ada), story)


def test_a_run_is_paused_resumed_and_stopped_once_somebody_is_sure(ada):
    table = numbers(ada)
    run = asked_to_run(ada, table)

    def status() -> str:
        return Dispatch.objects.get(pk=run).status

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == [run], "the run is shown")
        await seat.press("r")
        await seat.reads(f"Run #{run} has no failed cells.")
        await seat.press("p")
        await seat.reads("‖ paused", f"Run #{run} is paused")
        assert status() == DispatchStatus.PAUSED
        await seat.press("p")
        await seat.reads("· pending", f"Run #{run} goes on.")
        await seat.press("x")
        await seat.reads(f"Stop run #{run} of Numbers?")
        await seat.press("n")
        await seat.reads_no_more("Stop run")
        assert status() == DispatchStatus.PENDING
        await seat.press("x", "y")
        await seat.reads("⊘ cancelled", f"Run #{run} is stopped.")
        assert status() == DispatchStatus.CANCELLED
        await seat.press("p")
        await seat.reads("has ended: it cannot be paused")

    play(server(ada), story)


def test_what_is_refused_is_said_and_the_list_stays(ada, someone):
    table = numbers(ada)
    run = asked_to_run(ada, table)
    reader = someone()
    table.members.create(user=reader.user, role="viewer")

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == [run], "the run is shown")
        await seat.press("p")
        await seat.reads("You may look at this table, but not change it.", "· pending")

    play(server(reader), story)


def test_a_run_shows_its_counts_windows_errors_and_slow_cells_and_an_error_is_retried(ada):
    table = numbers(ada, rows=6)
    run = asked_to_run(ada, table)
    cells = claimed(run)
    hands.finish([hands.ended(one.lead, Status.ERROR, error="No such city") for one in cells[:2]])

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == [run], "the run is shown")
        await seat.press("enter")
        await seat.reads(f"Run #{run}", "✗ 2 error", "Numbers · out", "Windows", "#1")
        hands.finish([hands.ended(one.lead) for one in cells[2:5]])
        await seat.reads("✓ 3 completed", "3 completed · 2 error")
        await seat.press("3")
        await seat.reads("Took", "✓ completed")
        await seat.press("enter")
        await seat.reads("attempt 1", f"run #{run}")
        await seat.press("escape", "2")
        await seat.reads("No such city")
        await seat.press("y")
        assert seat.app.clipboard == "No such city"
        await seat.press("enter")
        await seat.reads("Retry 2 cells of out?", "also where it failed in another", "run: No such city")
        await seat.press("y")
        again = await seat.until(lambda: Dispatch.objects.filter(table=table, pk__gt=run).first(), "a new run is there")
        await seat.reads(f"Run #{again.pk} has begun")
        assert (again.mode, again.scope["filter"]["value"]) == ("failed", "No such city")
        await seat.press("escape")
        await seat.until(lambda: seat.ids == [again.pk, run], "the list has the new run")

    play(server(ada), story)


def test_cells_are_shown_with_their_states_in_pages_and_a_cell_with_its_trace(ada):
    table = numbers(ada, rows=130)
    rows = list(Row.objects.filter(table=table).order_by("position"))
    run = asked_to_run(ada, table, rows=[row.pk for row in rows[:3]])
    cells = claimed(run)
    hands.finish(
        [
            hands.ended(cells[0].lead, output={"out": 2}),
            hands.ended(cells[1].lead, Status.ERROR, error="It \x1b[31mbroke\x1b[0m."),
        ]
    )

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == [run], "the run is shown")
        await seat.press("c")
        screen = await seat.reads("Cells of Numbers", "✓ 2", "✗ It broke.", "▶ running", "100 of 130")
        assert "\x1b" not in screen
        assert seat.ids[0] == rows[0].pk
        await seat.press("y")
        assert seat.app.clipboard == "2"
        hands.finish([hands.ended(cells[2].lead, output={"out": 6})])
        await seat.reads("✓ 6")
        await seat.press("n")
        await seat.until(lambda: seat.ids == [row.pk for row in rows[100:]], "the next rows are shown")
        await seat.press("b")
        await seat.until(lambda: seat.ids[0] == rows[0].pk, "the rows before are shown")
        await seat.press("slash")
        await seat.type("state:error")
        await seat.until(lambda: seat.ids == [rows[1].pk], "the failed cell's row alone is shown")
        await seat.press("l")
        await seat.reads(f"Numbers · row {rows[1].pk} · out", "✗ error", "It broke.", "attempt 1")
        await seat.press("escape", "escape", "escape")
        await seat.until(lambda: seat.ids == [run], "escape has led back to the runs")

    play(server(ada), story)


def test_workers_are_stopped_and_forgotten_by_staff_only(ada):
    living = hands.worker("living")
    Worker.objects.filter(pk=living.pk).update(heartbeat_at=Now() + timedelta(hours=1))
    hands.lapse(hands.worker("lost"))

    async def story(seat: Seat) -> None:
        await seat.press("w")
        await seat.reads("● active", "living", "✗ lost")
        names = [worker["name"] for worker in seat.listing.records]
        seat.listing.select("lost")
        await seat.press("d", "y")
        await seat.reads("by staff only")
        ada.user.is_staff = True
        ada.user.save()
        await seat.press("d", "y")
        await seat.until(lambda: not Worker.objects.filter(name="lost").exists(), "it is forgotten")
        await seat.until(
            lambda: [worker["name"] for worker in seat.listing.records] == [n for n in names if n != "lost"],
            "it leaves the list",
        )
        seat.listing.select("living")
        await seat.press("d")
        await seat.reads("Only a worker that is lost")
        await seat.press("n")
        await seat.reads("make up")
        await seat.press("enter")
        await seat.reads("It runs no cell.", "8 threads")
        await seat.press("2")
        await seat.reads("Its log is not on the server's machine.")
        await seat.press("escape", "x", "y")
        await seat.until(lambda: Worker.objects.get(name="living").status == "draining", "it is asked to end")

    play(server(ada), story)
    living.delete()


def test_a_question_is_answered_with_its_fields(ada):
    table = numbers(ada, rows=2)
    run = begin(table.pk)
    form = {"type": "object", "properties": {"amount": {"type": "integer"}, "sure": {"type": "boolean"}}}
    asker = hands.worker(f"asker-{run.pk}")
    standing.pause(run, asker, "approval", prompt="Pay the bill?", fields={**form, "required": ["amount"]})

    def open_ones() -> int:
        return Approval.objects.filter(table_id=table.pk, status="open").count()

    async def story(seat: Seat) -> None:
        await seat.press("a")
        await seat.reads("? open", "Pay the bill?")
        await seat.press("enter")
        await seat.reads("Amount (required)", "Sure", "Approve")
        await seat.press("m", "ctrl+y")
        await seat.reads("Amount: this is not a number.")
        await seat.press("backspace", "ctrl+y")
        await seat.reads("amount")
        assert open_ones() == 2
        await seat.press("7", "ctrl+y")
        await seat.reads("It is approved.")
        await seat.until(lambda: len(seat.ids) == 1, "the answered question has left the list")
        assert Approval.objects.get(table_id=table.pk, status="approved").answer == {"amount": 7}
        await seat.press("enter")
        await seat.reads("Pay the bill?", "Reject")
        await seat.press("ctrl+n")
        await seat.reads("It is rejected.", "Nothing waits for an answer.")
        assert open_ones() == 0

    play(server(ada), story)


def test_options_are_shown_as_they_are_written_and_stand_for_any_value(ada):
    table = numbers(ada, rows=1)
    options = ["[@click=app.quit]x", "[/]", "[b]", ["x", {"y": 1}], None]
    form = {"type": "object", "properties": {"kind": {"enum": options}, "none": {"enum": options}}}
    run = begin(table.pk)
    standing.pause(run, hands.worker(f"asker-{run.pk}"), "approval", prompt="Which?", fields=form)

    async def story(seat: Seat) -> None:
        await seat.press("a")
        await seat.reads("Which?")
        await seat.press("enter")
        await seat.reads("Kind", "Approve")
        await seat.press("enter")
        await seat.reads("[@click=app.quit]x", "[/]", "[b]", '["x", {"y": 1}]', "null")
        await seat.press("end", "up", "enter", "tab", "enter", "end", "enter")
        await seat.press("ctrl+y")
        await seat.reads("It is approved.")
        assert Approval.objects.get(table_id=table.pk).answer == {"kind": ["x", {"y": 1}], "none": None}

    play(server(ada), story)


def gated(seat: Seat, monkeypatch: pytest.MonkeyPatch, name: str) -> asyncio.Event:
    """Have the client's call of this name wait; what it gives lets it go on."""
    gate, call = asyncio.Event(), getattr(seat.app.client, name)

    async def later(*given: Any) -> Any:
        await gate.wait()
        return await call(*given)

    monkeypatch.setattr(seat.app.client, name, later)
    return gate


def test_what_was_asked_for_is_done_when_its_screen_was_left(ada, monkeypatch: pytest.MonkeyPatch):
    table = numbers(ada, rows=1)
    run = asked_to_run(ada, table)
    claimed_by = hands.worker(f"asker-{run}")
    standing.pause(Dispatch.objects.get(pk=run), claimed_by, "approval", prompt="Well?")

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == [run], "the run is shown")
        await seat.press("a")
        await seat.reads("Well?")
        await seat.press("enter")
        await seat.reads("Approve")
        gate = gated(seat, monkeypatch, "answer")
        await seat.press("ctrl+n", "escape")
        gate.set()
        await seat.reads("It is rejected.", "Nothing waits for an answer.")
        await seat.press("escape", "enter")
        await seat.reads(f"Run #{run}", "Windows")
        await seat.press("r")
        gate = gated(seat, monkeypatch, "cancel")
        await seat.press("x", "y", "escape")
        await seat.reads("stopping…")
        gate.set()
        await seat.reads(f"Run #{run} is stopped.", "⊘ cancelled")

    play(server(ada), story)


def test_what_is_no_longer_there_is_not_opened(ada):
    run = asked_to_run(ada, numbers(ada))

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == [run], "the run is shown")
        await seat.press("enter", "2")
        await seat.reads("No cell has failed.")
        seat.listing.post_message(Listing.Opened())
        await seat.press("3")
        await seat.reads("No cell has begun.")

    play(server(ada), story)


def test_a_table_without_workflow_columns_has_no_cell_in_any_state(ada):
    table = scenes.table(2, name="Plain")
    Table.objects.filter(pk=table.pk).update(owner=ada.user)

    async def story(seat: Seat) -> None:
        await seat.press("t")
        await seat.reads("Plain")
        await seat.press("enter")
        await seat.reads("Cells of Plain", "1-2 of 2")
        await seat.press("slash")
        await seat.type("state:error")
        await seat.reads("Nothing fits /state:error")
        assert seat.ids == []

    play(server(ada), story)


def test_a_question_that_somebody_else_is_asked_is_not_opened(ada, someone):
    table = numbers(ada, rows=1)
    run = begin(table.pk)
    other = someone()
    table.members.create(user=other.user, role="editor")
    asked = {"prompt": "Well?", "assignees": [other.user.username]}
    standing.pause(run, hands.worker(f"asker-{run.pk}"), "approval", **asked)

    async def story(seat: Seat) -> None:
        await seat.press("a")
        await seat.reads("Well?", f"{other.user.username} (not you)")
        await seat.press("enter")
        await seat.reads("is not yours to answer")

    play(server(ada), story)


def test_a_list_that_was_left_is_gone_back_to(ada):
    run = asked_to_run(ada, numbers(ada))

    async def story(seat: Seat) -> None:
        await seat.until(lambda: seat.ids == [run], "the run is shown")
        for _ in range(3):
            await seat.press("w", "a", "t")
        assert len(seat.app.screen_stack) == 5
        await seat.press("w")
        await seat.reads("Workers")
        assert len(seat.app.screen_stack) == 3
        await seat.press("escape")
        await seat.until(lambda: seat.ids == [run], "escape leads back to the runs")

    play(server(ada), story)


def test_columns_are_hidden_and_moved_for_the_session(ada):
    table = numbers(ada)
    asked_to_run(ada, table)

    def heads(seat: Seat) -> list[str]:
        return [one.column.key for one in seat.listing.fitted]

    async def story(seat: Seat) -> None:
        await seat.reads("pending")
        before = heads(seat)
        assert before[:2] == ["state", "id"]
        await seat.press("o")
        await seat.reads("[x] State", "[x] Table")
        await seat.press("space")
        await seat.reads("[ ] State")
        await seat.press("j", "J", "escape")
        await seat.until(lambda: heads(seat)[:2] == ["table", "id"], "the columns are as chosen")
        assert "state" not in heads(seat)
        await seat.press("w", "escape")
        await seat.until(lambda: heads(seat)[:2] == ["table", "id"], "they are so still")

    play(server(ada), story)


@pytest.mark.parametrize(("width", "height"), [(60, 12), (80, 24), (120, 40)])
def test_every_size_has_the_state_of_the_connection_and_what_matters_of_a_run(ada, width, height):
    table = numbers(ada, name="A table with a name of more than sixty characters, as people have them")
    run = asked_to_run(ada, table)
    hands.finish([hands.ended(one.lead, Status.ERROR) for one in claimed(run)])

    async def story(seat: Seat) -> None:
        screen = await seat.reads("● live", "A table", "✗ 3", "State", "Progress")
        lines = screen.split("\n")
        assert len(lines) == height
        assert all(len(line) <= width for line in lines)
        is_compact = height < 15
        assert lines[0].strip().startswith("State" if is_compact else "Runs")
        assert ("● live" in lines[-1]) == is_compact
        await seat.press("question_mark")
        await seat.reads("Everywhere")
        await seat.press("escape")
        await seat.resize(100, 14)
        await seat.until(lambda: "● live" in seat.screen[-1], "it has become compact")

    play(server(ada), story, (width, height))


def test_a_token_that_is_not_taken_is_told_and_the_terminal_stays_and_asks_no_more(
    ada, monkeypatch: pytest.MonkeyPatch
):
    async def story(seat: Seat) -> None:
        await seat.reads("✗ stopped:", "token")
        polled: list[Any] = []
        monkeypatch.setattr(seat.app.coordinator, "_ask", polled.append)
        seat.app.coordinator.poll()
        assert polled == []
        await seat.press("question_mark")
        await seat.reads("Everywhere")

    play(Server(ada.web.url, "wrong"), story)


def test_a_server_that_is_not_there_is_told_and_tried_again(ada):
    async def story(seat: Seat) -> None:
        await seat.reads("reconnecting in", "The server cannot be reached", "nothing yet")

    play(server(ada, nowhere()), story)


def test_q_and_ctrl_c_quit_also_out_of_a_dialog(ada):
    async def quits(seat: Seat, *keys: str) -> None:
        await seat.press(*keys)
        await seat.until(lambda: seat.app._exit, "it ends")

    play(server(ada), lambda seat: quits(seat, "q"))
    play(server(ada), lambda seat: quits(seat, "question_mark", "ctrl+c"))


def test_once_prints_a_list_for_scripts(ada, capsys):
    table = numbers(ada)
    run = asked_to_run(ada, table)
    at = {"url": ada.web.url, "token": server(ada).token}
    call_command("tui", once=True, **at)
    head, line = capsys.readouterr().out.rstrip("\n").split("\n")
    assert head.split()[:3] == ["State", "Run", "Table"]
    assert line.split()[:4] == ["·", "pending", f"#{run}", "Numbers"]
    call_command("tui", once=True, json=True, **at)
    listed = json.loads(capsys.readouterr().out)
    assert (listed["count"], [one["id"] for one in listed["results"]]) == (1, [run])
    call_command("tui", once=True, view="approvals", **at)
    assert capsys.readouterr().out.startswith("State")


def refusal(**options: Any) -> tuple[int, str]:
    with pytest.raises(CommandError) as refused:
        call_command("tui", **options)
    return refused.value.returncode, str(refused.value)


def test_a_command_that_cannot_work_says_why(ada, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TABLEFLOW_TOKEN", raising=False)
    at = {"url": ada.web.url, "token": server(ada).token}
    code, why = refusal(**at)
    assert (code, "--once" in why) == (2, True)
    code, why = refusal(json=True, **at)
    assert (code, "--once" in why) == (2, True)
    code, why = refusal(once=True, url=ada.web.url)
    assert (code, "createtoken" in why) == (2, True)
    code, why = refusal(once=True, url=nowhere(), token="a1")
    assert (code, "cannot be reached" in why) == (1, True)
    code, why = refusal(once=True, url=ada.web.url, token="a1")
    assert (code, "token" in why) == (1, True)
