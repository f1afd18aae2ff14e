"""Bring the records of an import into its table, batch by batch; go on where an earlier worker stopped."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import DatabaseError, transaction

from tableflow.errors import NotFound, TableflowError
from tableflow.live import marks
from tableflow.tables import changes, departures, locks, rows, schema
from tableflow.tables.imports import chunks, landing, lifecycle, rejects
from tableflow.tables.imports.convert import Convert, converter
from tableflow.tables.imports.plan import Plan
from tableflow.tables.imports.reading import Record, records
from tableflow.tables.imports.rejected import Rejected, listed
from tableflow.tables.models import Import, Row, Table
from tableflow.tables.schema import ColumnSpec

log = logging.getLogger(__name__)

BATCH_RECORDS = 5_000
BATCH_BYTES = 8 * 1024 * 1024
RENEW_SECONDS = 15


# Set when this process is to end: loads hand their imports over between two batches.
leaving = threading.Event()


class Stopped(Exception):
    """The import is no longer this worker's: cancelled, handed over, or its lease ran out. Nothing more is written."""


class LoadFailed(TableflowError):
    """The import cannot go on; the message says why."""


@dataclass
class Batch:
    """Consecutive records on their way into one transaction."""

    bodies: list[bytes] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    bytes: int = 0

    @property
    def records(self) -> int:
        """How many records of the file it stands for."""
        return len(self.bodies) + len(self.rejected)

    @property
    def is_full(self) -> bool:
        """Whether it is time to commit it."""
        return self.records >= BATCH_RECORDS or self.bytes >= BATCH_BYTES

    def reject(self, line: Rejected) -> None:
        """One that becomes no row."""
        kept, size = rejects.fitted(line)
        self.rejected.append(kept)
        self.bytes += size


def run(import_id: int, fence: int, after_batch: Callable[[int], None] | None = None) -> None:
    """Claim the import and load it to its end. Does nothing when it is not pending under this fence.

    `after_batch` is called after each commit with the number of records done. Problems of the file or the table
    end the import as failed; errors of the database are raised, and the lease lets another worker go on.
    """
    claimed = lifecycle.claim(import_id, fence)
    if claimed is None:
        return
    try:
        _Load(Import.objects.get(pk=import_id), claimed, after_batch).run()
    except Stopped:
        log.info("import %s was stopped", import_id)
    except TableflowError as error:
        lifecycle.fail(import_id, claimed, str(error))
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("import %s failed", import_id)
        lifecycle.fail(import_id, claimed, f"The file could not be loaded ({type(error).__name__}).")
        raise
    tidy(import_id)


def tidy(import_id: int) -> None:
    """Forget the bytes of an ended import and, where a replacing one did not complete, the rows that it landed."""
    with transaction.atomic():
        if (doomed := _unfinished_replacement(Import.objects.filter(pk=import_id).first())) is not None:
            departures.announce(doomed.table_id or 0, Row.objects.filter(landing.landed(doomed), table=doomed.table_id))
        source = Import.objects.select_for_update().filter(pk=import_id, finished_at__isnull=False).first()
        if source is None:
            return
        if _unfinished_replacement(source):
            _delete_landed_rows(source)
            source.landed, source.rows_done = [], 0
            source.save(update_fields=["landed", "rows_done"])
            if source.table_id is not None:
                marks.imported(source.table_id, source.pk, source.status)
        was_untidy = chunks.delete(import_id)
        if was_untidy and source.status != Import.Status.COMPLETE and source.table_id is not None:
            changes.tell(source.table_id, ranges=source.landed)  # the rows of an appending import stay


def _unfinished_replacement(source: Import | None) -> Import | None:
    """The import itself where its rows have to go again, else None."""
    if source is None or source.mode != Import.Mode.REPLACE or not source.landed:
        return None
    return source if source.status in (Import.Status.FAILED, Import.Status.CANCELLED) else None


def _delete_landed_rows(source: Import) -> None:
    try:
        rows.delete(locks.lock(source.table_id or 0), q=landing.landed(source))
    except NotFound:
        log.info("the table of import %s was deleted with its rows", source.pk)


class _Load:
    """One worker's work on one import."""

    def __init__(self, source: Import, fence: int, after_batch: Callable[[int], None] | None) -> None:
        self._source = source
        self._fence = fence
        self._after_batch = after_batch
        self._plan = Plan.of_json(source.plan)
        self._renew_at = time.monotonic() + RENEW_SECONDS

    def run(self) -> None:
        self._columns = self._read_columns()
        convert = converter(self._plan, self._columns)
        for batch in self._batches(convert):
            self._commit(batch)
            if leaving.is_set():
                lifecycle.release(self._source.pk, self._fence)
                raise Stopped
        self._complete()

    def _read_columns(self) -> dict[str, ColumnSpec]:
        """The columns that the plan fills, as they are now. LoadFailed when the table or one of them is gone."""
        try:
            by_key = schema.load(self._table_id).by_key
        except NotFound as error:
            raise LoadFailed("The table was deleted.") from error
        keys = [key for _, key in self._plan.fields if key is not None]
        if gone := [key for key in keys if key not in by_key]:
            raise LoadFailed(f"A column that the file goes to was deleted: {', '.join(gone)}.")
        return {key: by_key[key] for key in keys}

    @property
    def _table_id(self) -> int:
        if self._source.table_id is None:
            raise LoadFailed("The table was deleted.")
        return self._source.table_id

    def _batches(self, convert: Convert) -> Iterator[Batch]:
        found = records(chunks.pieces(self._source.pk), self._plan)
        self._skip(found)
        batch = Batch()
        for record in found:
            outcome = record if isinstance(record, Rejected) else convert(*record)
            if isinstance(outcome, Rejected):
                batch.reject(outcome if isinstance(record, Rejected) else replace(outcome, record=record[1]))
            else:
                batch.bodies.append(outcome)
                batch.bytes += len(outcome)
            if batch.is_full:
                yield batch
                batch = Batch()
        if batch.records:
            yield batch

    def _skip(self, found: Iterator[Record]) -> None:
        """Pass over the records that an earlier worker committed. Every reading gives the same ones."""
        left = self._source.lines_done
        while left > 0:
            step = min(left, BATCH_RECORDS)
            for _ in itertools.islice(found, step):
                pass
            left -= step
            self._keep_lease()

    def _keep_lease(self) -> None:
        if time.monotonic() < self._renew_at:
            return
        self._renew_at = time.monotonic() + RENEW_SECONDS
        if not lifecycle.renew(self._source.pk, self._fence):
            raise Stopped

    def _commit(self, batch: Batch) -> None:
        """One transaction: the rows, the table's count, and the progress; nothing when the fence is an old one."""
        with transaction.atomic():
            held, table = self._hold()
            changes: dict[str, Any] = {}
            if batch.bodies:
                first = landing.append(table, batch.bodies)
                changes["landed"] = landing.extended(held.landed, first, len(batch.bodies))
            if batch.rejected:
                changes["errors"] = listed(held.errors, [line.as_json() for line in batch.rejected])
                rejects.keep(held, batch.rejected)
            lifecycle.advance(
                held,
                lines_done=held.lines_done + batch.records,
                rows_done=held.rows_done + len(batch.bodies),
                rejected=held.rejected + len(batch.rejected),
                **changes,
            )
        if self._after_batch:
            self._after_batch(held.lines_done + batch.records)

    def _hold(self) -> tuple[Import, Table]:
        """The import and its table, locked, with the columns still as the rows were converted for."""
        held = lifecycle.hold(self._source.pk, self._fence)
        if held is None:
            raise Stopped
        try:
            table = locks.lock(self._table_id)
        except NotFound as error:
            raise LoadFailed("The table was deleted.") from error
        if any(not _same_type(column, self._columns[key]) for key, column in self._read_columns().items()):
            raise LoadFailed("The type of a column that the file goes to was changed while it was loading.")
        return held, table

    def _complete(self) -> None:
        with transaction.atomic():
            if self._source.mode == Import.Mode.REPLACE:
                self._announce_departures()
            held, table = self._hold()
            if held.mode == Import.Mode.REPLACE:
                if not held.landed:
                    raise LoadFailed("No line of the file could become a row, so the table's rows were kept.")
                rows.delete(table, q=landing.older(held))
            lifecycle.complete(held)
            changes.tell(table.pk, ranges=held.landed)

    def _announce_departures(self) -> None:
        """Before any lock. What it reads stays so while the fence is this holder's; otherwise nothing is committed."""
        self._source.refresh_from_db(fields=["landed"])
        if self._source.landed:
            older = Row.objects.filter(landing.older(self._source), table=self._table_id)
            departures.announce(self._table_id, older)


def _same_type(left: ColumnSpec, right: ColumnSpec) -> bool:
    return left.type == right.type and left.options == right.options
