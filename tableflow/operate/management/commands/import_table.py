"""Imports a file into a table, in this process: no worker is needed."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, cast

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as TextTable

from tableflow.errors import TableflowError
from tableflow.tables.imports import load, upload
from tableflow.tables.models import Import, Table


class Command(BaseCommand):
    """Shows a progress bar, then what landed and what was rejected. Ends with 1 when the import failed."""

    help = "Imports a csv, tsv, jsonl or xlsx file into a table that is there (--table) or a new one (--name)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--table", type=int, help="the id of the table to add the rows to")
        where.add_argument("--name", default="", help="the name of the new table; the file's name when absent")
        parser.add_argument("--user", default="", help="who owns the new table; the first superuser when absent")
        parser.add_argument("--sheet", default="", help="the sheet of a workbook; the first one when absent")
        parser.add_argument("--mode", choices=Import.Mode.values, default=Import.Mode.APPEND)

    def handle(self, *args: Any, **options: Any) -> None:
        source = self._receive(**options)
        console = Console(file=cast("IO[str]", self.stdout), highlight=False)
        bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        with bar:
            task = bar.add_task(source.file_name, total=source.rows_total)
            load.run(source.pk, source.fence, after_batch=lambda done: bar.update(task, completed=done))
            source.refresh_from_db()
            bar.update(task, total=source.rows_total, completed=source.lines_done)
        _report(console, source)
        if source.status != Import.Status.COMPLETE:
            raise CommandError(f"The import is {source.status}.")

    def _receive(self, file: Path, table: int | None, name: str, user: str, mode: str, sheet: str, **_: Any) -> Import:
        target = Table.objects.live().filter(pk=table).first() if table is not None else None
        if table is not None and target is None:
            raise CommandError(f"There is no table {table}.")
        try:
            with file.open("rb") as stream:
                wish = upload.Wish(name=name, mode=mode, sheet=sheet)
                return upload.receive(stream, file.name, user=_user(user), table=target, wish=wish, ring=False)
        except (OSError, TableflowError) as error:
            raise CommandError(str(error)) from error


def _user(name: str) -> Any:
    users = get_user_model().objects
    found = users.filter(username=name) if name else users.filter(is_superuser=True).order_by("pk")
    if (user := found.first()) is None:
        raise CommandError(f"There is no user {name!r}." if name else "There is no superuser yet; name a --user.")
    return user


def _report(console: Console, source: Import) -> None:
    console.print(f"{source.rows_done:,} rows into table {source.table_id}; {source.rejected:,} lines rejected.")
    if not source.errors:
        return
    lines = TextTable("line", "column", "reason")
    for error in source.errors:
        lines.add_row(str(error["line"] or ""), error["attr"] or "", error["detail"])
    console.print(lines)
    if source.rejected > len(source.errors):
        console.print(f"… and {source.rejected - len(source.errors):,} more.")
