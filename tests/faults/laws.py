"""What must hold after any fault: `assert_laws`, and the witness that makes it see every write of an output."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Q

from cells.models import CLAIMED, IN_FLIGHT, Attempt, Execution, Worker
from dispatch.models import Dispatch, DispatchStatus, Window
from tableflow.tables.models import Group, Table
from tests import hands, scenes

OUTPUT = "out"


@dataclass(frozen=True)
class Figures:
    """What a dispatch cost: cells that ended, attempts that were made of them, and those of them that were lost."""

    cells: int
    attempts: int
    lost: int


def gated(table: Table, folder: Path, *, before: Sequence[Mapping[str, Any]] = (), **options: object) -> Group:
    """A group whose cells stand at the gate in the folder, and then write a token that no other attempt writes.

    `before` are steps to take before they come there.
    """
    arguments = {"folder": str(folder), "key": "{{ inputs.n }}"}
    step = {"id": "gate", "type": "python", "config": {"function": "stage.take_token", "arguments": arguments}}
    return scenes.group(
        table, scenes.workflow(table, [*before, step], "{{ steps.gate }}"), OUTPUT, type="text", **options
    )


@dataclass(frozen=True)
class Gate:
    """The folder in which cells leave their marks, and wait until it is opened."""

    folder: Path

    def open(self) -> None:
        """Let all cells pass."""
        (self.folder / "open").touch()

    def arrived(self, pid: int | None = None) -> list[int]:
        """The numbers of the cells that came, one for each time; only those of this process where one is named."""
        return [int(key) for key, by in self._marks("arrived") if pid in (None, by)]

    def tokens(self) -> set[str]:
        """What the cells that passed may write."""
        return {token for token, _ in self._marks("passed")}

    def until_arrived(self, count: int) -> None:
        """Wait until so many cells have come."""
        scenes.until(lambda: len(self.arrived()) >= count, f"{count} cells stand at the gate")

    def _marks(self, name: str) -> Iterator[tuple[str, int]]:
        path = self.folder / name
        for line in path.read_text().splitlines() if path.exists() else []:
            text, pid = line.split()
            yield text, int(pid)


@contextmanager
def witness() -> Iterator[None]:
    """Have the database itself note every write that changes an output, whoever makes it, until the block ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE TABLE fault_writes (row_id bigint NOT NULL, value text);
            CREATE FUNCTION fault_note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              INSERT INTO fault_writes VALUES (NEW.id, NEW.data ->> '{OUTPUT}');
              RETURN NULL;
            END $$;
            CREATE TRIGGER fault_note AFTER UPDATE ON tables_row FOR EACH ROW
            WHEN (OLD.data ->> '{OUTPUT}' IS DISTINCT FROM NEW.data ->> '{OUTPUT}') EXECUTE FUNCTION fault_note();
            """)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER fault_note ON tables_row; DROP FUNCTION fault_note; DROP TABLE fault_writes")


def assert_laws(dispatch: Dispatch, gate: Gate) -> Figures:
    """The dispatch has ended by itself, every cell has one outcome, every output was written once for its attempt."""
    dispatch.refresh_from_db()
    assert dispatch.status == DispatchStatus.COMPLETE
    _assert_accounted(dispatch)
    _assert_nothing_in_flight_without_owner()
    _assert_attempts_lawful(dispatch, gate)
    _assert_written_once(dispatch, gate)
    assert hands.lawless_rows(dispatch.table) == []
    cells = Execution.objects.filter(dispatch_id=dispatch.pk)
    attempts = Attempt.objects.filter(execution__in=cells.values("pk"))
    return Figures(cells.count(), attempts.count(), attempts.filter(error__contains="was lost").count())


def _assert_accounted(dispatch: Dispatch) -> None:
    """Each cell of the dispatch is counted once, with the state that it is in; every window is closed."""
    outcomes = ("completed", "error", "cancelled", "skipped")
    counted = {name: getattr(dispatch, name) for name in outcomes if getattr(dispatch, name)}
    assert sum(counted.values()) + dispatch.waiting == dispatch.total
    cells = Execution.objects.filter(dispatch_id=dispatch.pk)
    assert Counter(cells.values_list("status", flat=True)) == counted
    assert not Window.objects.filter(dispatch=dispatch, closed_at=None).exists()


def _assert_nothing_in_flight_without_owner() -> None:
    active = Dispatch.objects.active().values("pk")
    in_flight = Execution.objects.filter(status__in=IN_FLIGHT)
    assert not in_flight.exclude(dispatch_id__in=active).exists()
    living = Worker.objects.exclude(status=Worker.Status.LOST).values("pk")
    claimed = in_flight.filter(status__in=CLAIMED)
    assert not claimed.filter(Q(worker=None) | ~Q(worker__in=living)).exists()


def _assert_attempts_lawful(dispatch: Dispatch, gate: Gate) -> None:
    """An attempt has one record at most and ran once at most; the newest one's is how the cell ended."""
    ran = Counter(gate.arrived())
    records: dict[int, list[tuple[int, str]]] = defaultdict(list)
    cells = Execution.objects.filter(dispatch_id=dispatch.pk)
    of_cells = Attempt.objects.filter(execution__in=cells.values("pk")).order_by("number")
    for cell_id, number, status in of_cells.values_list("execution", "number", "status"):
        records[cell_id].append((number, status))
    for cell in cells.select_related("row"):
        numbers, statuses = zip(*records[cell.pk], strict=True)
        assert len(set(numbers)) == len(numbers)
        assert (numbers[-1], statuses[-1]) == (cell.attempt, cell.status)
        assert statuses.count("completed") == (cell.status == "completed")
        assert ran[cell.row.data["n"]] <= cell.attempt


def _assert_written_once(dispatch: Dispatch, gate: Gate) -> None:
    """The output of every completed cell was written by one attempt, once; no other attempt wrote anything."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_id, value FROM fault_writes JOIN tables_row ON id = row_id WHERE table_id = %s",
            [dispatch.table_id],
        )
        written = cursor.fetchall()
    assert Counter(row for row, _ in written).keys() >= set(_completed_rows(dispatch))
    assert all(count == 1 for count in Counter(row for row, _ in written).values())
    shown = dict(dispatch.table.rows.values_list("pk", f"data__{OUTPUT}"))
    assert {row: value for row, value in shown.items() if value is not None} == dict(written)
    assert {value for _, value in written} <= gate.tokens()


def _completed_rows(dispatch: Dispatch) -> list[int]:
    return list(Execution.objects.filter(dispatch_id=dispatch.pk, status="completed").values_list("row", flat=True))
