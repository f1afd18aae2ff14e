"""Workbooks (xlsx): the sheets that they have, and the rows of one of them, one in memory at a time."""

from __future__ import annotations

import datetime as dt
import itertools
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZipFile, ZipInfo

from tableflow.errors import InvalidInput
from tableflow.tables.imports import markup, serials
from tableflow.tables.imports.cells import Cells, Row
from tableflow.tables.imports.markup import Attributes
from tableflow.tables.imports.serials import Look

MAX_SHEETS = 1_000
MAX_STRINGS = 1_000_000
MAX_STRINGS_BYTES = 64 * 1024 * 1024
MAX_SMALL_PART_BYTES = 16 * 1024 * 1024
MAX_STYLES = 100_000


@dataclass
class Workbook:
    """An open workbook: its sheets' names and parts, its texts, and how each style shows a number."""

    archive: ZipFile
    sheets: dict[str, ZipInfo]
    since_1904: bool
    texts: list[str]
    looks: list[Look]

    def rows(self, sheet: str, most_bytes: int = markup.MAX_UNPACKED_BYTES) -> Iterator[Row]:
        """Each row that has something in it: (its number from 1, its cells). InvalidInput when there is no such sheet.

        A cell is None, a text, a number, a boolean, a date or a datetime. They end with the sheet, or after so many
        bytes of it.
        """
        if sheet not in self.sheets:
            raise InvalidInput.at("sheet", f"The workbook has no sheet {sheet!r}. It has: {self._names()}.", "unknown")
        cells = Cells(self.texts, self.looks, since_1904=self.since_1904)
        for _ in self._steps(sheet, cells, most_bytes):
            yield from cells.taken()

    def height(self, sheet: str, most_bytes: int = markup.MAX_UNPACKED_BYTES) -> int | None:
        """How many rows the sheet says that it has, the header's among them; None when its beginning does not say."""
        dimension = _Dimension()
        for _ in self._steps(sheet, dimension, most_bytes):
            if dimension.is_told:
                break
        return dimension.height

    def _steps(self, sheet: str, handler: markup.Handler, most_bytes: int) -> Iterator[None]:
        steps = markup.steps(self.archive, self.sheets[sheet], handler, markup.MAX_UNPACKED_BYTES)
        return itertools.islice(steps, most_bytes // markup.PIECE_BYTES + 1)  # the end of a part is a step too

    def _names(self) -> str:
        return ", ".join(self.sheets)[:500]


def opened(file: IO[bytes]) -> Workbook:
    """The workbook in the seekable file. InvalidInput (`file`) when it cannot be read, or has no sheet."""
    archive = markup.opened(file)
    parts = markup.parts(archive)
    relations = _Relations()
    _read(archive, markup.part(parts, "xl/_rels/workbook.xml.rels"), relations)
    book = _Book()
    if not _read(archive, markup.part(parts, "xl/workbook.xml"), book):
        raise markup.unreadable("it has no sheets in it.")
    sheets = {
        name: info
        for name, relation in book.sheets.items()
        if (target := relations.targets.get(relation)) and (info := _part_of_sheet(parts, target))
    }
    if not sheets:
        raise markup.unreadable("it has no sheets in it.")
    styles, texts = _Styles(), _Texts()
    _read(archive, markup.part(parts, "xl/styles.xml"), styles)
    _read(archive, markup.part(parts, relations.texts), texts, MAX_STRINGS_BYTES)
    return Workbook(archive, sheets, book.since_1904, texts.texts, styles.looks())


def cell_text(cell: Any) -> str:
    """A cell as a text: as it looks in a csv."""
    match cell:
        case str():
            return cell
        case bool():
            return "true" if cell else "false"
        case dt.date():
            return cell.isoformat()
    return str(cell)


def records(pieces: Iterable[bytes], sheet: str) -> Iterator[Row]:
    """The rows of the sheet below its header, of a workbook that comes in pieces."""
    with TemporaryFile() as file:
        for piece in pieces:
            file.write(piece)
        rows = opened(file).rows(sheet)
        next(rows, None)
        yield from rows


def _read(
    archive: ZipFile, info: ZipInfo | None, handler: markup.Handler, most_bytes: int = MAX_SMALL_PART_BYTES
) -> bool:
    """Read a part. False: the workbook has none."""
    if info is None:
        return False
    markup.read(archive, info, handler, most_bytes)
    return True


def _part_of_sheet(parts: Mapping[str, ZipInfo], target: str) -> ZipInfo | None:
    return markup.part(parts, target if target.startswith("/") else posixpath.join("xl", target))


@dataclass
class _Relations(markup.Handler):
    """Which part each relation of the workbook leads to; only those to worksheets, and the one to the texts."""

    targets: dict[str, str] = field(default_factory=dict)
    texts: str = "xl/sharedStrings.xml"

    def start(self, name: str, attributes: Attributes) -> None:
        if name != "Relationship":
            return
        kind, target = attributes.get("Type", ""), attributes.get("Target", "")
        if kind.endswith("/worksheet") and len(self.targets) < MAX_SHEETS:
            self.targets[attributes.get("Id", "")] = target
        elif kind.endswith("/sharedStrings"):
            self.texts = target if target.startswith("/") else posixpath.join("xl", target)


@dataclass
class _Book(markup.Handler):
    """The sheets in the order of their tabs, and the year that dates count from."""

    sheets: dict[str, str] = field(default_factory=dict)
    since_1904: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sheet" and len(self.sheets) < MAX_SHEETS:
            relation = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            self.sheets[attributes.get("name", "")] = relation
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904", "0") in ("1", "true")


@dataclass
class _Styles(markup.Handler):
    """The number format of each cell style."""

    codes: dict[int, str] = field(default_factory=dict)
    formats: list[int] = field(default_factory=list)
    _in_cells: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt" and len(self.codes) < MAX_STYLES:
            self.codes[_whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")[:1_000]
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells and len(self.formats) < MAX_STYLES:
            self.formats.append(_whole(attributes.get("numFmtId")))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False

    def looks(self) -> list[Look]:
        return [serials.look_of(format_, self.codes.get(format_)) for format_ in self.formats]


@dataclass
class _Texts(markup.Handler):
    """The texts that cells name by number. How some of them are read aloud (`rPh`) is left out."""

    texts: list[str] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _is_text: bool = False
    _aloud: bool = False

    def start(self, name: str, attributes: Attributes) -> None:  # noqa: ARG002
        if name == "t":
            self._is_text = not self._aloud
        elif name == "rPh":
            self._aloud = True

    def end(self, name: str) -> None:
        if name == "t":
            self._is_text = False
        elif name == "rPh":
            self._aloud = False
        elif name == "si":
            if len(self.texts) == MAX_STRINGS:
                raise markup.unreadable(f"it has more than {MAX_STRINGS:,} texts.")
            self.texts.append(markup.unescaped("".join(self._pieces)))
            self._pieces.clear()

    def text(self, text: str) -> None:
        if self._is_text:
            self._pieces.append(text)


@dataclass
class _Dimension(markup.Handler):
    """What the beginning of a sheet says of its size."""

    height: int | None = None
    is_told: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "dimension":
            last = attributes.get("ref", "").rpartition(":")[2]
            digits = "".join(filter(str.isdecimal, last))[:8]
            self.height = int(digits) if digits and last != attributes.get("ref") else None
        self.is_told = self.is_told or name in ("dimension", "sheetData")


def _whole(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 10 else 0
