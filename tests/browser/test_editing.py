"""Typing into cells: an editor a type, keys, what is refused or was changed by others, and what the server misses."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Locator, Page, Route, expect

from tableflow.tables import columns, rows
from tableflow.tables.models import Column, Member, Row, Table
from tests import parts, scenes
from tests.browser.grid import active, cell, select
from tests.factories import TableFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]
TYPES = {
    "name": "text",
    "size": "number",
    "cost": "currency",
    "done": "boolean",
    "day": "date",
    "at": "datetime",
    "stage": "select",
    "tags": "multiselect",
    "site": "url",
    "mail": "email",
    "data": "json",
}
FIRST = {
    "name": "one",
    "size": 1,
    "day": "2026-01-31",
    "at": "2026-01-31T09:30:00Z",
    "stage": "open",
    "tags": ["red"],
    "data": {"a": [1]},
}


@pytest.fixture
def table(user: User) -> Table:
    """Three rows with a column of each type."""
    made = TableFactory.create(name="Things", owner=user, columns=TYPES)
    Column.objects.filter(table=made, key="stage").update(options={"choices": ["open", "won", "lost"]})
    Column.objects.filter(table=made, key="tags").update(options={"choices": ["red", "green", "blue"]})
    rows.insert(made, [FIRST, {"name": "two", "size": 2}, {"name": "three", "size": 3}])
    return made


def stored(table: Table, number: int) -> dict[str, Any]:
    """The values of the row of that number as the server has them."""
    data: dict[str, Any] = Row.objects.filter(table=table).order_by("position")[number - 1].data
    return data


def saved(table: Table, number: int, key: str, value: Any) -> None:
    """Wait until the server has this value."""
    scenes.until(lambda: stored(table, number).get(key) == value, f"{key} of row {number} is {value!r}", 15)


def note(page: Page) -> Locator:
    """What the editor says of the value."""
    return page.get_by_role("alert")


def named(page: Page, name: str) -> Locator:
    """The field of the open editor of that column."""
    return page.get_by_role("textbox", name=name, exact=True)


def test_each_type_has_its_editor(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    cell(page, 2, "Size").click()
    page.keyboard.type("12.50")
    expect(named(page, "Size")).to_have_value("12.50")
    page.keyboard.press("Enter")
    expect(cell(page, 2, "Size")).to_have_text("12.5")
    expect(active(page)).to_have_text("3")
    cell(page, 2, "Cost").click()
    page.keyboard.type("$1,234.5")
    page.keyboard.press("Tab")
    expect(cell(page, 2, "Cost")).to_have_text("1,234.50")

    page.keyboard.press("Enter")
    saved(table, 2, "done", True)
    expect(cell(page, 2, "Done")).to_have_text("Yes")
    cell(page, 2, "Done").locator(".box").click()
    saved(table, 2, "done", False)
    cell(page, 2, "Done").click(position={"x": 4, "y": 4})
    page.keyboard.type("x")
    expect(page.get_by_role("textbox", name="Done")).to_have_count(0)
    page.keyboard.press("Shift+F10")
    page.get_by_role("menuitem", name="Edit").click()
    saved(table, 2, "done", True)
    page.keyboard.press("ControlOrMeta+Z")
    expect(page.get_by_role("status").filter(has_text="Undone: Edit of “Done”")).to_be_visible()

    cell(page, 1, "Day").dblclick()
    expect(named(page, "Day")).to_have_value("2026-01-31")
    named(page, "Day").fill("2026-02-28")
    page.keyboard.press("Enter")
    saved(table, 1, "day", "2026-02-28")
    page.keyboard.type("2026-03-01")
    page.keyboard.press("Tab")
    saved(table, 2, "day", "2026-03-01")
    cell(page, 1, "At").click()
    page.keyboard.press("F2")
    expect(named(page, "At (UTC)")).to_have_value("2026-01-31 09:30:00")
    named(page, "At (UTC)").fill("2026-02-01 10:00")
    page.keyboard.press("Enter")
    saved(table, 1, "at", "2026-02-01T10:00:00Z")
    assert stored(table, 2)["done"] is False

    for key, text, value in [
        ("site", "https://example.org/a", "https://example.org/a"),
        ("mail", "ada@example.org", "ada@example.org"),
    ]:
        cell(page, 2, key.capitalize()).click()
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        saved(table, 2, key, value)


def test_choices_are_found_and_taken_by_keys_and_by_pointer(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    field = page.get_by_role("combobox", name="Stage")
    cell(page, 1, "Stage").click()
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    expect(page.get_by_role("option")).to_have_text(["open", "won", "lost"])
    expect(page.get_by_role("option", selected=True)).to_have_text("open")
    page.keyboard.press("ArrowDown")
    marked = page.get_by_role("option", name="won")
    expect(field).to_have_attribute("aria-activedescendant", marked.get_attribute("id") or "")
    page.keyboard.press("Enter")
    saved(table, 1, "stage", "won")
    page.keyboard.type("LO")
    expect(page.get_by_role("option")).to_have_text(["lost"])
    page.keyboard.press("Enter")
    saved(table, 2, "stage", "lost")
    cell(page, 2, "Stage").dblclick()
    page.get_by_role("option", name="open").click()
    expect(page.get_by_role("listbox")).to_have_count(0)
    saved(table, 2, "stage", "open")
    page.keyboard.type("elsewhere")
    page.keyboard.press("Enter")
    expect(note(page)).to_contain_text("none of the choices")
    page.keyboard.press("Escape")

    cell(page, 1, "Tags").dblclick()
    field = page.get_by_role("combobox", name="Tags")
    page.keyboard.type("gr")
    page.keyboard.press("Enter")
    expect(field).to_have_value("")
    page.get_by_role("option", name="blue").click()
    page.get_by_role("button", name="Take red away").click()
    expect(page.get_by_role("option", selected=True)).to_have_text(["green", "blue"])
    page.keyboard.press("Enter")
    saved(table, 1, "tags", ["green", "blue"])
    page.keyboard.type("bl")
    page.keyboard.press("Tab")
    saved(table, 2, "tags", ["blue"])
    cell(page, 2, "Tags").dblclick()
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    saved(table, 2, "tags", None)


def test_long_texts_and_json_have_a_larger_box(visit: Visit, table: Table) -> None:
    long = "\n".join(f"line {number} " + "x" * 40 for number in range(20))
    rows.update(table, {Row.objects.earliest("position").pk: {"name": long}})
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "Name").dblclick()
    expect(named(page, "Name")).to_have_value(long)
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("more")
    page.keyboard.press("Alt+Enter")
    page.keyboard.type("end")
    page.keyboard.press("Enter")
    saved(table, 1, "name", f"{long}\nmore\nend")
    cell(page, 1, "Name").click()
    page.keyboard.type("short")
    page.keyboard.press("Enter")
    saved(table, 1, "name", "short")

    cell(page, 1, "Data").dblclick()
    expect(named(page, "Data")).to_have_value('{\n  "a": [\n    1\n  ]\n}')
    named(page, "Data").fill('{"a": ')
    page.keyboard.press("Enter")
    expect(note(page)).to_contain_text("This is no JSON")
    assert stored(table, 1)["data"] == {"a": [1]}
    named(page, "Data").fill('{"a": 12345678901234567890}')
    page.keyboard.press("Enter")
    saved(table, 1, "data", {"a": 12345678901234567890})
    page.keyboard.type("[true]")
    page.keyboard.press("Enter")
    saved(table, 2, "data", [True])


def test_keys_keep_leave_and_move(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "Name").click()
    page.keyboard.type("a")
    page.keyboard.press("Escape")
    expect(cell(page, 1, "Name")).to_have_text("one")
    page.keyboard.press("F2")
    page.keyboard.type("!")
    page.keyboard.press("Tab")
    saved(table, 1, "name", "one!")
    expect(active(page)).to_have_text("1")
    page.keyboard.press("Enter")
    page.keyboard.type("0")
    page.keyboard.press("Shift+Tab")
    saved(table, 1, "size", 10)
    expect(active(page)).to_have_text("one!")
    page.keyboard.type("by a click")
    cell(page, 3, "Size").click()
    saved(table, 1, "name", "by a click")
    expect(active(page)).to_have_text("3")
    page.keyboard.type("33")
    page.keyboard.press("Shift+Enter")
    saved(table, 3, "size", 33)
    expect(active(page)).to_have_text("2")
    page.keyboard.press("Enter")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    saved(table, 2, "size", None)


def test_compositions_begin_an_edit(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "Name").click()
    keys = page.context.new_cdp_session(page)
    keys.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
    keys.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    expect(named(page, "Name")).to_have_value("にほ")
    keys.send("Input.insertText", {"text": "日本"})
    page.keyboard.type("!")
    page.keyboard.press("Enter")
    saved(table, 1, "name", "日本!")
    expect(cell(page, 1, "Name")).to_have_text("日本!")
    cell(page, 1, "Done").click(position={"x": 4, "y": 4})
    keys.send("Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1})
    keys.send("Input.insertText", {"text": "日"})
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    saved(table, 2, "done", True)
    assert "done" not in stored(table, 1)


def test_what_is_refused_stays_in_the_editor_with_the_reason(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    cell(page, 2, "Size").dblclick()
    named(page, "Size").fill("many")
    page.keyboard.press("Enter")
    expect(note(page)).to_contain_text("no number")
    expect(named(page, "Size")).to_have_value("many")
    expect(named(page, "Size")).to_be_focused()
    expect(cell(page, 2, "Size")).to_have_text("2")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("20")
    page.keyboard.press("Enter")
    saved(table, 2, "size", 20)
    expect(note(page)).to_have_count(0)

    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/rows/*/", hold)
    cell(page, 2, "Size").click()
    page.keyboard.type("several")
    page.keyboard.press("Enter")
    page.keyboard.type("thirty")
    scenes.until(lambda: page.title() and held, "it is on its way", 15)
    held[0].continue_()
    page.unroute("**/rows/*/", hold)
    expect(page.get_by_role("status").filter(has_text="“Size” is not saved: 'several' is no number")).to_be_visible()
    expect(named(page, "Size")).to_have_value("thirty")
    page.keyboard.press("Escape")
    expect(named(page, "Size")).to_have_value("several")
    expect(note(page)).to_contain_text("no number")
    page.keyboard.press("Escape")
    expect(cell(page, 2, "Size")).to_have_text("20")


LARGE = 9007199254740993  # the first whole number that the browser's own numbers do not have


def test_large_numbers_keep_every_digit(visit: Visit, table: Table) -> None:
    first, _, third = Row.objects.filter(table=table).order_by("position")
    rows.update(table, {first.pk: {"size": LARGE, "cost": LARGE, "data": {"id": LARGE}}})
    page = visit(f"/tables/{table.pk}/")
    page.set_viewport_size({"width": 1900, "height": 800})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    written: list[str] = []
    page.on("request", lambda request: written.append(request.url) if request.method == "PATCH" else None)
    expect(cell(page, 1, "Size")).to_have_text(str(LARGE))
    expect(cell(page, 1, "Cost")).to_have_text(f"{LARGE:,}.00")
    expect(cell(page, 1, "Data")).to_have_text(f'{{"id":{LARGE}}}')
    for name, text in [("Size", str(LARGE)), ("Cost", str(LARGE)), ("Data", f'{{\n  "id": {LARGE}\n}}')]:
        cell(page, 1, name).dblclick()
        expect(named(page, name)).to_have_value(text)
        page.keyboard.press("Enter")
        expect(page.get_by_role("textbox", name=name, exact=True)).to_have_count(0)
    assert written == []

    cell(page, 2, "Size").click()
    page.keyboard.type(str(LARGE + 2))
    page.keyboard.press("Enter")
    saved(table, 2, "size", LARGE + 2)
    expect(cell(page, 2, "Size")).to_have_text(str(LARGE + 2))
    page.keyboard.press("ControlOrMeta+Z")
    saved(table, 2, "size", 2)
    page.keyboard.press("ControlOrMeta+Shift+Z")
    saved(table, 2, "size", LARGE + 2)
    select(page, (1, "Size"), (3, "Size"))
    page.keyboard.press("ControlOrMeta+D")
    saved(table, 3, "size", LARGE)
    saved(table, 2, "size", LARGE)
    select(page, (1, "Size"), (2, "Size"))
    page.keyboard.press("ControlOrMeta+C")
    text = "navigator.clipboard.readText()"
    scenes.until(lambda: page.evaluate(text) == f"{LARGE}\n{LARGE}\n", "it is in the clipboard", 15)
    rows.update(table, {third.pk: {"size": LARGE + 2}})
    cell(page, 1, "Cost").click()
    page.keyboard.press("ControlOrMeta+V")
    saved(table, 2, "cost", LARGE)

    cell(page, 3, "Size").click()
    page.keyboard.press("Space")
    size = page.get_by_role("dialog").get_by_label("Size")
    expect(size).to_have_value(str(LARGE + 2))
    size.fill(str(LARGE + 4))
    size.press("Tab")
    saved(table, 3, "size", LARGE + 4)
    assert stored(table, 1)["data"] == {"id": LARGE}


def test_what_is_no_date_stays_as_it_was_typed(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    written: list[str] = []
    page.on("request", lambda request: written.append(request.url) if request.method == "PATCH" else None)
    day, at = named(page, "Day"), named(page, "At (UTC)")
    cell(page, 1, "Day").dblclick()
    day.fill("2026-02-31")
    page.keyboard.press("Enter")
    expect(note(page)).to_have_text("“2026-02-31” is no date. Write it as YYYY-MM-DD, such as 2026-01-31.")
    expect(day).to_have_value("2026-02-31")
    cell(page, 3, "Size").click()
    expect(day).to_be_focused()
    page.keyboard.press("Escape")
    expect(cell(page, 1, "Day")).to_have_text("2026-01-31")
    cell(page, 2, "Day").click()
    page.keyboard.type("soon")
    page.keyboard.press("Tab")
    expect(note(page)).to_contain_text("“soon” is no date.")
    expect(day).to_have_value("soon")
    page.keyboard.press("Escape")
    cell(page, 1, "At").click()
    page.keyboard.press("F2")
    at.fill("2026-01-31 25:00")
    page.keyboard.press("Enter")
    expect(note(page)).to_contain_text("Write it as YYYY-MM-DD HH:MM")
    at.fill("2026-01-31 09:30")
    page.keyboard.press("Enter")
    expect(at).to_have_count(0)
    expect(cell(page, 1, "At")).to_have_text("2026-01-31 09:30:00")
    assert written == []  # it is what was there


def test_a_date_is_picked_from_the_calendar(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    owner = page.locator(".calendar > input")
    for name, shown, picked, text in [
        ("Day", "2026-01-31", "2026-02-14", "2026-02-14"),
        ("At (UTC)", "2026-01-31T09:30", "2026-02-14T10:15", "2026-02-14 10:15:00"),
    ]:
        cell(page, 1, name.removesuffix(" (UTC)")).dblclick()
        owner.evaluate("owner => owner.showPicker = () => owner.dataset.asked = owner.value")
        page.get_by_role("button", name="Pick a date").click()
        expect(owner).to_have_attribute("data-asked", shown)
        expect(named(page, name)).to_be_focused()
        page.keyboard.press("Alt+ArrowDown")
        owner.fill("")
        expect(named(page, name)).to_have_value("")
        owner.fill(picked)
        expect(named(page, name)).to_have_value(text)
        expect(named(page, name)).to_be_focused()
        page.keyboard.press("Enter")
    saved(table, 1, "day", "2026-02-14")
    saved(table, 1, "at", "2026-02-14T10:15:00Z")


def test_what_somebody_else_changed_is_shown_and_not_overwritten(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    second = Row.objects.filter(table=table).order_by("position")[1]
    cell(page, 2, "Name").dblclick()
    page.keyboard.type("!")
    rows.update(table, {second.pk: {"name": "theirs"}})
    expect(cell(page, 2, "Name")).to_have_text("theirs")
    expect(named(page, "Name")).to_have_value("two!")
    page.keyboard.press("Enter")
    expect(note(page)).to_have_text("Somebody else made this “theirs” meanwhile.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Keep theirs")).to_be_focused()
    assert stored(table, 2)["name"] == "theirs"
    page.keyboard.press("Enter")
    expect(note(page)).to_have_count(0)
    expect(cell(page, 2, "Name")).to_have_text("theirs")
    expect(page.get_by_role("button", name="Keep theirs")).to_have_count(0)

    cell(page, 2, "Name").click()
    page.keyboard.type("mine")
    rows.update(table, {second.pk: {"name": "theirs again"}})
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Write mine").click()
    saved(table, 2, "name", "mine")
    expect(cell(page, 2, "Name")).to_have_text("mine")


def test_an_edit_belongs_to_its_row_and_column_wherever_they_go(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    first, second, third = Row.objects.filter(table=table).order_by("position")
    cell(page, 2, "Name").dblclick()
    page.keyboard.type(" and")
    rows.insert(table, [{"name": "zero"}], after=first.pk)
    expect(cell(page, 3, "Name")).to_have_text("two")
    columns.create(table, {"name": "Late", "type": "text"})
    expect(page.get_by_role("columnheader").filter(has_text="Late")).to_be_attached()
    page.keyboard.type(" more")
    box, field = cell(page, 3, "Name").bounding_box(), named(page, "Name").bounding_box()
    assert box is not None
    assert field is not None
    assert abs(box["y"] - field["y"]) < 4
    page.keyboard.press("Enter")
    scenes.until(lambda: Row.objects.get(pk=second.pk).data["name"] == "two and more", "it is saved in its row", 15)

    cell(page, 4, "Name").dblclick()
    page.keyboard.type("!")
    rows.delete(table, [third.pk])
    expect(note(page)).to_contain_text("Somebody has deleted this row")
    expect(named(page, "Name")).to_have_value("three!")
    page.keyboard.press("Escape")
    expect(note(page)).to_have_count(0)
    cell(page, 1, "Mail").click()
    page.keyboard.type("x")
    columns.delete(table, "mail")
    expect(note(page)).to_contain_text("Somebody has deleted this column")
    page.keyboard.press("Escape")


def test_a_restart_of_the_server_in_the_middle_of_an_edit_loses_nothing(
    page: Page, user: User, table: Table, start_part: Callable[..., parts.Part], console: list[str]
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    client = Client()
    client.force_login(user)
    url = f"http://127.0.0.1:{port}"
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])
    with listener:
        before = served(start_part, listener)
        page.goto(f"{url}/tables/{table.pk}/")
        cell(page, 1, "Name").click()
        page.keyboard.type("typed ")
    before.terminate()
    before.stop()
    page.keyboard.type("meanwhile")
    page.keyboard.press("Enter")
    expect(note(page)).to_contain_text("The server does not answer")
    expect(named(page, "Name")).to_have_value("typed meanwhile")
    page.keyboard.type(" and after")
    page.keyboard.press("Enter")
    expect(note(page)).to_contain_text("The server does not answer")
    assert stored(table, 1)["name"] == "one"
    with socket.create_server(("127.0.0.1", port)) as again:
        served(start_part, again)
        saved(table, 1, "name", "typed meanwhile and after")
        expect(note(page)).to_have_count(0)
        expect(cell(page, 1, "Name")).to_have_text("typed meanwhile and after")
        page.route("**/rows/*/", lambda route: route.abort())
        cell(page, 2, "Name").click()
        page.keyboard.type("given up")
        page.keyboard.press("Enter")
        expect(note(page)).to_contain_text("The server does not answer")
        page.keyboard.press("Escape")
        expect(note(page)).to_have_count(0)
        expect(cell(page, 2, "Name")).to_have_text("two")
        page.goto("about:blank")
    console.clear()  # the browser itself says that nobody answered


def served(start: Callable[..., parts.Part], listener: socket.socket) -> parts.Part:
    """A web process on this socket."""
    port = str(listener.getsockname()[1])
    arguments = ["-m", "uvicorn", "tableflow.asgi:application", "--fd", str(listener.fileno()), "--no-access-log"]
    part = start("web", *arguments, fds=(listener.fileno(),), PORT=port)
    parts.wait_ready(part, lambda: answers(port))
    return part


def answers(port: str) -> bool:
    """Whether the web process on this port is up."""
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=5).is_success
    except httpx2.TransportError:
        return False


def test_ranges_are_cleared_and_filled_down_and_taken_back(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    toast = page.get_by_role("status")
    select(page, (1, "Name"), (3, "Size"))
    page.keyboard.press("ControlOrMeta+D")
    saved(table, 3, "name", "one")
    assert [stored(table, number)["size"] for number in (1, 2, 3)] == [1, 1, 1]
    page.keyboard.press("Delete")
    saved(table, 3, "name", None)
    expect(cell(page, 2, "Name")).to_be_empty()
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Undone: Clearing of 6 cells")).to_be_visible()
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Undone: Fill down of 4 cells")).to_be_visible()
    saved(table, 3, "name", "three")
    expect(cell(page, 3, "Name")).to_have_text("three")
    page.keyboard.press("ControlOrMeta+Shift+Z")
    expect(toast.filter(has_text="Done again: Fill down of 4 cells")).to_be_visible()
    saved(table, 3, "name", "one")
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Undone: Fill down of 4 cells")).to_be_visible()
    saved(table, 3, "name", "three")

    cell(page, 1, "Name").click()
    page.keyboard.type("edited")
    page.keyboard.press("Enter")
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Undone: Edit of “Name”")).to_be_visible()
    saved(table, 1, "name", "one")
    page.keyboard.press("ControlOrMeta+Y")
    expect(toast.filter(has_text="Done again: Edit of “Name”")).to_be_visible()
    saved(table, 1, "name", "edited")
    rows.update(table, {Row.objects.earliest("position").pk: {"name": "theirs"}})
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Somebody has changed it since")).to_be_visible()
    assert stored(table, 1)["name"] == "theirs"


def test_what_a_workflow_fills_is_not_typed_into_and_who_looks_on_types_nothing(
    visit: Visit, table: Table, user: User
) -> None:
    group = scenes.group(table, scenes.doubling(table), reads="size")
    page = visit(f"/tables/{table.pk}/")
    toast = page.get_by_role("status")
    page.get_by_role("grid").hover()
    page.mouse.wheel(5000, 0)
    cell(page, 1, "out").click()
    page.keyboard.type("x")
    expect(toast.filter(has_text="filled by the workflow column “out”")).to_be_visible()
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Trace")).to_be_visible()
    assert "out" not in stored(table, 1)
    assert group.table_id == table.pk

    Table.objects.filter(pk=table.pk).update(owner=UserFactory())
    Member.objects.create(table=table, user=user, role=Member.Role.VIEWER)
    User.objects.filter(pk=user.pk).update(is_superuser=False, is_staff=False)
    page.reload()
    cell(page, 1, "Name").click()
    page.keyboard.type("x")
    expect(toast.filter(has_text="You may look at this table")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Delete")
    expect(cell(page, 1, "Name")).to_have_text("one")
    assert stored(table, 1)["name"] == "one"
