"""axe finds no serious fault on any page, light and dark: what is shown, what opens, and what says that it is empty."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from cells.models import Status, Worker
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.embedded import processes
from tableflow.tables.models import Column, Row, Table
from tests import hands, scenes, standing
from tests.browser.grid import cell
from tests.conftest import Web
from tests.factories import ImportFactory, TableFactory

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]
Look = Callable[..., None]
GRAVE = ("serious", "critical")
MOST_NODES = 4
OPEN = ":is(dialog[open], [popover]:popover-open)"
NO_PROCESS = 2**22
# What dark can do wrong is its colours: all else was looked at in light.
SCHEMES: dict[Any, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}
# Style sheets are not fetched again: what asks for them is how a page looks on its side.
RUN = "([where, rules]) => axe.run(where ?? document, {resultTypes: ['violations'], preload: false, ...rules})"
FORM = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "title": "Amount", "description": "In euros, without tax."},
        "tone": {"enum": ["plain", "warm"], "title": "Tone", "default": "plain"},
        "note": {"type": "string", "maxLength": 400},
    },
    "required": ["amount"],
}


@pytest.fixture
def look(page: Page) -> Iterator[Look]:
    """`look(what, where)` has axe look at what the page shows now, or at a part; faults fail the test at its end."""
    found: list[str] = []

    def at(what: str, where: str | None = None) -> None:
        found.extend(f"{what}, {fault}" for fault in faults(page, where))

    yield at
    assert not found, "\n".join(found)


def faults(page: Page, where: str | None = None) -> Iterator[str]:
    """What is gravely wrong with what the page shows, light and dark."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    for scheme, rules in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for rule in page.evaluate(RUN, [where, rules])["violations"]:
            yield from (f"{scheme}: {fault}" for fault in grave(rule))


def grave(rule: dict[str, Any]) -> Iterator[str]:
    """What is to be read of a broken rule, when it matters: the first few places and what is wrong there."""
    if rule["impact"] not in GRAVE:
        return
    for node in rule["nodes"][:MOST_NODES]:
        why = " ".join(node["failureSummary"].split())
        yield f"{rule['id']} ({rule['impact']}, {len(rule['nodes'])} places): {node['target']}: {why}"


@pytest.fixture
def table(user: User) -> Table:
    """Twelve rows of the user's with values of every type, and a workflow column `out`."""
    types = {
        "name": "text",
        "n": "number",
        "site": "url",
        "more": "json",
        "done": "boolean",
        "on": "date",
        "tags": "multiselect",
    }
    made = TableFactory.create(name="Places", owner=user, columns=types, row_count=12)
    Column.objects.filter(table=made, key="tags").update(options={"choices": ["red", "green"]})
    values = {"name": "A place", "site": "https://example.org/", "more": {"a": [1]}, "done": True, "on": "2026-01-31"}
    data = {**values, "tags": ["red", "green"]}
    Row.objects.bulk_create(Row(table=made, position=n, data={**data, "n": n}) for n in range(1, 13))
    scenes.group(made, scenes.doubling(made))
    return made


@pytest.fixture
def run(table: Table) -> Dispatch:
    """A run of it: two cells are done, two failed, one asks, one waits, two run, and the others are still to come."""
    made = begin(table.pk, user=table.owner)
    hands.admit(made)
    worker = hands.worker("worker-1@here.4711")
    here = {"host": socket.gethostname(), "pid": NO_PROCESS, "heartbeat_at": standing.far_ahead()}
    Worker.objects.filter(pk=worker.pk).update(**here)
    done = hands.claim(worker, made, 4)
    hands.finish([hands.ended(cell.lead) for cell in done[:2]])
    hands.finish([hands.ended(cell.lead, Status.ERROR, error="It broke.\nHere is why.") for cell in done[2:]])
    asks = {"prompt": "Shall it be sent?", "fields": FORM}
    standing.pause(made, worker, "approval", standing.far_ahead(), most=1, step="ask", **asks)
    standing.pause(made, worker, "wait", standing.far_ahead(), most=1)
    hands.claim(worker, made, 2)
    return made


def test_a_fault_is_found_in_the_scheme_that_has_it(page: Page) -> None:
    page.set_content("""<!doctype html><html lang=en><title>Dim</title><meta name=color-scheme content="light dark">
        <main><h1>Dim</h1><p style="color: light-dark(#000, #444); background: light-dark(#fff, #222)">Text</p>""")
    assert [fault.split(",")[0] for fault in faults(page)] == ["dark: color-contrast (serious"]


def test_who_is_not_known_is_asked_and_told_what_is_wrong(page: Page, live_web: Web, look: Look) -> None:
    page.goto(f"{live_web.url}/login/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username")
    look("logging in")


def test_pages_on_which_there_is_nothing_yet(visit: Visit, user: User, look: Look) -> None:
    for path, said in {
        "/runs/": "Nothing has run yet",
        "/workers/": "No worker is there",
        "/approvals/": "Nothing waits for an answer",
        "/approvals/answered/": "Nothing has been answered yet",
        "/nowhere/": "Nothing here",
    }.items():
        expect(visit(path).get_by_text(said).first).to_be_visible()
        look(path)
    page = visit("/")
    expect(page.get_by_text("No tables yet")).to_be_visible()
    look("no tables")
    page.get_by_role("button", name="New table").click()
    look("the dialog of a new table", OPEN)
    nothing = TableFactory.create(name="Nothing", owner=user, columns={"name": "text"})
    page = visit(f"/tables/{nothing.pk}/")
    expect(page.get_by_role("heading", name="No rows yet")).to_be_visible()
    look("a table without rows")


def answered(page: Page, path: str, body: str) -> None:
    """Let the page find this at that path."""
    page.route(f"**{path}", lambda route: route.fulfill(body=body, content_type="text/html"))


def test_pages_of_what_is_refused_and_of_what_broke(visit: Visit, user: User, look: Look) -> None:
    page = visit("/workers/")
    for template, given, heading in [
        ("403.html", {"user": user}, "Not allowed"),
        ("500.html", {}, "Something broke"),  # made without a request, so that nothing else can break
    ]:
        answered(page, "/refused/", render_to_string(template, given))
        visit("/refused/")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        look(template)


def test_each_head_has_one_name(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    heads = page.get_by_role("columnheader")
    for place, name in enumerate(["Choose all rows", "Name, Text", "N, Number", "Site, Web address"]):
        expect(heads.nth(place)).to_have_accessible_name(name)
    for name in ("out, Workflow column", "out, Number"):
        expect(page.get_by_role("columnheader", name=name, exact=True)).to_be_visible()
    expect(page.get_by_role("columnheader", name="N, Number", exact=True).get_by_role("img")).to_have_count(0)


def test_a_file_is_brought_in(visit: Visit, table: Table, look: Look, tmp_path: Path) -> None:
    errors = [{"line": 4, "attr": "name", "detail": "This line has too many fields."}]
    ended = ImportFactory.create(table=table, status="complete", rows_done=3, rejected=1, errors=errors)
    ImportFactory.create(table=table, status="running", rows_done=3, rows_total=10)
    file = tmp_path / "people.csv"
    file.write_text("Name,Age\nAda,36\nbroken,1,2,3\n")
    page = visit(f"/tables/{table.pk}/")
    page.evaluate(f"sessionStorage.setItem('imports-{table.pk}', '[{ended.pk}]')")
    page.reload()
    tray = page.get_by_role("region", name="Imports")
    tray.get_by_text("Why lines were rejected").click()
    expect(tray.get_by_role("progressbar")).to_be_visible()
    look("imports that go on and have ended")
    page.get_by_role("button", name="More about this table").click()
    page.get_by_role("menuitem", name="Import into this table…").click()
    dialog = page.get_by_role("dialog", name="Import into")
    look("the dialog of an import")
    dialog.get_by_label("File", exact=True).set_input_files(file)
    expect(dialog.get_by_label("Type of Age")).to_be_visible()
    look("what a file would become", OPEN)


def test_what_runs_is_followed(visit: Visit, table: Table, run: Dispatch, look: Look) -> None:
    page = visit("/")
    expect(page.get_by_role("link", name="Places")).to_be_visible()
    look("the list of tables")
    page = visit("/runs/")
    expect(page.locator(f"#run-{run.pk}")).to_contain_text("Running")
    look("the list of runs")
    page.get_by_role("button", name="Stop").click()
    look("a question before something is done", OPEN)
    page = visit(f"/runs/{run.pk}/")
    page.get_by_text("It broke.").first.click()
    look("a run")
    page = visit("/approvals/")
    expect(page.get_by_label("Amount")).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    look("the questions")
    for number, what in enumerate(("a completed cell", "a failed cell", "a cell that asks")):
        row = Row.objects.filter(table=table).order_by("position")[number * 2]
        visit(f"/tables/{table.pk}/rows/{row.pk}/cells/{table.groups.get().pk}/")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        look(what)


@pytest.mark.usefixtures("run")
def test_workers_are_seen_with_their_log(
    visit: Visit, page: Page, start_web: Callable[..., Web], look: Look, tmp_path: Path
) -> None:
    file = tmp_path / "logs" / "worker_1.log"
    file.parent.mkdir()
    file.write_text("".join(f"line {number}\n" for number in range(300)))
    visit("/workers/")
    expect(page.get_by_text("worker-1@here.4711")).to_be_visible()
    look("the list of workers")
    # A session is one for all ports of a host: whoever visited one server is known to the other.
    page.goto(start_web(**{processes.MARK: str(tmp_path)}).url + "/workers/worker-1@here.4711/")
    expect(page.get_by_role("log").get_by_text("line 299")).to_be_in_viewport()
    expect(page.get_by_role("row").filter(has_text="Running")).to_have_count(2)
    look("a worker at work")


@pytest.mark.usefixtures("run")
def test_the_grid_with_its_menus_and_what_floats_over_it(visit: Visit, table: Table, look: Look) -> None:
    page = visit(f"/tables/{table.pk}/")
    expect(cell(page, 3, "out")).to_contain_text("It broke.")
    look("a table that runs")
    for name in ("Run", "Add", "More about this table", "View All rows", "Menu of Name", "Run out"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("menu")).to_be_visible()
        look(f"the menu {name}", OPEN)
        page.keyboard.press("Escape")
    for name in ("Filter", "Sort", "Columns"):
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        look(f"{name}, with nothing in it", OPEN)
        page.keyboard.press("Escape")
    cell(page, 9, "out").click(button="right")
    look("the menu of a cell", OPEN)
    page.get_by_role("menuitem", name="Why is it waiting?").click()
    expect(page.get_by_role("dialog", name="Why it waits")).to_be_visible()
    look("why a cell waits", OPEN)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Choose all rows").click()
    look("a selection with its bar")
    page.get_by_role("button", name="Choose all rows").click()
    page.get_by_role("searchbox", name="Search the rows").fill("nothing of the kind")
    expect(page.get_by_role("gridcell")).to_have_count(0)
    look("a search that finds nothing")
    page.get_by_role("button", name="Clear filter and search").click()
    expect(cell(page, 3, "out")).to_contain_text("It broke.")
    page.set_viewport_size({"width": 800, "height": 600})
    look("a table in a narrow window")
    page.get_by_role("button", name="Run out", exact=True).click()
    page.get_by_role("menuitem", name="Edit this workflow column…").click()
    expect(page.get_by_role("heading", name="out", exact=True)).to_be_visible()
    look("the panel in a narrow window")


@pytest.mark.usefixtures("run")
def test_what_a_table_page_opens_for_reading_and_writing(visit: Visit, table: Table, look: Look) -> None:
    page = visit(f"/tables/{table.pk}/")
    trace = page.get_by_role("complementary", name="Trace")
    for number, said in ((1, "Completed"), (3, "Here is why."), (5, "Shall it be sent?")):
        cell(page, number, "out").click()
        page.keyboard.press("Enter")
        expect(trace).to_contain_text(said)
        look(f"the trace of a cell that says {said!r}", "#trace")
    page.keyboard.press("Escape")
    for name in ("Name", "N", "More", "On", "Tags"):
        cell(page, 2, name).dblclick()
        expect(page.locator(".grid-editor.open :focus")).to_be_visible()
        look(f"the editor of {name}", ".grid-editor")
        page.keyboard.press("Escape")
        expect(page.locator(".grid-editor.open")).to_have_count(0)
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog")).to_be_visible()
    look("a row, expanded", OPEN)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    look("the help for the keyboard", OPEN)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+F")
    page.get_by_role("searchbox", name="Find in the table").fill("place")
    look("finding a text")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Add a column").click()
    look("what can be added", OPEN)
    page.get_by_role("menuitem", name="Column…", exact=True).click()
    look("a new column", OPEN)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run all…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look("a question before very much runs", OPEN)


def test_the_panel_of_a_workflow_column(visit: Visit, table: Table, look: Look) -> None:
    page = visit(f"/tables/{table.pk}/")
    panel = page.get_by_role("complementary", name="Workflow column")
    page.get_by_role("button", name="Run out", exact=True).click()
    page.get_by_role("menuitem", name="Edit this workflow column…").click()
    expect(panel.get_by_role("heading", name="out", exact=True)).to_be_visible()
    panel.get_by_role("button", name="Edit steps").click()
    expect(panel.get_by_role("list", name="Steps")).to_be_visible()
    look("a workflow column that is edited")
    panel.get_by_role("button", name="Add a step").click()
    look("the kinds of steps", OPEN)
    page.get_by_role("menuitem", name="HTTP request").click()
    look("a step with all its fields", "#workflow-panel")
