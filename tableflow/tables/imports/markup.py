"""The XML parts of a workbook, read as a stream: bounded memory whatever is in them.

Why no library: calamine holds a sheet as a dense block, so that two cells far apart in a file of 2 KB abort the process
(tafia/calamine#693); openpyxl keeps each row's element, reads 50,000 cells a second, and had its last release in 2024.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import IO
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from tableflow.errors import InvalidInput

MAX_UNPACKED_BYTES = 2 * 1024 * 1024 * 1024
PIECE_BYTES = 64 * 1024
MAX_TAG_BYTES = 1024 * 1024
MAX_DEPTH = 100
MAX_DIRECTORY_BYTES = 1024 * 1024
ENCODINGS = ("utf-8", "utf-16", "us-ascii")

# What the standard library raises over archives that are none, or are broken.
DAMAGED = (BadZipFile, EOFError, NotImplementedError, OSError, ValueError, struct.error, zlib.error)

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")

Attributes = dict[str, str]


class Handler:
    """What hears of a part: elements by their local names, and the text between. A class of it hears what it wants."""

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Some text; that of one element may come in pieces."""


def unreadable(why: str) -> InvalidInput:
    """The problem of a workbook that cannot be read."""
    return InvalidInput.at("file", f"The workbook cannot be read: {why} Save it again, or save the sheet as CSV.")


def opened(file: IO[bytes]) -> ZipFile:
    """The archive that a workbook is. InvalidInput (`file`) when it is none, or unpacks to too much."""
    try:
        archive = ZipFile(_Bounded(file))
    except DAMAGED as error:
        raise unreadable("it is damaged, or not all of it is there.") from error
    unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > MAX_UNPACKED_BYTES:
        raise InvalidInput.at(
            "file",
            f"The workbook unpacks to {unpacked:,} bytes; at most {MAX_UNPACKED_BYTES:,} (2 GiB) can be read. "
            "Save the sheet as CSV.",
            "too_large",
        )
    return archive


class _Bounded:
    """The file of an archive, whose directory has a bound: it is read at once, and each of its parts is kept."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """As of any file. Without a size only the last bytes are asked for, where an archive tells of its directory."""
        if size > MAX_DIRECTORY_BYTES:
            raise unreadable("it has too many parts.")
        return self._file.read(size)


def unescaped(text: str) -> str:
    """The text of a cell: what XML cannot hold is written as `_x000D_` there."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def parts(archive: ZipFile) -> dict[str, ZipInfo]:
    """The parts by their names as `part` looks for them; of two the first."""
    return {info.filename.replace("\\", "/").lower(): info for info in reversed(archive.infolist())}


def part(parts: Mapping[str, ZipInfo], name: str) -> ZipInfo | None:
    """The part of that name, as some programs write it too; None when there is none."""
    return parts.get(name.replace("\\", "/").lstrip("/").lower())


def read(archive: ZipFile, info: ZipInfo, handler: Handler, most_bytes: int) -> None:
    """Tell the handler of a whole part."""
    for _ in steps(archive, info, handler, most_bytes):
        pass


def steps(archive: ZipFile, info: ZipInfo, handler: Handler, most_bytes: int) -> Iterator[None]:
    """Tell the handler of the part, and come back after every PIECE_BYTES. InvalidInput when the part is damaged."""
    if info.file_size > most_bytes:
        # An archive gives no more of a part than the size that it names.
        raise unreadable(f"its part {info.filename[:100]} unpacks to more than {most_bytes // 2**20:,} MiB.")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise unreadable("it is packed as no workbook is.")
    parser = _parser(handler)
    fed = 0
    for piece in _pieces(archive, info):
        _feed(parser, piece)
        fed += len(piece)
        if fed - parser.CurrentByteIndex > MAX_TAG_BYTES:
            raise unreadable("it is damaged.")  # a tag without an end, all of which is kept until then
        yield
    _feed(parser, b"")
    yield


def _pieces(archive: ZipFile, info: ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as stream:
            while piece := stream.read(PIECE_BYTES):
                yield piece
    except DAMAGED as error:
        raise unreadable("it is damaged.") from error
    except RuntimeError as error:  # an archive's way to say that a part is encrypted
        raise unreadable("it is protected by a password.") from error


def _feed(parser: expat.XMLParserType, piece: bytes) -> None:
    """Give the parser a piece; an empty one is the end."""
    try:
        parser.Parse(piece, not piece)
    except expat.ExpatError as error:
        raise unreadable("it is damaged.") from error


def _parser(handler: Handler) -> expat.XMLParserType:
    depth = 0

    def start(name: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise unreadable(f"its elements are nested more than {MAX_DEPTH} deep.")  # the parser keeps all open ones
        handler.start(_local(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(_local(name))

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = handler.text
    parser.XmlDeclHandler = _check_encoding
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _check_encoding(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() not in ENCODINGS:
        raise unreadable("it is in an encoding that workbooks do not have.")


def _local(name: str) -> str:
    return name.rpartition(":")[2] if ":" in name else name


def _refuse(*_: object) -> None:
    """No workbook has a document type; what one declares could unfold without end."""
    raise unreadable("it declares a document type.")
