"""Bringing files in as somebody does it: what is shown before, where columns go, what loads, and what was rejected."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from dispatch.models import Dispatch
from tableflow.tables.imports import upload
from tableflow.tables.models import Column, Group, Import, Row, Table
from tests import scenes
from tests.factories import TableFactory

Visit = Callable[[str], Page]

PEOPLE = "Name,Age,Town,Note\nAda,36,London,first\nGrace,85,New York,\nbroken,1,2,3,4\nAlan,41,London,last\n"


@pytest.fixture
def table(user: User) -> Table:
    """Three places with a text and a number."""
    made: Table = TableFactory.create(
        name="Places", owner=user, columns={"name": "text", "people": "number"}, row_count=3
    )
    Row.objects.bulk_create(Row(table=made, position=n, data={"name": f"place {n}", "people": n}) for n in range(1, 4))
    return made


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def opened(page: Page, file: Path | None = None) -> Locator:
    """The dialog of a table's page, with the file chosen."""
    page.get_by_role("button", name="More about this table").click()
    page.get_by_role("menuitem", name="Import into this table…").click()
    dialog = page.get_by_role("dialog", name="Import into")
    if file:
        dialog.get_by_label("File", exact=True).set_input_files(file)
    return dialog


def tray(page: Page) -> Locator:
    return page.get_by_role("region", name="Imports")


def values(table: Table) -> list[object]:
    return [row.data for row in Row.objects.filter(table=table).order_by("position")]


@pytest.mark.usefixtures("worker")
def test_a_file_becomes_a_table_as_it_is_wished_and_what_was_rejected_can_be_mended(
    visit: Visit, tmp_path: Path
) -> None:
    page = visit("/")
    page.get_by_role("button", name="Import a file…").click()
    dialog = page.get_by_role("dialog", name="Import a file")
    expect(dialog.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    dialog.get_by_label("File", exact=True).set_input_files(written(tmp_path, "people.csv", PEOPLE))
    expect(dialog.get_by_text("csv, commas, utf-8 · 4 columns")).to_be_visible()
    expect(dialog.get_by_label("Type of Age")).to_have_value("number")
    expect(dialog.get_by_role("row", name="Town")).to_contain_text("London · New York")
    expect(dialog.get_by_text("Line 4: The line has 5 fields; the header has 4.")).to_be_visible()
    dialog.get_by_text("First rows").click()
    expect(dialog.get_by_role("table", name="First rows of the file").get_by_role("row")).to_have_count(5)
    dialog.get_by_label("Type of Town").select_option("Choice")
    dialog.get_by_label("Where Note goes").select_option("Leave out")
    expect(dialog.get_by_label("Type of Note")).to_be_disabled()
    dialog.get_by_label("Name of the new table").fill("People")
    dialog.get_by_role("button", name="Import 3 rows").click()

    expect(page.get_by_role("heading", name="People")).to_be_visible()
    expect(tray(page).get_by_text("Done: 3 rows, 1 rejected.")).to_be_visible()
    tray(page).get_by_text("Why lines were rejected").click()
    expect(tray(page).get_by_text("Line 4: The line has 5 fields")).to_be_visible()
    with page.expect_download() as download:
        tray(page).get_by_role("link", name="Download the rejected lines to mend them").click()
    assert download.value.suggested_filename == "people-rejected.csv"
    lines = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(), newline="")))
    assert lines[0] == ["Name", "Age", "Town", "Note", "error"]
    assert list(Column.objects.values_list("name", "type")) == [("Name", "text"), ("Age", "number"), ("Town", "select")]

    lines[1] = [*lines[1][:4], "", ""]
    mended = io.StringIO()
    csv.writer(mended).writerows(line[:5] for line in lines)
    dialog = opened(page, written(tmp_path, "people-rejected.csv", mended.getvalue()))
    expect(dialog.get_by_label("Where error goes")).to_have_value(" out")
    dialog.get_by_label("Where Note goes").select_option("Leave out")
    dialog.get_by_role("button", name="Import 1 row").click()
    expect(tray(page).get_by_text("Done: 1 row.")).to_be_visible()
    assert len(values(Table.objects.get())) == 4
    for card in range(2, 0, -1):
        expect(tray(page).get_by_role("button", name="Dismiss")).to_have_count(card)
        tray(page).get_by_role("button", name="Dismiss").first.click()
    expect(tray(page)).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    expect(tray(page)).to_be_hidden()


@pytest.mark.usefixtures("worker")
def test_the_sheet_of_a_workbook_replaces_the_rows_when_it_is_said_so(
    visit: Visit, table: Table, tmp_path: Path
) -> None:
    file = tmp_path / "places.xlsx"
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("Cover").write_row(0, 0, ["Nothing here"])
        sheet = book.add_worksheet("Towns")
        for line, row in enumerate([["Town", "people", "Seen"], ["Oslo", 700000, "x"], ["Ulm", "many", "y"]]):
            sheet.write_row(line, 0, row)
    page = visit(f"/tables/{table.pk}/")
    dialog = opened(page, file)
    dialog.get_by_label("Sheet").select_option("Towns")
    expect(dialog.get_by_label("Where people goes")).to_have_value("people")
    expect(dialog.get_by_text("Line 3, people: 'many' is no number")).to_be_visible()
    dialog.get_by_label("Where Town goes").select_option("people")
    expect(dialog.get_by_text("Both 'Town' and 'people' go to the column")).to_be_visible()
    dialog.get_by_label("Where Town goes").select_option("Name")
    expect(dialog.get_by_text("Both 'Town'")).to_have_count(0)
    dialog.get_by_label("Where people goes").select_option("New column")
    expect(dialog.get_by_text("would be rejected")).to_have_count(0)
    dialog.get_by_label("Type of people").select_option("Number")
    expect(dialog.get_by_text("Of the first 2 lines 1 would be rejected:")).to_be_visible()
    dialog.get_by_label("Where Seen goes").select_option("Leave out")
    dialog.get_by_label("Put them in the place of the 3 rows that are there").check()
    dialog.get_by_role("button", name="Import 1 row").click()
    question = page.get_by_role("dialog", name="Import, and replace 3 rows?")
    question.get_by_role("button", name="Cancel").click()
    assert not Import.objects.exists()
    dialog.get_by_role("button", name="Import 1 row").click()
    question.get_by_role("button", name="Replace 3 rows").click()
    expect(dialog).to_be_hidden()
    expect(tray(page).get_by_text("Done: 1 row, 1 rejected.")).to_be_visible()
    assert values(table) == [{"name": "Oslo", "people_2": 700000}]


def test_an_import_that_loads_is_shown_again_after_a_reload_and_is_cancelled(
    visit: Visit, user: User, table: Table
) -> None:
    page = visit(f"/tables/{table.pk}/")
    expect(page.get_by_role("grid")).to_be_visible()
    page.evaluate(
        """text => {
            const data = new DataTransfer();
            data.items.add(new File([text], "more.csv"));
            const event = { dataTransfer: data, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("dragover", event));
            document.body.dispatchEvent(new DragEvent("drop", event));
        }""",
        "name\nOslo\n",
    )
    dialog = page.get_by_role("dialog", name="Import into Places")
    dialog.get_by_role("button", name="Import 1 row").click()
    expect(tray(page).get_by_text("Waiting for a worker")).to_be_visible()
    page.reload()
    expect(tray(page).get_by_text("Waiting for a worker")).to_be_visible()
    upload.receive(io.BytesIO(b"name\nUlm\n"), "theirs.csv", user=user, table=table)
    expect(tray(page).get_by_text("theirs.csv")).to_be_visible()
    tray(page).get_by_role("button", name="Cancel the import").first.click()
    expect(tray(page).get_by_text("Cancelled.")).to_be_visible()
    assert list(Import.objects.order_by("pk").values_list("status", flat=True)) == ["cancelled", "pending"]


@pytest.mark.usefixtures("worker")
def test_a_file_that_cannot_be_read_is_refused_and_one_that_breaks_later_says_why(
    visit: Visit, table: Table, tmp_path: Path
) -> None:
    page = visit(f"/tables/{table.pk}/")
    dialog = opened(page, written(tmp_path, "empty.csv", ""))
    problem = dialog.locator("[data-problem=file]")
    expect(problem).to_contain_text("empty")
    dialog.get_by_label("File", exact=True).set_input_files(written(tmp_path, "letter.pdf", "%PDF"))
    expect(dialog.get_by_text("give .csv, .tsv, .jsonl or .xlsx")).to_be_visible()
    expect(dialog.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    dialog.get_by_label("File", exact=True).set_input_files(written(tmp_path, "name.csv", "name,people\nOslo,1\n"))
    expect(dialog.get_by_role("button", name="Import 1 row")).to_be_enabled()
    Table.objects.filter(pk=table.pk).update(row_count=4)
    Column.objects.filter(table=table, key="people").update(type="date")
    Group.objects.all().delete()
    dialog.get_by_label("Put them in the place of").check()
    dialog.get_by_role("button", name="Import 1 row").click()
    page.get_by_role("button", name="Replace 3 rows").click()
    expect(tray(page).get_by_text("Failed: No line of the file could become a row")).to_be_visible()
    expect(tray(page).get_by_role("link", name="Download the rejected lines")).to_be_visible()


def test_an_import_says_what_it_will_start_and_asks(visit: Visit, user: User, tmp_path: Path) -> None:
    table = scenes.doubled(user, 3)
    Group.objects.update(auto_run=True)
    page = visit(f"/tables/{table.pk}/")
    dialog = opened(page, written(tmp_path, "numbers.csv", "n\n" + "".join(f"{n}\n" for n in range(1, 501))))
    expect(dialog.get_by_text("About 500 cells will run by themselves")).to_be_visible()
    dialog.get_by_role("button", name="Import 500 rows").click()
    page.get_by_role("dialog", name="Import, and run about 500 cells?").get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Import 500 rows").click()
    page.get_by_role("button", name="Import and run about 500 cells").click()
    expect(tray(page).get_by_text("numbers.csv")).to_be_visible()
    assert not Dispatch.objects.exists(), "nothing runs before the rows are there"


def test_what_is_shown_is_what_is_exported(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="More about this table").click()
    expect(page.get_by_role("menuitem", name="Export as JSON lines")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("searchbox", name="Search the rows").fill("place 2")
    expect(page.get_by_role("gridcell", name="place 3")).to_have_count(0)
    page.get_by_role("button", name="More about this table").click()
    expect(page.get_by_role("menuitem", name="Export 1 filtered row as Excel")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export 1 filtered row as CSV").click()
    assert Path(download.value.path()).read_bytes() == b"Name,People\r\nplace 2,2\r\n"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (800, 600)])
def test_the_dialog_fits_the_window(
    visit: Visit, table: Table, tmp_path: Path, scheme: str, size: tuple[int, int]
) -> None:
    page = visit(f"/tables/{table.pk}/")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    many = "name,people," + ",".join(f"Column with a name {n}" for n in range(12)) + "\n"
    text = many + "".join(
        f"place {n},{'many' if n == 2 else n}" + f",{'some words ' * n}" * 12 + "\n" for n in range(9)
    )
    dialog = opened(page, written(tmp_path, "places.csv", text))
    expect(dialog.get_by_text(re.compile("would be rejected"))).to_be_visible()
    expect(dialog.get_by_role("button", name="Import 8 rows")).to_be_in_viewport()
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size[0]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
