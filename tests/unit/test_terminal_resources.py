"""What an event of the stream touches."""

from __future__ import annotations

from typing import Any

import pytest

from tableflow.live.events import RUNS as DISPATCH_TYPES
from tableflow.live.events import TYPES
from tableflow.live.events import WORKERS as WORKER_TYPES
from tableflow.terminal import resources
from tableflow.terminal.resources import EVERYTHING, MOST_NAMES, NOTHING, REOPENED, Touched, touched_by


def of(type_: str, **more: Any) -> Touched:
    return touched_by({"id": 1, "type": type_, "table": 7, "rev": 1, **more})


def names(*expected: str) -> Touched:
    return Touched(frozenset(expected))


@pytest.mark.parametrize("type_", DISPATCH_TYPES)
def test_a_transition_of_a_run_touches_it_the_list_and_the_cells_of_its_table(type_: str) -> None:
    assert of(type_, dispatch=3) == names("runs", "run:3", "cells:7")


def test_changed_cells_touch_the_runs_that_changed_them() -> None:
    assert of("cells.changed", rows="many", dispatches=[3, 4]) == names("runs", "run:3", "run:4", "cells:7")


@pytest.mark.parametrize("type_", ["rows.changed", "schema.changed", "import.changed"])
def test_a_change_of_a_table_touches_it_and_the_list(type_: str) -> None:
    assert of(type_) == names("tables", "cells:7")


def test_a_question_touches_the_questions_and_the_cells() -> None:
    assert of("approvals.changed", rows=[1]) == names("approvals", "cells:7")


@pytest.mark.parametrize("type_", WORKER_TYPES)
def test_a_worker_touches_the_workers(type_: str) -> None:
    assert of(type_, table=None, worker="w") == names("workers")


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_of_event_is_known(type_: str) -> None:
    touched = of(type_, dispatch=3, dispatches=[3])

    assert touched.names
    assert not touched.everything


@pytest.mark.parametrize(
    "event",
    [
        {"type": "something.new", "table": 7},
        {"type": "cells.changed", "table": 7, "dispatches": []},
        {"type": "cells.changed", "table": 7},
        {"type": "dispatch.started", "table": 7, "dispatch": None},
        {"type": "rows.changed", "table": None},
        {"type": "rows.changed", "table": "7"},
    ],
)
def test_an_event_that_tells_too_little_touches_everything(event: dict[str, Any]) -> None:
    assert touched_by(event) == EVERYTHING


def test_what_is_touched_adds_up() -> None:
    assert NOTHING | names("runs") | names("workers") == names("runs", "workers")
    assert names("runs") | EVERYTHING == EVERYTHING
    assert REOPENED | names("runs") == REOPENED == EVERYTHING | REOPENED


def test_so_many_names_are_everything() -> None:
    many = names(*(resources.run(id_) for id_ in range(MOST_NAMES)))

    assert not many.everything
    assert many | names("runs") == EVERYTHING


def test_everything_has_every_resource_in_it() -> None:
    assert resources.cells(7) in EVERYTHING
    assert resources.RUNS in names("runs")
    assert resources.RUNS not in names("run:1")
