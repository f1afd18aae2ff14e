"""Receive a file: look at its beginning, make its columns, keep its bytes, and ring for a worker."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now

from tableflow.errors import InvalidInput, TableflowError
from tableflow.live import marks
from tableflow.tables import columns, schema, tables
from tableflow.tables.imports import chunks, delimited, detect, lifecycle, objects
from tableflow.tables.imports.lines import lines
from tableflow.tables.imports.plan import MAX_FIELDS, Plan, Target, field_names, targets, usable_name
from tableflow.tables.imports.rejected import Rejected
from tableflow.tables.models import Import, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024
SAMPLE_BYTES = 1024 * 1024
SAMPLE_RECORDS = 1_000


class TooLarge(TableflowError):
    """The file is larger than MAX_FILE_BYTES."""


@dataclass(frozen=True)
class Wish:
    """What the caller wants of a file. `name` is the new table's; `mapping` is field → column key or None."""

    name: str = ""
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    create_columns: bool = True
    mode: str = Import.Mode.APPEND


@dataclass(frozen=True)
class Look:
    """What the beginning of a file shows: its fields, and the values of each in the first records."""

    format: Import.Format
    encoding: str
    delimiter: str | None
    names: list[str]
    samples: dict[str, list[Any]]


def receive(
    file: IO[bytes],
    file_name: str,
    *,
    user: AbstractBaseUser,
    table: Table | None = None,
    wish: Wish | None = None,
    ring: bool = True,
) -> Import:
    """Keep the file as a pending import into the table, or into a new table of the user, and ring for a worker.

    Without `ring` the caller runs it (load.run) at once. `file` must be seekable. Nothing is written when the file or
    the wish cannot be used: InvalidInput names `file` or `mapping`; TooLarge; detect.UnsupportedFormat.
    """
    wish = wish or Wish()
    size = _size(file)
    look = look_at(file, file_name)
    existing = schema.load(table.pk).columns if table else ()
    found = targets(
        look.names,
        existing,
        wish.mapping,
        create_columns=wish.create_columns or table is None,
        is_new_table=table is None,
    )
    with transaction.atomic():
        source = Import.objects.create(
            requested_by_id=user.pk,
            file_name=PurePath(file_name).name[-255:],
            format=look.format,
            mode=wish.mode,
            mapping=dict(wish.mapping),
            create_columns=wish.create_columns,
            size_bytes=size,
            lease_until=Now() + lifecycle.FIRST_RING,
        )
        source.rows_total = _store(source, file, look)
        # Last, because the table's lock is held from here to the end.
        source.table, fields = _make_columns(table, found, look, user=user, name=wish.name or _table_name(file_name))
        source.plan = Plan(look.encoding, look.delimiter, tuple(fields)).as_json()
        source.save(update_fields=["table", "plan", "rows_total"])
        marks.imported(source.table.pk, source.pk, source.status)
        if ring:
            transaction.on_commit(lambda: lifecycle.ring(source.pk, source.fence))
    return source


def look_at(file: IO[bytes], file_name: str) -> Look:
    """Tell format, encoding, delimiter and fields. InvalidInput (`file`) when that fails or there is no header."""
    file.seek(0)
    head = file.read(SAMPLE_BYTES)
    if not head:
        raise InvalidInput.at("file", "The file is empty.", "empty")
    format_ = detect.format_of(file_name, head)
    encoding = detect.encoding_of(_blocks(file))
    cut = len(head) == SAMPLE_BYTES
    text = list(lines([head], encoding))[: -1 if cut else None]
    if format_ == Import.Format.JSONL:
        names, samples = _look_at_objects(text)
        return Look(format_, encoding, None, names, samples)
    delimiter = "\t" if format_ == Import.Format.TSV else detect.delimiter_of("".join(text[:200]))
    names, samples = _look_at_fields(text, delimiter)
    return Look(format_, encoding, delimiter, names, samples)


def _look_at_fields(text: list[str], delimiter: str) -> tuple[list[str], dict[str, list[Any]]]:
    found = delimited.records(text, delimiter)
    header = next(found, None)
    if header is None:
        raise InvalidInput.at("file", "The file has no header line with the names of its columns.", "no_header")
    if isinstance(header, Rejected):
        raise InvalidInput.at("file", f"The header (line {header.line}) cannot be read: {header.detail}", "no_header")
    names = field_names(header[1])
    rows = [record[1] for record in itertools.islice(found, SAMPLE_RECORDS) if not isinstance(record, Rejected)]
    # A cell that was cut off or is far too long says nothing about its column.
    samples = {name: [row[place][:2000] for row in rows if place < len(row)] for place, name in enumerate(names)}
    return names, samples


def _look_at_objects(text: list[str]) -> tuple[list[str], dict[str, list[Any]]]:
    samples: dict[str, list[Any]] = {}
    first_problem = ""
    for record in itertools.islice(objects.records(text), SAMPLE_RECORDS):
        if isinstance(record, Rejected):
            first_problem = first_problem or f" Line {record.line}: {record.detail}"
            continue
        for name, value in record[1].items():
            if "\x00" not in name:  # no column can have it; the load rejects the line
                samples.setdefault(name, []).append(value)
    if not samples:
        raise InvalidInput.at("file", f"No line of the file is a JSON object with fields.{first_problem}", "no_header")
    if len(samples) > MAX_FIELDS:
        detail = f"The file's objects have more than {MAX_FIELDS} fields; at most that many columns can be imported."
        raise InvalidInput.at("file", detail, "too_many")
    return list(samples), samples


def _make_columns(
    table: Table | None, found: list[Target], look: Look, *, user: AbstractBaseUser, name: str
) -> tuple[Table, list[tuple[str, str | None]]]:
    """Make the new columns (and the new table); gives it, and the plan's fields in the file's order."""
    table = table or tables.create(user, name)
    wanted = [target for target in found if target.create is not None]
    definitions = [
        {
            "name": (column_name := usable_name(target.create or "", place)),
            "type": detect.column_type(column_name, look.samples[target.field]),
            "key": target.key,
        }
        for place, target in enumerate(wanted, 1)
    ]
    made = columns.create_many(table, definitions, attrs=[f"mapping.{target.field}" for target in wanted])
    keys = {target.field: column.key for target, column in zip(wanted, made, strict=True)}
    return table, [(target.field, keys.get(target.field, target.key)) for target in found]


def _store(source: Import, file: IO[bytes], look: Look) -> int:
    """Keep the bytes; gives how many records there may be: the line ends, less the header's."""
    ends = 0
    last = b""

    def counted() -> Iterator[bytes]:
        nonlocal ends, last
        for block in _blocks(file):
            ends += block.count(b"\n")
            last = block[-4:]
            yield block

    chunks.store(source.pk, counted())
    return max(0, ends + (b"\n" not in last) - (look.delimiter is not None))


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(chunks.CHUNK_BYTES):
        yield block


def _size(file: IO[bytes]) -> int:
    size = file.seek(0, 2)
    if size > MAX_FILE_BYTES:
        raise TooLarge(f"The file has {size:,} bytes; at most {MAX_FILE_BYTES:,} (2 GiB) can be imported at once.")
    return size


def _table_name(file_name: str) -> str:
    return PurePath(file_name).stem.strip()[:128] or "Imported table"
