"""The bytes of an uploaded file, in PostgreSQL, so that any worker on any machine can read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psycopg
from django.db import connection

from tableflow.tables.models import ImportChunk

CHUNK_BYTES = 1024 * 1024

_COPY = "COPY tables_importchunk (source_id, number, body) FROM STDIN (FORMAT BINARY)"
_READ = "SELECT body FROM tables_importchunk WHERE source_id = %s AND number = %s"


def store(import_id: int, blocks: Iterable[bytes]) -> None:
    """Keep the blocks (of CHUNK_BYTES) as the import's chunks, one in memory at a time."""
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(["int8", "int4", "bytea"])
        for number, block in enumerate(blocks):
            copy.write_row((import_id, number, block))


def pieces(import_id: int) -> Iterator[bytes]:
    """The import's chunks in order, one in memory at a time."""
    number = 0
    while (body := _read(import_id, number)) is not None:
        yield body
        number += 1


def delete(import_id: int) -> bool:
    """Forget the bytes: the import has ended. False: they were forgotten before."""
    return ImportChunk.objects.filter(source_id=import_id).delete()[0] > 0


def _read(import_id: int, number: int) -> bytes | None:
    connection.ensure_connection()
    # In binary, around Django's cursor: a megabyte is neither written as hexadecimal digits nor read from them.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        found = cursor.execute(_READ, (import_id, number), binary=True).fetchone()
    return bytes(found[0]) if found else None
