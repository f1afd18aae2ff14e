from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tableflow.tables.imports import load, upload
from tableflow.tables.imports.plan import MAX_FIELDS
from tableflow.tables.models import Column, Import, ImportChunk, Member, Row, Table
from tableflow.tables.types import MAX_DEPTH
from tests.api.conftest import Api
from tests.factories import ImportFactory, TableFactory

pytestmark = pytest.mark.django_db

CITIES = (
    b"Name,Population,Founded,Site,Zip\nRome,2800000,0753-04-21,https://rome.it,00100\nUlm,126000,0850-07-22,,89073\n"
)


def send(api: Api, path: str, body: bytes, file_name: str = "cities.csv", **fields: Any) -> Any:
    fields = {key: json.dumps(value) if isinstance(value, dict) else value for key, value in fields.items()}
    return api.upload(path, {"file": SimpleUploadedFile(file_name, body), **fields})


def loaded(response: Any) -> Import:
    assert response.status_code == 202, response.content
    source = Import.objects.get(pk=response.json()["id"])
    load.run(source.pk, source.fence)
    source.refresh_from_db()
    return source


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert not Import.objects.exists()
    assert not ImportChunk.objects.exists()
    (error,) = response.json()["errors"]
    return dict(error)


def rows(table_id: int | None) -> list[dict[str, Any]]:
    return [row.data for row in Row.objects.filter(table=table_id).order_by("position")]


def test_a_file_becomes_a_table_named_after_it_with_typed_columns(api: Api, user: Any) -> None:
    response = send(api, "imports/", CITIES)
    body = response.json()
    assert {key: body[key] for key in ("status", "rows_done", "rows_total", "rejected", "errors")} == {
        "status": "pending",
        "rows_done": 0,
        "rows_total": 2,
        "rejected": 0,
        "errors": [],
    }
    table = Table.objects.get(pk=body["table"])
    assert (table.name, table.owner) == ("cities", user)
    assert list(Column.objects.filter(table=table).values_list("key", "name", "type")) == [
        ("name", "Name", "text"),
        ("population", "Population", "number"),
        ("founded", "Founded", "date"),
        ("site", "Site", "url"),
        ("zip", "Zip", "text"),
    ]
    source = loaded(response)
    assert rows(source.table_id) == [
        {"name": "Rome", "population": 2800000, "founded": "0753-04-21", "site": "https://rome.it", "zip": "00100"},
        {"name": "Ulm", "population": 126000, "founded": "0850-07-22", "zip": "89073"},
    ]
    answer = api.get(f"imports/{source.pk}/").json()
    assert (answer["status"], answer["rows_done"], answer["rows_total"]) == ("complete", 2, 2)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.csv", "Name;Town\nZoë;Köln\n".encode("utf-8-sig")),
        ("a.csv", "Name;Town\nZoë;Köln\n".encode("utf-16")),
        ("a.csv", "Name;Town\r\nZoë;Köln\r\n".encode("latin-1")),
        ("a.csv", "Name|Town\nZoë|Köln".encode()),
        ("a.txt", "\n\nName\tTown\rZoë\tKöln\r".encode()),
        ("a.tsv", "Name\tTown\nZoë\tKöln\n".encode()),
        ("a.jsonl", '{"Name": "Zoë"}\n{"Town": "Köln"}\n'.encode()),
        ("a", '{"Name": "Zoë", "Town": "Köln"}'.encode()),
    ],
)
def test_common_encodings_delimiters_and_formats_are_told_apart(api: Api, name: str, body: bytes) -> None:
    source = loaded(send(api, "imports/", body, name))
    assert {key: value for row in rows(source.table_id) for key, value in row.items()} == {
        "name": "Zoë",
        "town": "Köln",
    }
    assert source.rejected == 0


def test_odd_names_of_columns_are_made_usable(api: Api) -> None:
    source = loaded(send(api, "imports/", b"a,,A,=b\n1,2,3,4\n"))
    assert list(Column.objects.filter(table=source.table_id).values_list("name", flat=True)) == [
        "a",
        "column_2",
        "A 2",
        "=b",
    ]
    assert rows(source.table_id) == [{"a": 1, "column_2": 2, "a_2": 3, "b": 4}]


def test_a_header_without_rows_makes_an_empty_table(api: Api) -> None:
    source = loaded(send(api, "imports/", b"a,b\n"))
    assert (source.status, source.rows_done, source.rows_total) == ("complete", 0, 0)
    assert Column.objects.filter(table=source.table_id).count() == 2


def test_the_mapping_of_a_new_table_names_keys_and_leaves_columns_out(api: Api) -> None:
    source = loaded(send(api, "imports/", CITIES, name="Towns", mapping={"Name": "town", "Site": None}))
    assert list(Column.objects.filter(table=source.table_id).values_list("key", flat=True)) == [
        "town",
        "population",
        "founded",
        "zip",
    ]
    assert rows(source.table_id)[0]["town"] == "Rome"


@pytest.mark.parametrize(
    ("name", "body", "status", "attr"),
    [
        ("a.csv", b"", 400, "file"),
        ("a.csv", b"\n \n\n", 400, "file"),
        ("a.csv", b'"a,b\n1,2\n', 400, "file"),
        ("a.csv", b"\x89PNG\r\n\x1a\n\x00\x8d" + bytes(range(256)) * 40, 400, "file"),
        ("a.csv", b",".join(b"c%d" % number for number in range(501)) + b"\n", 400, "file"),
        ("a.jsonl", b"[1]\nnope\n", 400, "file"),
        ("a.jsonl", b"{}\n", 400, "file"),
        ("a.xlsx", b"PK\x03\x04 and no more", 400, "file"),
        ("a.xls", b"\xd0\xcf\x11\xe0", 415, None),
        ("a.pdf", b"%PDF-1.7", 415, None),
    ],
)
def test_what_cannot_be_imported_is_refused_at_once(
    api: Api, name: str, body: bytes, status: int, attr: str | None
) -> None:
    assert problem(send(api, "imports/", body, name), status)["attr"] == attr
    assert not Table.objects.exists()


def test_a_workbook_of_the_old_kind_is_refused_with_what_to_do(api: Api) -> None:
    assert "save it as .xlsx" in problem(send(api, "imports/", b"\xd0\xcf\x11\xe0", "a.xlsx"), 415)["detail"]


def test_a_file_over_the_limit_is_413(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MAX_FILE_BYTES", 10)
    assert problem(send(api, "imports/", b"a,b\n1,2\n3,4\n"), 413)["code"] == "too_large"
    assert problem(api.upload("imports/", {}, CONTENT_LENGTH=9_000_000), 413)


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"mapping": "{nope"}, "mapping"),
        ({"mapping": "[1]"}, "mapping"),
        ({"mapping": {"Name": 3}}, "mapping"),
        ({"mapping": "[" * 200_000}, "mapping"),
        ({"mapping": {"Nmae": "name"}}, "mapping.Nmae"),
        ({"types": "[1]"}, "types"),
        ({"types": {"Population": 3}}, "types"),
        ({"types": {"Population": "numbr"}}, "types.Population"),
        ({"types": {"Popluation": "number"}}, "types.Popluation"),
        ({"types": {"Name": "number"}, "mapping": {"Name": None}}, "types.Name"),
        ({"sheet": "First"}, "sheet"),
        ({"mapping": {"Name": "nope"}}, "mapping.Name"),
        ({"create_columns": "false"}, "mapping.Population"),
        ({"mode": "upsert"}, "mode"),
        ({"file": ""}, "file"),
    ],
)
def test_a_wish_that_cannot_be_met_names_its_field(api: Api, user: Any, fields: Any, attr: str) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text"})
    body = b"Name,Population\nRome,1\n"
    response = send(api, f"tables/{table.pk}/imports/", body, **fields)
    assert problem(response, 400)["attr"] == attr
    assert Column.objects.count() == 1


def test_a_request_without_a_file_names_the_file(api: Api) -> None:
    assert problem(api.upload("imports/", {}), 400)["attr"] == "file"
    assert problem(api.post("imports/", {}), 415)


def test_lines_go_to_the_columns_of_their_name_and_new_columns_are_made(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text", "size": "number"})
    mapping = {"Population": "size", "Site": None}
    source = loaded(send(api, f"tables/{table.pk}/imports/", CITIES, mapping=mapping))
    assert list(Column.objects.filter(table=table).values_list("key", flat=True)) == ["name", "size", "founded", "zip"]
    assert rows(table.pk)[1] == {"name": "Ulm", "size": 126000, "founded": "0850-07-22", "zip": "89073"}
    assert source.table_id == table.pk
    table.refresh_from_db()
    assert table.row_count == 2


def test_fields_mapped_to_null_need_no_column(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text"})
    path, body = f"tables/{table.pk}/imports/", b"name,Population\nRome,1\n"
    loaded(send(api, path, body, create_columns="false", mapping={"Population": None}))
    assert rows(table.pk) == [{"name": "Rome"}]


def test_replace_puts_the_file_in_the_place_of_the_rows(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text"}, row_count=1)
    Row.objects.create(table=table, position=1, data={"name": "Old"})
    loaded(send(api, f"tables/{table.pk}/imports/", b"name\nNew\n", mode="replace"))
    assert rows(table.pk) == [{"name": "New"}]


def test_rejected_lines_are_told_with_line_column_and_reason(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text", "age": "number"})
    source = loaded(send(api, f"tables/{table.pk}/imports/", b"name,age\nAnn,1\nBob,x\n"))
    answer = api.get(f"imports/{source.pk}/").json()
    assert (answer["rows_done"], answer["rejected"]) == (1, 1)
    (error,) = answer["errors"]
    assert (error["line"], error["attr"]) == (3, "age")
    assert "no number" in error["detail"]


def test_types_of_new_columns_are_as_wished_and_a_new_column_may_have_a_name_that_is_there(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text"})
    wished = {"Population": "text", "Name": "select"}
    loaded(send(api, f"tables/{table.pk}/imports/", CITIES, types=wished, mapping={"Site": None, "Zip": None}))
    assert list(Column.objects.filter(table=table).values_list("key", "type")) == [
        ("name", "text"),
        ("name_2", "select"),
        ("population", "text"),
        ("founded", "date"),
    ]
    assert rows(table.pk)[0] == {"name_2": "Rome", "population": "2800000", "founded": "0753-04-21"}


def test_the_rejected_lines_come_as_a_file_that_imports_again_when_it_is_mended(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text", "age": "number"})
    path = f"tables/{table.pk}/imports/"
    body = b'name;age;note\nAnn;1;=1+1\nBob;x;=2+2\nCy;-1;a;b\nDi;"7;"odd"\nEd;;-3\n'
    source = loaded(send(api, path, body, mapping={"note": None}))
    answer = api.get(f"imports/{source.pk}/rejected/", {"format": "csv"})
    assert (answer["X-Rejected"], answer["X-Rejected-Kept"]) == ("3", "3")
    assert answer["Content-Disposition"] == 'attachment; filename="cities-rejected.csv"'
    lines = list(csv.reader(io.StringIO(answer.content.decode(), newline="")))
    assert lines[0] == ["name", "age", "note", "error"]
    assert [line[:3] for line in lines[1:]] == [["Bob", "x", "'=2+2"], ["Cy", "-1", "a"], ["Di", '7;odd"', ""]]
    assert lines[1][3] == "Line 3, age: 'x' is no number; write digits with a decimal point, such as 1234.5."
    assert lines[2][3:] == ["Line 4: The line has 4 fields; the header has 3.", "b"]

    again = loaded(send(api, path, answer.content, mapping={"note": None, "error": None}))
    assert (again.rows_done, again.rejected) == (0, 3)
    twice = api.get(f"imports/{again.pk}/rejected/").content.decode()
    assert next(csv.reader(io.StringIO(twice))) == ["name", "age", "note", "error"]
    mended = answer.content.replace(b"Bob,x", b"Bob,2").replace(b",b\r\n", b"\r\n").replace(b'"7;odd"""', b"7")
    assert loaded(send(api, path, mended, mapping={"note": None, "error": None})).rejected == 0
    assert [row.get("age") for row in rows(table.pk)] == [1, None, 2, -1, 7]


def test_rejected_objects_come_with_the_fields_that_had_no_column(api: Api) -> None:
    source = loaded(send(api, "imports/", b'{"n": 1}\n' * 1_000 + b'{"n": [2], "m": {"x": 3}}\nnope\n', "a.jsonl"))
    lines = list(csv.reader(io.StringIO(api.get(f"imports/{source.pk}/rejected/").content.decode())))
    assert lines[0] == ["n", "m", "error"]
    assert [line[:2] for line in lines[1:]] == [["[2]", '{"x":3}'], ["nope", ""]]


def test_rejected_objects_come_with_no_more_fields_than_a_file_may_have(api: Api) -> None:
    more = {f"f{number}": "" for number in range(MAX_FIELDS + 5)}
    body = b'{"n": 1}\n' * 1_000 + json.dumps(more).encode()
    source = loaded(send(api, "imports/", body, "a.jsonl"))
    lines = list(csv.reader(io.StringIO(api.get(f"imports/{source.pk}/rejected/").content.decode())))
    assert [len(line) for line in lines] == [1 + MAX_FIELDS + 1] * 2


def test_an_object_nested_too_deep_is_rejected_alone(api: Api) -> None:
    deepest = MAX_DEPTH + 1  # the last list may be there, but hold nothing
    lines = [f'{{"n": {"[" * depth}{"]" * depth}}}\n'.encode() for depth in (deepest, deepest + 1, 1_000)]
    source = loaded(send(api, "imports/", b"".join(lines), "a.jsonl"))
    assert (source.status, source.rows_done) == ("complete", 1)
    assert [(error["line"], error["attr"]) for error in source.errors] == [(2, None), (3, None)]
    assert "nested more than 100 levels deep" in source.errors[1]["detail"]
    kept = list(csv.reader(io.StringIO(api.get(f"imports/{source.pk}/rejected/").content.decode())))
    assert [line[0] for line in kept[1:]] == [line.decode().strip() for line in lines[1:]]


def test_no_more_of_what_was_rejected_is_kept_than_it_says(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"n": "number"})
    long = b"x" * 60_000 + b"\n"
    source = loaded(send(api, f"tables/{table.pk}/imports/", b"n\n" + long * 20 + b"y\n" * 1_500))
    answer = api.get(f"imports/{source.pk}/rejected/")
    assert (answer["X-Rejected"], answer["X-Rejected-Kept"]) == ("1520", "1000")
    assert len(answer.content) < 1_200_000
    assert b"too long to be kept" in answer.content
    assert api.get(f"imports/{source.pk}/rejected/", {"format": "pdf"}).status_code == 400


def test_the_imports_into_a_table_are_listed_the_newest_first(api: Api, user: Any) -> None:
    table = TableFactory.create(owner=user)
    made = [ImportFactory.create(table=table, status=status) for status in ("complete", "pending", "running")]
    ImportFactory.create()
    path = f"tables/{table.pk}/imports/"
    assert [each["id"] for each in api.get(path).json()["results"]] == [each.pk for each in reversed(made)]
    active = api.get(path, {"status": "active", "limit": 1}).json()
    assert (active["count"], active["results"][0]["status"]) == (2, "running")
    assert api.get(path, {"status": "complete"}).json()["count"] == 1
    assert api.get(path, {"status": "done"}).json()["errors"][0]["attr"] == "status"
    assert api.get("tables/9999999/imports/").status_code == 404


def test_a_list_of_imports_tells_only_the_first_errors_of_each(api: Api, user: Any) -> None:
    errors = [{"line": line, "attr": None, "detail": "no"} for line in range(30)]
    source = ImportFactory.create(table=TableFactory.create(owner=user), errors=errors)
    (listed,) = api.get(f"tables/{source.table_id}/imports/").json()["results"]
    assert listed["errors"] == errors[:20]
    assert api.get(f"imports/{source.pk}/").json()["errors"] == errors


def test_cancel_is_idempotent_and_an_ended_import_is_409(api: Api, user: Any) -> None:
    source = ImportFactory.create(table=TableFactory.create(owner=user), body=b"a\n1\n")
    path = f"imports/{source.pk}/cancel/"
    for _ in range(2):
        response = api.post(path)
        assert (response.status_code, response.json()["status"]) == (200, "cancelled")
    Import.objects.update(status="complete")
    assert api.post(path).status_code == 409


@pytest.mark.parametrize(("role", "status"), [(None, 404), ("viewer", 403), ("editor", 202)])
def test_only_who_may_change_the_table_may_import(api: Api, user: Any, role: str | None, status: int) -> None:
    table = TableFactory.create(columns={"name": "text"})
    if role:
        Member.objects.create(table=table, user=user, role=role)
    assert send(api, f"tables/{table.pk}/imports/", b"name\nAnn\n").status_code == status
    previewed = send(api, f"tables/{table.pk}/imports/preview/", b"name\nAnn\n").status_code
    assert previewed == (200 if status == 202 else status)
    source = ImportFactory.create(table=table)
    for path in ("", "rejected/"):
        assert api.get(f"imports/{source.pk}/{path}").status_code == (200 if role else 404)
    assert api.post(f"imports/{source.pk}/cancel/").status_code == (200 if status == 202 else status)


def test_without_a_login_it_is_401(api_of: Callable[[None], Api]) -> None:
    assert api_of(None).get("imports/1/").status_code == 401
