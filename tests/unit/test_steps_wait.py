"""The wait step: spans and moments, as numbers or templates, and what it gives when it goes on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cells.steps.times import SECONDS_LIMIT, moment, seconds, spoken
from cells.workflows.definition import check, compile_program
from cells.workflows.run import Completed, Failed, Paused, Result, resume, run
from tableflow.errors import InvalidInput

OUTPUTS = {"out": "{{ steps.w.resumed_at }}"}


def wait(config: dict[str, Any], x: Any = None, **more: Any) -> Result:
    definition = {"id": "w", "type": "wait", "config": config, **more}
    check(["x"], [definition], OUTPUTS)
    return asyncio.run(run(compile_program(["x"], [definition], OUTPUTS), {"x": x}, {}))


def due(result: Result) -> datetime:
    assert isinstance(result, Paused), result
    assert result.due_at is not None
    return result.due_at


@pytest.mark.parametrize(
    ("config", "x", "span"),
    [
        ({"seconds": 90}, None, 90),
        ({"seconds": 0.5}, None, 0.5),
        ({"seconds": "90"}, None, 90),
        ({"seconds": "{{ inputs.x }}"}, 90, 90),
        ({"seconds": "{{ inputs.x }}0"}, 9, 90),
        ({"seconds": "{{ inputs.x * 60 }}"}, 1.5, 90),
        ({"seconds": SECONDS_LIMIT}, None, SECONDS_LIMIT),
    ],
)
def test_it_pauses_for_so_many_seconds(config: dict[str, Any], x: Any, span: float) -> None:
    before = datetime.now(UTC)
    result = wait(config, x)
    after = datetime.now(UTC)
    assert before + timedelta(seconds=span) <= due(result) <= after + timedelta(seconds=span)
    assert isinstance(result, Paused)
    assert (result.kind, result.question) == ("wait", None)
    (record,) = result.trace
    assert (record["status"], record["attempts"], record["output"]) == ("paused", 1, None)
    assert set(record["input"]) == {"seconds"}


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("2999-01-02", datetime(2999, 1, 2, tzinfo=UTC)),
        ("2999-01-02T03:04:05", datetime(2999, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2999-01-02T03:04:05Z", datetime(2999, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (" 2999-01-02 03:04+02:00 ", datetime(2999, 1, 2, 1, 4, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("source", ["{given}", "{{{{ inputs.x }}}}"])
def test_it_pauses_until_a_moment(until: str, expected: datetime, source: str) -> None:
    assert due(wait({"until": source.format(given=until)}, until)) == expected


@pytest.mark.parametrize("config", [{"seconds": 0}, {"until": "2001-01-01"}, {"until": "0001-01-01T00:00Z"}])
def test_a_time_that_has_come_does_not_pause(config: dict[str, Any]) -> None:
    before = datetime.now(UTC)
    result = wait(config)
    assert isinstance(result, Completed)
    assert before <= datetime.fromisoformat(result.outputs["out"]) <= datetime.now(UTC)
    assert result.trace[0]["status"] == "completed"


def test_it_gives_when_it_went_on() -> None:
    pause = wait({"seconds": 60})
    assert isinstance(pause, Paused)
    program = compile_program(["x"], [{"id": "w", "type": "wait", "config": {"seconds": 60}}], OUTPUTS)
    result = asyncio.run(resume(program, pause.standing, {}, {"resumed_at": "2026-01-01T00:00:00+00:00"}))
    assert isinstance(result, Completed)
    assert result.outputs == {"out": "2026-01-01T00:00:00+00:00"}
    assert result.trace[0]["output"] == {"resumed_at": "2026-01-01T00:00:00+00:00"}
    assert result.trace[0]["input"] == {"seconds": 60}


@pytest.mark.parametrize(
    ("config", "attr"),
    [
        ({}, "seconds"),
        ({"seconds": 1, "until": "2999-01-01"}, "until"),
        ({"seconds": -1}, "seconds"),
        ({"seconds": SECONDS_LIMIT + 1}, "seconds"),
        ({"seconds": "soon"}, "seconds"),
        ({"seconds": "nan"}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"seconds": None}, "seconds"),
        ({"seconds": "{{ inputs.y }}"}, "seconds"),
        ({"until": "tomorrow"}, "until"),
        ({"until": "2999-13-01"}, "until"),
        ({"until": ""}, "until"),
        ({"until": 5}, "until"),
        ({"minutes": 5}, "minutes"),
    ],
)
def test_what_it_cannot_wait_for_is_refused_when_the_workflow_is_written(config: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        wait(config)
    assert [problem.attr for problem in refused.value.problems] == [f"steps.0.config.{attr}"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("seconds", None, "seconds: It must be a number of seconds, not None"),
        ("seconds", "soon", "seconds: It must be a number of seconds, not 'soon'"),
        ("seconds", -5, "seconds: It must be from 0 to 31,536,000 seconds"),
        ("seconds", 1e300, "seconds: It must be from 0"),
        ("seconds", [5], "seconds: It must be a number of seconds"),
        ("until", None, "until: It must be a date or a time"),
        ("until", "soon", "until: It must be a date or a time as ISO 8601 has them, not 'soon'"),
        ("until", "0001-01-01T00:00+14:00", "until: It must be a date"),
    ],
)
def test_what_a_template_gives_is_checked_when_it_runs(name: str, value: Any, said: str) -> None:
    result = wait({name: "{{ inputs.x }}"}, value)
    assert isinstance(result, Failed)
    assert result.error.startswith(f"w: {said}")
    assert result.trace[0]["input"] == {name: value}


def test_a_failed_wait_may_be_passed_over() -> None:
    steps = [{"id": "w", "type": "wait", "config": {"seconds": "{{ inputs.x }}"}, "on_error": "continue"}]
    result = asyncio.run(run(compile_program(["x"], steps, {"o": "{{ steps.w.error }}"}), {"x": "soon"}, {}))
    assert isinstance(result, Completed)
    assert "a number of seconds" in result.outputs["o"]


def test_a_program_that_waits_is_not_inline() -> None:
    assert not compile_program([], [{"id": "w", "type": "wait", "config": {"seconds": 1}}], {}).is_inline


@pytest.mark.parametrize(
    ("span", "said"),
    [(86_400, "1 day"), (259_200, "3 days"), (5400, "90 minutes"), (3600, "1 hour"), (90, "90 s"), (0.25, "0.2 s")],
)
def test_spans_are_said_in_the_largest_unit_that_fits(span: float, said: str) -> None:
    assert spoken(span) == said


def test_spans_and_moments_are_read_as_they_are_written() -> None:
    assert seconds(" 1e2 ") == 100
    assert moment("20300102") == datetime(2030, 1, 2, tzinfo=UTC)
