"""Workbooks into rows: what a program writes, what hands and attackers write, and a load that dies in the middle."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from django.db.models.functions import Now

from tableflow.errors import InvalidInput
from tableflow.tables import exports, schema
from tableflow.tables.imports import lifecycle, load, looks, markup, upload, workbooks
from tableflow.tables.models import Column, Import, ImportChunk, Row, Table
from tests.factories import TableFactory, UserFactory

pytestmark = pytest.mark.django_db

DAY = dt.datetime.fromisoformat("2024-01-31")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def workbook(write: Callable[[Any, Any], None], **options: Any) -> bytes:
    """A workbook with one sheet, into which `write(book, sheet)` writes."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, options) as book:
        write(book, book.add_worksheet("People"))
    return file.getvalue()


def table_of(rows: list[list[Any]]) -> bytes:
    return workbook(lambda _, sheet: [sheet.write_row(line, 0, row) for line, row in enumerate(rows)])


def by_hand(sheet: str, *, packing: int = zipfile.ZIP_DEFLATED, **more: str) -> bytes:
    """A workbook of these parts; those that have to be there besides are."""
    parts = {
        "xl/workbook.xml": f'<x:workbook xmlns:x="{MAIN}" xmlns:r="{LINKS}"><x:sheets>'
        '<x:sheet name="One" sheetId="1" r:id="r1"/></x:sheets></x:workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships><Relationship Id="r1" Type="{LINKS}/worksheet" '
        'Target="/xl/worksheets/one.xml"/></Relationships>',
        "xl/worksheets/one.xml": f'<worksheet xmlns="{MAIN}">{sheet}</worksheet>',
        **more,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def texts_of(*texts: str) -> dict[str, str]:
    """The part that keeps these texts, which cells name by their numbers."""
    return {"xl/sharedStrings.xml": f"<sst>{''.join(f'<si><t>{text}</t></si>' for text in texts)}</sst>"}


def texts_named(count: int) -> str:
    """A row of so many cells, all of the first text."""
    return "<sheetData><row>" + "<c t='s'><v>0</v></c>" * count + "</row></sheetData>"


def received(body: bytes, table: Table | None = None, **wish: Any) -> Import:
    return upload.receive(
        io.BytesIO(body), "people.xlsx", user=UserFactory.create(), table=table, wish=upload.Wish(**wish), ring=False
    )


def run(source: Import, **options: Any) -> Import:
    load.run(source.pk, source.fence, **options)
    source.refresh_from_db()
    return source


def rows(source: Import) -> list[dict[str, Any]]:
    return [row.data for row in Row.objects.filter(table=source.table).order_by("position")]


def types_of(source: Import) -> dict[str, str]:
    return dict(Column.objects.filter(table=source.table).values_list("key", "type"))


def every_type(book: Any, sheet: Any) -> None:
    day, moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": 22})
    sheet.write_row(2, 0, ["Name", 2024, "Half", "Vip", "Born", "Seen", "Span", "Sum"])
    sheet.write_string(4, 0, "Ann")
    sheet.write_number(4, 1, 3)
    sheet.write_number(4, 2, 0.5)
    sheet.write_boolean(4, 3, True)
    sheet.write_datetime(4, 4, DAY, day)
    sheet.write_datetime(4, 5, DAY.replace(hour=12, minute=5), moment)
    sheet.write_number(4, 6, 1.5, book.add_format({"num_format": "[h]:mm:ss"}))
    sheet.write_formula(4, 7, "=B5*2", None, 6)
    sheet.write_rich_string(5, 0, "B", book.add_format({"bold": True}), "o", "b")
    sheet.write_blank(5, 1, None, day)
    sheet.write_number(5, 2, 1.25e19)


def test_cells_of_every_kind_become_values_of_typed_columns() -> None:
    source = run(received(workbook(every_type)))
    assert types_of(source) == {
        "name": "text",
        "2024": "number",
        "half": "number",
        "vip": "boolean",
        "born": "date",
        "seen": "datetime",
        "span": "text",
        "sum": "number",
    }
    ann = {"name": "Ann", "2024": 3, "half": 0.5, "vip": True, "born": "2024-01-31", "seen": "2024-01-31T12:05:00Z"}
    assert rows(source) == [{**ann, "span": "36:00:00", "sum": 6}, {"name": "Bob", "half": 1.25e19}]
    assert (source.status, source.rows_total, source.plan["sheet"]) == ("complete", 2, "People")
    assert not ImportChunk.objects.exists()


def test_cells_fit_the_columns_that_are_there_or_their_row_is_rejected_by_its_number() -> None:
    columns = {"name": "text", "age": "number", "born": "date", "seen": "datetime"}
    table = TableFactory.create(columns=columns)

    def write(book: Any, sheet: Any) -> None:
        day = book.add_format({"num_format": 14})
        sheet.write_row(0, 0, list(columns))
        sheet.write_row(1, 0, [89073, "12"])
        sheet.write_datetime(1, 2, DAY, day)
        sheet.write_datetime(1, 3, DAY, day)
        sheet.write_datetime(2, 0, DAY, day)
        sheet.write_row(3, 0, ["Cy", "old"])
        sheet.write_row(4, 0, ["Di", 1, "", "", "more"])
        sheet.write_datetime(5, 1, DAY, day)

    source = run(received(workbook(write), table))
    first = {"name": "89073", "age": 12, "born": "2024-01-31", "seen": "2024-01-31T00:00:00Z"}
    assert rows(source) == [first, {"name": "2024-01-31"}]
    assert [(error["line"], error["attr"]) for error in source.errors] == [(4, "age"), (5, None), (6, "age")]
    assert "column 5" in source.errors[1]["detail"]
    assert [reject.record for reject in source.rejects.all()] == [
        ["Cy", "old"],
        ["Di", "1", "", "", "more"],
        ["", "2024-01-31"],
    ]


def test_another_sheet_is_read_when_it_is_named() -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["a"])
        other = book.add_worksheet("Ünlike & <other>")
        other.write_column(0, 0, ["b", "x"])

    assert rows(run(received(workbook(write), sheet="Ünlike & <other>"))) == [{"b": "x"}]


def test_what_other_programs_write_is_read_too() -> None:
    sheet = (
        "<sheetData><row><c t='inlineStr'><is><r><t>Na</t></r><r><t>me</t></r><rPh><t>x</t></rPh></is></c>"
        "<c t='str'><v>When</v></c><c t='inlineStr'><is><t>On</t></is></c></row><row r='3'/>"
        "<row><c t='str'><f>A1</f><v>Ann</v></c><c t='d'><v>2024-01-31T10:00:00</v></c><c t='b'><v>0</v></c></row>"
        "<row r='9'><c r='C9' t='b'><v>1</v></c><c r='D9' t='e'/></row></sheetData>"
    )
    source = run(received(by_hand(sheet)))
    assert rows(source) == [{"name": "Ann", "when": "2024-01-31T10:00:00Z", "on": False}, {"on": True}]
    assert source.rows_total == 2


def test_an_export_comes_back_as_it_was() -> None:
    table = TableFactory.create(columns={"name": "text", "size": "number", "on": "boolean", "day": "date"})
    data = {"name": "=1+1 \x01\r_x000D_", "size": -2.5, "on": True, "day": "2024-02-29"}
    Row.objects.create(table=table, position=1, data=data)
    body = b"".join(exports.stream("xlsx", schema.load(table.pk)))
    source = run(received(body))
    assert (rows(source), types_of(source)) == ([data], {**dict.fromkeys(data, ""), **types_of_table(table)})


def types_of_table(table: Table) -> dict[str, str]:
    return dict(Column.objects.filter(table=table).values_list("key", "type"))


class Died(BaseException):
    """Stands for a SIGKILL: nothing of the load's own runs after it."""


def test_a_load_that_died_goes_on_after_its_last_batch_and_no_row_lands_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "BATCH_RECORDS", 10)
    source = received(table_of([["n"], *([number] for number in range(45))]))

    def die(done: int) -> None:
        if done == 20:
            raise Died

    with pytest.raises(Died):
        load.run(source.pk, source.fence, after_batch=die)
    Import.objects.update(lease_until=Now())
    lifecycle.ring_overdue()
    source.refresh_from_db()
    assert (source.status, source.rows_done) == ("pending", 20)
    run(source)
    assert [row["n"] for row in rows(source)] == list(range(45))
    assert source.status == "complete"


def test_a_workbook_that_is_damaged_below_its_first_rows_fails_with_a_plain_sentence() -> None:
    body = by_hand("<sheetData>" + "".join(f"<row><c><v>{n}</v></c></row>" for n in range(5_000)) + "<row>")
    source = run(received(body.replace(b"nothing", b"")))
    assert source.status == "failed"
    assert "The workbook cannot be read: it is damaged." in source.errors[0]["detail"]
    assert source.errors[0]["line"] is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"PK\x03\x04 nothing of it", "damaged, or not all of it"),
        (table_of([["a"], [1]])[:-30], "damaged, or not all of it"),
        (table_of([]), "no header row"),
        (by_hand("<sheetData/>", **{"xl/workbook.xml": "<workbook/>"}), "no sheets"),
        (by_hand("<sheetData/>", **{"xl/workbook.xml": "<workbook>"}), "damaged"),
        (by_hand("<sheetData><row r='2'/><row r='2'/></sheetData>"), "in their order"),
        (by_hand("<sheetData><row r='1048577'/></sheetData>"), "in their order"),
        (by_hand("<sheetData><row><c t='s'><v>7</v></c></row></sheetData>"), "a text that is not there"),
        (by_hand("<sheetData><row><c t='s'><v>-1</v></c></row></sheetData>"), "a text that is not there"),
        (by_hand("<sheetData><row><c r='AAAA1'><v>7</v></c></row></sheetData>"), "a cell at"),
        (by_hand(f"<sheetData><row><c><v>{'1' * 13_000_000}</v></c></row></sheetData>"), "longer than"),
        (by_hand(f"<sheetData><row r='1' x='{'y' * 3_000_000}'/></sheetData>"), "damaged"),
        (by_hand("", **{"xl/worksheets/one.xml": '<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'}), "document type"),
        (by_hand("", **{"xl/worksheets/one.xml": '<?xml version="1.0" encoding="utf-7"?><worksheet/>'}), "encoding"),
        (by_hand("<sheetData/>", **{"xl/styles.xml": "<styleSheet>" + " " * 17 * 2**20}), "16 MiB"),
        (by_hand(texts_named(2), **texts_of("x" * 7_000_000)), "longer than"),
        (by_hand("<a>" * 200 + "</a>" * 200), "nested"),
        (by_hand("<sheetData/>", packing=zipfile.ZIP_LZMA), "packed"),
        (
            by_hand("<sheetData/>", **{f"xl/media/{number:03}{'x' * 2_000}": "" for number in range(600)}),
            "too many parts",
        ),
    ],
)
def test_a_workbook_that_cannot_be_read_is_refused_at_once_and_says_why(body: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        received(body)
    assert refused.value.problems[0].attr == "file"
    assert not Table.objects.exists()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "MAX_UNPACKED_BYTES", 1_000_000)
    with pytest.raises(InvalidInput, match="unpacks to 3,"):
        received(by_hand("<sheetData>" + " " * 3_000_000))


def test_no_more_texts_are_kept_than_a_workbook_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_STRINGS", 3)
    body = by_hand(texts_named(1), **texts_of(*"abc"))
    assert workbooks.opened(io.BytesIO(body)).texts == ["a", "b", "c"]
    with pytest.raises(InvalidInput, match="more than 3 texts"):
        received(by_hand(texts_named(1), **texts_of(*"abcd")))


def test_only_the_beginning_of_a_sheet_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SAMPLE_SHEET_BYTES", 2 * markup.PIECE_BYTES)
    head, gap = "<row><c><v>1</v></c></row>", " " * 3 * markup.PIECE_BYTES
    row = "<row r='2'><c><v>2</v></c></row>"
    seen = looks.look_at(io.BytesIO(by_hand(f"<x>{head}{gap}{row}</x><dimension ref='A1:A2'/>")), "a.xlsx")
    assert (seen.names, seen.records, seen.rows_total) == (["1"], [], None)
    with pytest.raises(InvalidInput, match="no header row"):
        received(by_hand(f"<sheetData>{gap}{head}</sheetData>"))
    assert rows(run(received(by_hand(f"<sheetData>{head}{gap}{row}</sheetData>")))) == [{"1": "2"}]


def test_two_cells_far_apart_cost_nothing() -> None:
    far = (
        "<sheetData><row><c r='A1'><v>1</v></c></row><row r='1048576'><c r='XFD1048576'><v>2</v></c></row></sheetData>"
    )
    book = workbooks.opened(io.BytesIO(by_hand("<dimension ref='A1:XFD1048576'/>" + far)))
    assert list(book.rows("One")) == [(1, [1])]
    assert book.height("One") == 1_048_576
