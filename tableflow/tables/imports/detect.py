"""What a file is: its format, encoding, delimiter, and the types of its columns, told from its bytes. Pure."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

import charset_normalizer

from tableflow.errors import InvalidInput
from tableflow.tables import types
from tableflow.tables.models import ColumnType, Import

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_SAMPLE_RECORDS = 100
ENCODING_SAMPLE_BYTES = 64 * 1024

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_EXTENSIONS = {
    ".csv": Import.Format.CSV,
    ".txt": Import.Format.CSV,
    ".tsv": Import.Format.TSV,
    ".tab": Import.Format.TSV,
    ".jsonl": Import.Format.JSONL,
    ".ndjson": Import.Format.JSONL,
    ".xlsx": Import.Format.XLSX,
    ".xlsm": Import.Format.XLSX,
}
ARCHIVE = b"PK\x03\x04"
# Workbooks of Excel 97 to 2003, and those that a password protects.
_COMPOUND = b"\xd0\xcf\x11\xe0"

# What Western European text in Windows-1252 has above ASCII: its letters and its usual signs.
_WESTERN = frozenset(
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽžŸ€‚„…†‰‹‘’“”•–—™›\xa0¡¢£¥§©ª«®°±²³´·º»¼½¾¿"
)
_WESTERN_LETTER_SHARE = 0.4

# A whole number without a leading zero, or a decimal; more than 15 digits are an id that a float would damage.
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_IDENTIFIER_NAME = re.compile(
    r"(?:^|[\s_-])(?:id|ids|uuid|phone|mobile|telephone|tel|fax|zip|zipcode|postcode|postal|plz|iban|isbn|ean|sku|vat)(?:$|[\s_-])",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", re.ASCII)
_BOOLEANS = frozenset({"true", "false", "yes", "no"})


class UnsupportedFormat(InvalidInput):
    """The file is of a kind that is not read."""


def format_of(file_name: str, head: bytes) -> Import.Format:
    """The format, by the name's extension, else by the first bytes. UnsupportedFormat when it is none that is read."""
    extension = PurePath(file_name).suffix.lower()
    if head.startswith(_COMPOUND) or extension == ".xls":
        raise UnsupportedFormat.at(
            "file",
            "This is a workbook of the old kind (.xls), or one with a password; save it as .xlsx without a password.",
            "unsupported",
        )
    if head.startswith(ARCHIVE) and extension in ("", *_EXTENSIONS):
        return Import.Format.XLSX
    if extension in _EXTENSIONS:
        return _EXTENSIONS[extension]
    if head.lstrip(codecs.BOM_UTF8 + b" \t\r\n").startswith(b"{"):
        return Import.Format.JSONL
    raise UnsupportedFormat.at(
        "file",
        f"Files of the kind {extension or 'without extension'!r} are not read; give .csv, .tsv, .jsonl or .xlsx.",
        "format",
    )


def encoding_of(blocks: Iterable[bytes]) -> str:
    """The encoding of a whole file, block by block: by its BOM, else UTF-8, else a guess around the first odd byte.

    A file that has UTF-8's own sequences before its first odd byte is UTF-8 with a bad line. InvalidInput when
    the bytes are no text in any known encoding.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    plain = True
    tail = b""
    for number, block in enumerate(blocks):
        if number == 0 and (marked := _marked(block)):
            return marked
        try:
            plain = decoder.decode(block).isascii() and plain
        except UnicodeDecodeError as error:
            if not plain or not bytes(error.object[: error.start]).isascii():
                return "utf-8"
            return _guess(_around(tail + block, len(tail) + len(block) - len(error.object) + error.start))
        tail = block[-ENCODING_SAMPLE_BYTES:]
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _guess(tail) if plain else "utf-8"
    return "utf-8"


def _marked(head: bytes) -> str | None:
    """The encoding that the byte order mark names, or the UTF-16 that zero bytes in every second place betray."""
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    sample = head[:4096]
    half = len(sample) // 2
    if half and sample[1::2].count(0) > half * 0.7:
        return "utf-16-le"
    if half and sample[0::2].count(0) > half * 0.7:
        return "utf-16-be"
    return None


def _around(block: bytes, place: int) -> bytes:
    start = max(0, place - ENCODING_SAMPLE_BYTES // 2)
    return block[start : start + ENCODING_SAMPLE_BYTES]


def _guess(sample: bytes) -> str:
    """An encoding that is not UTF-8, of a sample with bytes above ASCII in it."""
    sample = sample.replace(b"\0", b"") if sample.count(0) < len(sample) / 100 else sample
    if _is_western(sample):
        return "cp1252"
    # A cut through a character of several bytes would rule its encoding out.
    whole_lines = sample[sample.find(b"\n") + 1 : sample.rfind(b"\n") + 1] or sample
    best = charset_normalizer.from_bytes(whole_lines).best()
    if best is None:
        raise InvalidInput.at("file", "The file cannot be read as text; save it as UTF-8 and try again.", "encoding")
    return best.encoding


def _is_western(sample: bytes) -> bool:
    """Whether the sample reads as Western European text in Windows-1252 (of which Latin-1 is the larger part)."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    letters = Counter(char for char in text if char.isalpha() or not char.isascii())
    foreign = sum(count for char, count in letters.items() if not char.isascii())
    controls = any(ord(char) < 32 and char not in "\t\r\n" for char in text)
    fits = all(char.isascii() or char in _WESTERN for char in letters)
    return fits and not controls and foreign <= max(1, letters.total() * _WESTERN_LETTER_SHARE)


def delimiter_of(sample: str) -> str:
    """The delimiter that cuts most of the sample's records into the same number of fields; a comma when none does."""
    return max(DELIMITERS, key=lambda delimiter: _consistency(sample, delimiter))


def _consistency(sample: str, delimiter: str) -> tuple[float, int]:
    """How many of the first records have the most common number of fields (0 to 1), and that number."""
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    counts: Counter[int] = Counter()
    try:
        for _, fields in zip(range(DELIMITER_SAMPLE_RECORDS), reader, strict=False):
            counts[len(fields)] += bool(fields)
    except csv.Error:
        return 0.0, 0
    width, times = max(counts.items(), key=lambda item: item[1], default=(0, 0))
    return (times / counts.total(), width) if width > 1 else (0.0, 0)


def column_type(name: str, values: Sequence[Any]) -> ColumnType:
    """The type that fits every value of a sample (those of an empty cell left out); text when none does.

    Values with a leading zero, ids, and columns named like an id, a phone number or a post code stay text.
    """
    filled = [value for value in values if not (value is None or (isinstance(value, str) and not value.strip()))]
    if not filled:
        return ColumnType.TEXT
    if not all(isinstance(value, str) for value in filled):
        return _type_of_json(filled)
    texts = [value.strip() for value in filled]
    for type_, fits in _TEXT_TESTS:
        if all(map(fits, texts)):
            named_identifier = type_ is ColumnType.NUMBER and _IDENTIFIER_NAME.search(name)
            return ColumnType.TEXT if named_identifier else type_
    return ColumnType.TEXT


def _type_of_json(values: Sequence[Any]) -> ColumnType:
    if all(isinstance(value, bool) for value in values):
        return ColumnType.BOOLEAN
    if all(isinstance(value, dt.date) for value in values):
        has_time = any(isinstance(value, dt.datetime) for value in values)
        return ColumnType.DATETIME if has_time else ColumnType.DATE
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return ColumnType.NUMBER
    if any(isinstance(value, dict | list) for value in values):
        return ColumnType.JSON
    return ColumnType.TEXT


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and sum(map(str.isdigit, text)) <= 15


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_datetime(text: str) -> bool:
    return _DATETIME.fullmatch(text) is not None and _is_a("datetime", text)


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://")) and _is_a("url", text)


def _is_email(text: str) -> bool:
    return "@" in text and _is_a("email", text)


def _is_a(type_: str, text: str) -> bool:
    try:
        types.coerce(type_, {}, text)
    except types.CannotCoerce:
        return False
    return True


_TEXT_TESTS = (
    (ColumnType.BOOLEAN, lambda text: text.lower() in _BOOLEANS),
    (ColumnType.NUMBER, _is_number),
    (ColumnType.DATE, _is_date),
    (ColumnType.DATETIME, _is_datetime),
    (ColumnType.URL, _is_url),
    (ColumnType.EMAIL, _is_email),
)
