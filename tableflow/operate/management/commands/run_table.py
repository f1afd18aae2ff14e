"""Runs a table's workflow columns and watches the run to its end."""

from __future__ import annotations

import time
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from dispatch import progress
from dispatch.begin import MODES, begin
from dispatch.models import ENDED, Dispatch, DispatchStatus, Mode
from dispatch.progress import Counts
from tableflow.errors import TableflowError
from tableflow.health import checks
from tableflow.tables.models import Table

GLANCE_SECONDS = 0.5


class Command(BaseCommand):
    """Shows a progress bar, then how the cells ended. Ends with 1 when the run was cancelled, or paused.

    Ctrl-C stops the watching only: the run is the workers', and goes on.
    """

    help = "Runs the workflow columns of a table, with a progress bar. Workers do the work: make up must be running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", type=int, help="the table's id, as in its address")
        parser.add_argument("--mode", choices=[str(mode) for mode in MODES], default=str(Mode.INCOMPLETE))
        parser.add_argument("--limit", type=int, help="at most so many rows")
        parser.add_argument("--max-errors", type=int, metavar="N", help="pause the run when so many cells have failed")

    def handle(self, *args: Any, **options: Any) -> None:
        dispatch = _begin(options["table"], options["mode"], options["limit"], options["max_errors"])
        console = Console(file=cast("IO[str]", self.stdout), highlight=False)
        try:
            counts = _watch(dispatch, console)
        except KeyboardInterrupt:
            console.print(f"The run goes on: it is dispatch {dispatch.pk}. Its table's page can stop it.")
            return
        console.print(_summary(counts))
        if dispatch.status == DispatchStatus.CANCELLED:
            raise CommandError("The run was cancelled.")
        if dispatch.status == DispatchStatus.PAUSED:
            raise CommandError(f"The run is paused, as dispatch {dispatch.pk}: {dispatch.paused_because}")


def _begin(table_id: int, mode: str, limit: int | None, max_errors: int | None) -> Dispatch:
    if not Table.objects.live().filter(pk=table_id).exists():
        raise CommandError(f"There is no table {table_id}.")
    workers = checks.workers()
    if not workers.ok:
        raise CommandError(f"Nothing was begun: {workers.detail}. What to do: {workers.advice}.")
    try:
        return begin(table_id, mode=mode, limit=limit, caps={"errors": max_errors})
    except TableflowError as error:
        raise CommandError(str(error)) from error


def _watch(dispatch: Dispatch, console: Console) -> Counts:
    """Show the run until it has ended or is paused; the counts at that moment."""
    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"dispatch {dispatch.pk}", total=None)
        while True:
            dispatch.refresh_from_db()
            counts = progress.counts([dispatch])[dispatch.pk]
            bar.update(task, completed=counts.ended + counts.waiting, total=counts.total)
            if dispatch.status in (*ENDED, DispatchStatus.PAUSED):
                return counts
            time.sleep(GLANCE_SECONDS)


def _summary(counts: Counts) -> str:
    ends = {name: getattr(counts, name) for name in ("completed", "error", "cancelled", "skipped", "waiting")}
    said = ", ".join(f"{number:,} {name}" for name, number in ends.items() if number)
    return f"{said}." if said else "There was nothing to run."
