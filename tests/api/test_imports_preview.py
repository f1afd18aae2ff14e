from __future__ import annotations

import io
import json
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from django.core.files.uploadedfile import SimpleUploadedFile

from tableflow.tables.imports import looks, preview
from tableflow.tables.models import Column, Import, ImportChunk, Table
from tests.api.conftest import Api
from tests.factories import TableFactory

pytestmark = pytest.mark.django_db

CITIES = b"Name;Population;Founded\nRome;2800000;0753-04-21\nUlm;;0850-07-22\n;big;\n"


def look(api: Api, body: bytes, file_name: str = "cities.csv", path: str = "imports/preview/", **fields: Any) -> Any:
    fields = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in fields.items()}
    return api.upload(path, {"file": SimpleUploadedFile(file_name, body), **fields})


def seen(*arguments: Any, **fields: Any) -> dict[str, Any]:
    response = look(*arguments, **fields)
    assert response.status_code == 200, response.content
    return dict(response.json())


def test_a_new_table_is_foretold_and_nothing_is_kept(api: Api) -> None:
    found = seen(api, CITIES)
    assert {key: found[key] for key in ("format", "encoding", "delimiter", "sheet", "sheets", "rows_total")} == {
        "format": "csv",
        "encoding": "utf-8",
        "delimiter": ";",
        "sheet": None,
        "sheets": [],
        "rows_total": None,
    }
    population = {"header": "Population", "type": "text", "column": None, "create": True}
    assert found["columns"][1] == {**population, "samples": ["2800000", "big"]}
    assert [column["type"] for column in found["columns"]] == ["text", "text", "date"]
    assert found["rows"] == [["Rome", "2800000", "0753-04-21"], ["Ulm", None, "0850-07-22"], [None, "big", None]]
    assert (found["sampled"], found["rejected"], found["problems"]) == (3, 0, [])
    assert not any(kind.objects.exists() for kind in (Import, ImportChunk, Table))


def test_what_goes_to_columns_that_are_there_is_tried_on_them(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text", "size": "number"})
    path = f"tables/{table.pk}/imports/preview/"
    wish = {"mapping": {"Population": "size", "Founded": None}}
    found = seen(api, CITIES, path=path, **wish)
    assert [(column["column"], column["create"], column["type"]) for column in found["columns"]] == [
        ("name", False, "text"),
        ("size", False, "text"),
        (None, False, "date"),
    ]
    assert found["rejected"] == 1
    (told,) = found["problems"]
    assert (told["line"], told["attr"]) == (4, "Population")
    assert "no number" in told["detail"]
    assert seen(api, CITIES, path=path, types={"Name": "select", "Population": "number"})["rejected"] == 1
    assert Column.objects.count() == 2


def test_a_wish_that_cannot_be_met_is_a_problem_and_no_refusal(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text"})
    mapping = {"Population": "name", "Name": "name", "Nmae": "name"}
    found = seen(api, CITIES, path=f"tables/{table.pk}/imports/preview/", mapping=mapping, types={"Founded": "dat"})
    assert {problem["attr"] for problem in found["problems"]} >= {"mapping.Nmae", "mapping.Population"}
    assert [problem["line"] for problem in found["problems"]] == [None, None]
    assert len(found["columns"]) == 3


def test_a_beginning_that_was_cut_off_shows_its_whole_lines(api: Api) -> None:
    body = ("Näme,Age\n" + "Zoë,3\n" * 200_000).encode()[: looks.SAMPLE_BYTES]
    found = seen(api, body)
    assert (found["encoding"], found["rejected"], found["sampled"]) == ("utf-8", 0, 1_000)
    assert len(found["rows"]) == preview.SHOWN_ROWS
    refused = look(api, body + b"x")
    assert (refused.status_code, "workbook of 16,777,216" in refused.json()["errors"][0]["detail"]) == (413, True)


def test_objects_have_the_fields_that_any_of_them_has(api: Api) -> None:
    found = seen(api, b'{"a": [1]}\n{"b": "\\u0000x", "a": null}\n[]\n', "a.jsonl")
    assert [(column["header"], column["type"]) for column in found["columns"]] == [("a", "json"), ("b", "text")]
    assert found["rows"] == [["[1]", None], [None, "x"]]
    assert [problem["line"] for problem in found["problems"]] == [2, 3]


def test_an_object_nested_too_deep_is_a_problem_and_no_fault(api: Api) -> None:
    found = seen(api, b'{"a": 1}\n{"a": ' + b"[" * 1_000 + b"]" * 1_000 + b"}\n", "a.jsonl")
    assert (found["rows"], [problem["line"] for problem in found["problems"]]) == ([["1"]], [2])


def test_a_workbook_shows_the_sheet_that_is_asked_for(api: Api) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("Empty")
        sheet = book.add_worksheet("People")
        sheet.write_row(0, 0, ["Name", "Age"])
        sheet.write_row(1, 0, ["Ann", 3])
    assert look(api, file.getvalue(), "a.xlsx").json()["errors"][0]["attr"] == "file"
    found = seen(api, file.getvalue(), "a.xlsx", sheet="People")
    assert (found["format"], found["sheet"], found["sheets"]) == ("xlsx", "People", ["Empty", "People"])
    assert (found["rows_total"], found["rows"]) == (1, [["Ann", "3"]])
    refused = look(api, file.getvalue(), "a.xlsx", sheet="Nobody").json()["errors"][0]
    assert (refused["attr"], "Empty, People" in refused["detail"]) == ("sheet", True)


@pytest.mark.parametrize(
    ("name", "body", "status"), [("a.csv", b"", 400), ("a.pdf", b"%PDF", 415), ("a.xls", b"x", 415)]
)
def test_what_cannot_be_imported_cannot_be_previewed(api: Api, name: str, body: bytes, status: int) -> None:
    assert look(api, body, name).status_code == status
