from __future__ import annotations

import os

import pytest

from tableflow.errors import InvalidInput
from tableflow.tables.imports import delimited, detect, objects
from tableflow.tables.imports.lines import MAX_LINE_CHARS, UNDECODABLE, lines
from tableflow.tables.imports.plan import field_names, targets
from tableflow.tables.imports.rejected import Rejected
from tableflow.tables.models import ColumnType, Import
from tableflow.tables.schema import ColumnSpec


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("name,city\nJosé,São Paulo\n", "utf-8", "utf-8"),
        ("name,city\nJosé,São Paulo\n", "utf-8-sig", "utf-8-sig"),
        ("name,city\nJosé,São Paulo\n", "utf-16", "utf-16"),
        ("name,city\nJosé,São Paulo\n", "utf-16-le", "utf-16-le"),
        ("name,city\nJosé,São Paulo\n", "latin-1", "cp1252"),
        ("name;price\nbolt;5 €\n", "cp1252", "cp1252"),
        ("имя,город\nИван,Москва\nПётр,Казань\n" * 5, "cp1251", "cp1251"),
        ("名前,都市\n太郎,東京\n花子,大阪\n" * 5, "shift_jis", "cp932"),
        ("a,b\n1,2\n", "ascii", "utf-8"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(text: str, encoding: str, found: str) -> None:
    data = text.encode(encoding)
    assert detect.encoding_of([data]) == found
    assert data.decode(found) == text


def test_an_odd_byte_far_down_the_file_decides_the_encoding() -> None:
    blocks = [b"name,city\n" + b"Ann,Rome\n" * 100_000, "Zoë,Köln\n".encode("cp1252")]
    assert detect.encoding_of(blocks) == "cp1252"


def test_a_file_with_utf8_sequences_before_an_odd_byte_is_utf8_with_a_bad_line() -> None:
    data = "Zoë,Köln\n".encode() + b"J\xf6rg,Ulm\n"
    assert detect.encoding_of([data]) == "utf-8"
    assert list(lines([data], "utf-8")) == ["Zoë,Köln\n", f"J{UNDECODABLE}rg,Ulm\n"]


def test_a_character_cut_by_the_end_of_a_block_is_no_odd_byte() -> None:
    data = "a,é\n".encode() * 10
    assert detect.encoding_of([data[:3], data[3:]]) == "utf-8"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be read as text"):
        detect.encoding_of([b"\x89PNG\r\n\x1a\n" + os.urandom(20_000)])


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("a;b\n1,5;2,5\n3,1;4,2\n", ";"),
        ("a\tb\n1,5\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('name;text\nx;"one, two, three"\ny;"four, five, six"\n', ";"),
        ('a,b\n"x;y;z",1\n"line\nbreak; here",2\n', ","),
        ("alone\n1\n2\n", ","),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_evenly(sample: str, delimiter: str) -> None:
    assert detect.delimiter_of(sample) == delimiter


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("n", ["1", "2.5", "-3", "1e3"], ColumnType.NUMBER),
        ("n", ["1", "", "  ", "2"], ColumnType.NUMBER),
        ("n", ["1", "N/A"], ColumnType.TEXT),
        ("code", ["007", "100"], ColumnType.TEXT),
        ("zip", ["10115", "20095"], ColumnType.TEXT),
        ("order_id", ["1", "2"], ColumnType.TEXT),
        ("phone", ["5551234567"], ColumnType.TEXT),
        ("width", ["1", "2"], ColumnType.NUMBER),
        ("n", ["12345678901234567890"], ColumnType.TEXT),
        ("n", ["+49 30 1234567"], ColumnType.TEXT),
        ("b", ["true", "FALSE", "yes", "no"], ColumnType.BOOLEAN),
        ("b", ["0", "1"], ColumnType.NUMBER),
        ("d", ["2024-01-31", "2024-02-29"], ColumnType.DATE),
        ("d", ["2024-02-30"], ColumnType.TEXT),
        ("d", ["2024-01-31T12:00:00Z", "2024-01-31 12:00"], ColumnType.DATETIME),
        ("u", ["https://a.org/x", "http://b.org"], ColumnType.URL),
        ("e", ["a@example.org"], ColumnType.EMAIL),
        ("x", ["", None], ColumnType.TEXT),
        ("x", [], ColumnType.TEXT),
        ("j", [1, 2.5], ColumnType.NUMBER),
        ("j", [True, None], ColumnType.BOOLEAN),
        ("j", [{"a": 1}, "x"], ColumnType.JSON),
        ("j", [1, "x"], ColumnType.TEXT),
        ("j", [True, 1], ColumnType.TEXT),
    ],
)
def test_a_type_is_taken_only_when_every_value_fits(name: str, values: list[object], expected: ColumnType) -> None:
    assert detect.column_type(name, values) is expected


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.csv", b"x", Import.Format.CSV),
        ("A.TSV", b"x", Import.Format.TSV),
        ("a.ndjson", b"{", Import.Format.JSONL),
        ("data", b'\xef\xbb\xbf {"a": 1}', Import.Format.JSONL),
    ],
)
def test_the_format_is_told_from_the_name_or_the_beginning(name: str, head: bytes, expected: Import.Format) -> None:
    assert detect.format_of(name, head) is expected


@pytest.mark.parametrize(
    ("name", "head"), [("a.xls", b""), ("a.csv", b"\xd0\xcf\x11\xe0"), ("a.pdf", b"%PDF"), ("a", b"a,b")]
)
def test_other_formats_are_refused_by_name(name: str, head: bytes) -> None:
    with pytest.raises(detect.UnsupportedFormat) as caught:
        detect.format_of(name, head)
    assert caught.value.problems[0].attr == "file"


def test_lines_end_with_any_line_end_and_keep_it() -> None:
    assert list(lines([b"a\r\nb\nc\rd"], "utf-8")) == ["a\r\n", "b\n", "c\r", "d"]


def test_an_endless_line_is_cut_and_the_next_one_is_whole() -> None:
    pieces = [b"x" * 1024 * 1024] * 20 + [b"\nnext\n"]
    cut, following = lines(pieces, "utf-8")
    assert len(cut) == MAX_LINE_CHARS
    assert following == "next\n"


def split(text: str, delimiter: str = ",") -> list[object]:
    return list(delimited.records(lines([text.encode()], "utf-8"), delimiter))


def test_quoted_line_ends_stay_in_their_field_and_lines_are_numbered_as_in_the_file() -> None:
    assert split('a,"b\nc"\n\nd,e\n') == [(1, ["a", "b\nc"]), (4, ["d", "e"])]


def test_a_quote_never_closed_costs_its_own_line_only() -> None:
    found = split('a,"b\nc,d\ne,f\n')
    unclosed = Rejected(1, "A quote is opened on this line and never closed.", record='a,"b\n')
    assert found == [unclosed, (2, ["c", "d"]), (3, ["e", "f"])]


def test_text_behind_a_closing_quote_is_rejected_and_the_rest_lands() -> None:
    rejected, good = split('"a"b,c\nd,e\n')
    assert isinstance(rejected, Rejected)
    assert rejected.line == 1
    assert good == (2, ["d", "e"])


def test_a_record_over_the_limit_is_rejected_and_the_next_one_is_read() -> None:
    found = split("a,b\n" + "x" * (MAX_LINE_CHARS + 5) + ",1\n" + '"' + "y" * (MAX_LINE_CHARS + 5) + '",1\nc,d\n')
    assert [record for record in found if not isinstance(record, Rejected)] == [(1, ["a", "b"]), (4, ["c", "d"])]
    assert [record.line for record in found if isinstance(record, Rejected)] == [2, 3]


def test_lines_of_jsonl_that_are_no_objects_are_rejected() -> None:
    found = list(objects.records(['{"a": 1}\n', "\n", "[1]\n", "{nope\n", '{"a": "\\ud800"}\n', '{"a": 2}']))
    assert [record for record in found if not isinstance(record, Rejected)] == [(1, {"a": 1}), (6, {"a": 2})]
    assert [record.line for record in found if isinstance(record, Rejected)] == [3, 4, 5]


def test_blank_and_repeated_names_of_fields_are_made_usable() -> None:
    assert field_names(["a", " ", "A", "a", "b\x00c"]) == ["a", "column_2", "A 2", "a 3", "b c"]


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(InvalidInput, match="501 columns"):
        field_names([str(number) for number in range(501)])


NAME = ColumnSpec("full_name", "Full name", "text", {}, 0, None)
CITY = ColumnSpec("city", "City", "text", {}, 1, None)


def where(names: list[str], mapping: dict[str, str | None], *, create: bool = True) -> list[tuple[object, object]]:
    found = targets(names, [NAME, CITY], mapping, create_columns=create, is_new_table=False)
    return [(target.key, target.create) for target in found]


def test_fields_go_to_the_column_of_their_key_or_name_else_to_a_new_one() -> None:
    assert where(["full name", "city", "age"], {}) == [("full_name", None), ("city", None), (None, "age")]


def test_a_column_that_the_mapping_takes_is_not_given_to_another_field_by_name() -> None:
    assert where(["City", "town"], {"town": "city"}) == [(None, "City"), ("city", None)]


@pytest.mark.parametrize(
    ("mapping", "create", "attr"),
    [
        ({"nope": "city"}, True, "mapping.nope"),
        ({"town": "nope"}, True, "mapping.town"),
        ({"town": "city", "place": "city"}, True, "mapping.place"),
        ({}, False, "mapping.town"),
        ({"town": None, "place": None}, True, "mapping"),
    ],
)
def test_a_mapping_that_leads_nowhere_names_the_entry(mapping: dict[str, str | None], create: bool, attr: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        where(["town", "place"], mapping, create=create)
    assert caught.value.problems[0].attr == attr
