from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from dispatch import cancel
from dispatch.models import Dispatch
from tableflow.tables.models import Row
from tests import hands, parts, scenes


def run_table(*arguments: object) -> str:
    out = StringIO()
    call_command("run_table", *map(str, arguments), stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_it_runs_the_table_to_its_end_and_says_how_its_cells_ended(worker: parts.Part) -> None:
    table = scenes.table(30)
    scenes.group(table, scenes.doubling(table))
    printed = run_table(table.pk, "--limit", 20)
    assert "20 completed." in printed
    assert Row.objects.filter(table=table, data__has_key="out").count() == 20
    assert "10 completed." in run_table(table.pk)
    assert "There was nothing to run." in run_table(table.pk)
    Row.objects.filter(table=table, data__n__lte=3).update(data={"n": 100, "out": 0})
    assert "3 completed." in run_table(table.pk, "--mode", "stale")


@pytest.mark.django_db(transaction=True)
def test_a_run_that_reaches_its_errors_is_paused_and_said_to_be(worker: parts.Part) -> None:
    table = scenes.table(200)
    broken = [{"id": "half", "type": "template", "config": {"template": "{{ 1 / 0 }}"}}]
    scenes.group(table, scenes.workflow(table, broken, "{{ steps.half }}"), concurrency=2)
    with pytest.raises(CommandError, match=r"paused, as dispatch \d+: .* cells failed; the cap is 5"):
        run_table(table.pk, "--max-errors", 5)
    assert Dispatch.objects.get().status == "paused"


@pytest.mark.django_db(transaction=True)
def test_a_run_that_somebody_cancels_is_an_error() -> None:
    table = scenes.table(3)
    scenes.group(table, scenes.doubling(table))
    hands.worker()  # Its heart has beaten, and it never takes anything.

    def stop() -> None:
        scenes.until(lambda: Dispatch.objects.filter(table=table).exists(), "the run began")
        cancel.cancel_dispatch(Dispatch.objects.get(table=table).pk)
        connection.close()

    stopping = threading.Thread(target=stop)
    stopping.start()
    with pytest.raises(CommandError, match="cancelled"):
        run_table(table.pk)
    stopping.join()


@pytest.mark.django_db
def test_without_a_worker_nothing_is_begun() -> None:
    table = scenes.table(1)
    scenes.group(table, scenes.doubling(table))
    with pytest.raises(CommandError, match="no worker of the queue tableflow has been heard"):
        run_table(table.pk)
    assert not Dispatch.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--limit", "0"], "limit must be from 1"),
        (["--mode", "old"], "invalid choice"),
        (["--max-errors", "0"], "cap must be above 0"),
    ],
)
def test_what_cannot_be_run_is_said(arguments: list[str], message: str) -> None:
    table = scenes.table(1)
    scenes.group(table, scenes.doubling(table))
    hands.worker()
    with pytest.raises(CommandError, match=message):
        run_table(table.pk, *arguments)


@pytest.mark.django_db
def test_an_unknown_table_is_said() -> None:
    with pytest.raises(CommandError, match="There is no table 999999"):
        run_table(999999)
