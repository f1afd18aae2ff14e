"""Receive a file: look at its beginning, make its columns, keep its bytes, and ring for a worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import IO, TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from tableflow.errors import TableflowError
from tableflow.live import marks
from tableflow.tables import columns, schema, tables
from tableflow.tables.imports import chunks, lifecycle, looks
from tableflow.tables.imports.plan import Plan, Target, check_types, targets, usable_name
from tableflow.tables.models import Import, Table

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024


class TooLarge(TableflowError):
    """The file is larger than MAX_FILE_BYTES."""


@dataclass(frozen=True)
class Wish:
    """What the caller wants of a file. `name` is the new table's; `mapping` is field → column key or None.

    `types` are those of new columns, by field. `sheet` is a workbook's; its first one where none is named.
    """

    name: str = ""
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    create_columns: bool = True
    mode: str = Import.Mode.APPEND
    types: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""


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
    the wish cannot be used: InvalidInput names `file`, `sheet`, `mapping` or `types`; TooLarge;
    detect.UnsupportedFormat.
    """
    wish = wish or Wish()
    size = _size(file)
    seen = looks.look_at(file, file_name, wish.sheet)
    found = wanted_targets(seen, table, wish)
    with transaction.atomic():
        source = Import.objects.create(
            requested_by_id=user.pk,
            file_name=PurePath(file_name).name[-255:],
            format=seen.format,
            mode=wish.mode,
            mapping=dict(wish.mapping),
            create_columns=wish.create_columns,
            size_bytes=size,
            lease_until=Now() + lifecycle.FIRST_RING,
        )
        source.rows_total = _store(source, file, seen)
        # Last, because the table's lock is held from here to the end.
        source.table, fields = _make_columns(table, found, seen, wish, user=user, name=wish.name or _named(file_name))
        source.plan = Plan(seen.encoding, seen.delimiter, tuple(fields), seen.sheet).as_json()
        source.save(update_fields=["table", "plan", "rows_total"])
        marks.imported(source.table.pk, source.pk, source.status)
        if ring:
            transaction.on_commit(lambda: lifecycle.ring(source.pk, source.fence))
    return source


def wanted_targets(seen: looks.Look, table: Table | None, wish: Wish) -> list[Target]:
    """Where each field of the file goes. InvalidInput names every entry of mapping and types that cannot be met."""
    found = targets(
        seen.names,
        schema.load(table.pk).columns if table else (),
        wish.mapping,
        new=wish.types,
        create_columns=wish.create_columns or table is None,
        is_new_table=table is None,
    )
    check_types(wish.types, found)
    return found


def _make_columns(
    table: Table | None, found: list[Target], seen: looks.Look, wish: Wish, *, user: AbstractBaseUser, name: str
) -> tuple[Table, list[tuple[str, str | None]]]:
    """Make the new columns (and the new table); gives it, and the plan's fields in the file's order."""
    table = table or tables.create(user, name)
    wanted = [target for target in found if target.create is not None]
    definitions = [
        {
            "name": usable_name(target.create or "", place),
            "type": wish.types.get(target.field) or seen.type_of(target.field),
            "key": target.key,
        }
        for place, target in enumerate(wanted, 1)
    ]
    made = columns.create_many(table, definitions, attrs=[f"mapping.{target.field}" for target in wanted])
    keys = {target.field: column.key for target, column in zip(wanted, made, strict=True)}
    return table, [(target.field, keys.get(target.field, target.key)) for target in found]


def _store(source: Import, file: IO[bytes], seen: looks.Look) -> int | None:
    """Keep the bytes; gives how many records there may be: as a workbook says, else the line ends less the header's."""
    ends = 0
    last = b""

    def counted() -> Iterator[bytes]:
        nonlocal ends, last
        for block in looks.blocks(file):
            ends += block.count(b"\n")
            last = block[-4:]
            yield block

    chunks.store(source.pk, counted())
    if seen.sheet is not None:
        return seen.rows_total
    return max(0, ends + (b"\n" not in last) - (seen.delimiter is not None))


def _size(file: IO[bytes]) -> int:
    size = file.seek(0, 2)
    if size > MAX_FILE_BYTES:
        raise TooLarge(f"The file has {size:,} bytes; at most {MAX_FILE_BYTES:,} (2 GiB) can be imported at once.")
    return size


def _named(file_name: str) -> str:
    return PurePath(file_name).stem.strip()[:128] or "Imported table"
