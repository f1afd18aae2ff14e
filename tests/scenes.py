"""Scenes for the engine's tests: a table with rows and workflow columns, and ways to watch a dispatch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Count, F, OuterRef, Subquery

from cells import usage
from cells.models import Execution, Workflow, WorkflowVersion
from cells.usage import Present
from dispatch.models import ENDED, Dispatch
from tableflow.tables import schema
from tableflow.tables.models import Column, Group, Row, Table

PATIENCE = 60.0
HEALED_AFTER = 15.0
HEALED_EVERY = 5.0
heal: Callable[[], object] | None = None
"""What heals in place of beat, for tests with workers and no beat (tests/integration/conftest.py)."""


def table(rows: int, *, name: str = "Numbers") -> Table:
    """A table with a number column `n` that counts its rows from 1."""
    owner, _ = get_user_model().objects.get_or_create(username="owner")
    made = Table.objects.create(name=name, owner=owner)
    Column.objects.create(table=made, key="n", name="N", type="number", position=0)
    add_rows(made, rows)
    return made


def add_rows(to: Table, count: int) -> None:
    """Append rows with rising `n`, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO tables_row (table_id, position, data, done, created_at, updated_at)
            SELECT %s, start.n + i, jsonb_build_object('n', start.n + i), 0, now(), now()
            FROM (SELECT count(*) AS n FROM tables_row WHERE table_id = %s) start, generate_series(1, %s) AS i
            """,
            [to.pk, to.pk, count],
        )
    Table.objects.filter(pk=to.pk).update(row_count=Row.objects.filter(table=to).count())


def workflow(to: Table, steps: Sequence[Mapping[str, Any]], output: str, *, inputs: Sequence[str] = ("n",)) -> Workflow:
    """A workflow of these steps with one output `out`."""
    made = Workflow.objects.create(name="work", owner=to.owner)
    WorkflowVersion.objects.create(
        workflow=made, number=1, inputs=list(inputs), steps=list(steps), outputs={"out": output}
    )
    return made


def doubling(to: Table) -> Workflow:
    """A workflow that never waits: its output is twice its input."""
    return workflow(
        to,
        [{"id": "double", "type": "template", "config": {"template": "{{ inputs.n * 2 }}"}}],
        "{{ steps.double }}",
    )


def group(
    to: Table,
    work: Workflow,
    key: str = "out",
    *,
    reads: str = "n",
    type: str = "number",  # noqa: A002
    **options: Any,
) -> Group:
    """A workflow column with one output column, bound to the workflow's input `n`."""
    used = Group.objects.filter(table=to).count()
    made = Group.objects.create(
        table=to,
        name=key,
        workflow_id=work.pk,
        inputs={"n": reads},
        outputs=[{"from": "out", "column": key}],
        bit=used,
        **options,
    )
    position = Column.objects.filter(table=to).count()
    Column.objects.create(table=to, key=key, name=key, type=type, position=position, group=made)
    return made


def doubled(owner: Any, rows: int) -> Table:
    """A table of this user's with so many rows, and a workflow column `out` that doubles `n`."""
    made = table(rows)
    Table.objects.filter(pk=made.pk).update(owner=owner)
    group(made, doubling(made))
    return made


def settle(of: Group) -> None:
    """Let the group's executions have used what there is now: none of them is outdated then."""
    used = usage.of(schema.load(of.table_id))[of.pk]
    here = Row.objects.filter(pk=OuterRef("row")).values(present=Present(used, F("data")))
    Execution.objects.filter(group=of).update(used=Subquery(here))


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Wait until the condition is true, and give it; an AssertionError that says what was awaited when it never is.

    Where no beat runs beside the test, `heal` does now and then what it would have done.
    """
    began = time.monotonic()
    heal_at = began + HEALED_AFTER
    while time.monotonic() < began + seconds:
        found = condition()
        if found:
            return found
        if heal is not None and time.monotonic() > heal_at:
            heal_at = time.monotonic() + HEALED_EVERY
            heal()
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain until {what}")


def until_ended(dispatch: Dispatch, seconds: float = PATIENCE) -> Dispatch:
    """Wait until the dispatch has ended, and give it as it is then."""

    def ended() -> Dispatch | None:
        dispatch.refresh_from_db()
        return dispatch if dispatch.status in ENDED else None

    found: Dispatch = until(ended, f"dispatch {dispatch.pk} ends", seconds)
    return found


def statuses(of: Group) -> dict[str, int]:
    """How many executions of the group have each status."""
    return dict(Execution.objects.filter(group=of).values_list("status").annotate(Count("pk")).order_by())


def values(of: Table, key: str = "out") -> list[Any]:
    """The values of a column in the visible order."""
    return [data.get(key) for data in Row.objects.filter(table=of).order_by("position").values_list("data", flat=True)]
