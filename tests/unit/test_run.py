"""How a workflow runs: order, conditions, retries, timeouts, failures, and what the trace keeps."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cells.steps import registry
from cells.steps.shown import LIMIT, MASK, RETRY_LIMIT
from cells.steps.step import Step, StepFailed, StepType, WaitingStep
from cells.workflows.definition import Retry, compile_program
from cells.workflows.retries import RETRY_IN_PLACE_SECONDS, wait_seconds
from cells.workflows.run import Completed, Failed, Paused, Result, Standing, resume, run


@dataclass
class Probe(WaitingStep):
    """A step that does what the test says, one thing a try."""

    acts: list[Any]
    templates: tuple[Any, ...] = ()
    tries: int = field(default=0)

    def render(self, scope: Any) -> Any:  # noqa: ARG002
        return {}

    async def perform(self, config: Any) -> Any:  # noqa: ARG002
        act = self.acts[min(self.tries, len(self.acts) - 1)]
        self.tries += 1
        if isinstance(act, BaseException):
            raise act
        return await act() if callable(act) else act


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`probe(*acts)` gives the step that will stand behind every step of type `probe`."""

    def make(*acts: Any) -> Probe:
        made = Probe(list(acts))

        def compile_probe(_config: Any, _attr: str) -> Step:
            return made

        kind = StepType("probe", "Probe", "A probe.", {"type": "object"}, {}, compile_probe)
        find = registry.find
        monkeypatch.setattr(registry, "find", lambda name: kind if name == "probe" else find(name))
        monkeypatch.setattr(registry, "config_validator", _validator(registry.config_validator))
        return made

    return make


def _validator(original: Any) -> Any:
    from cells import schemas

    return lambda name: schemas.validator({}) if name == "probe" else original(name)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the run would have waited, which it now does not."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("cells.workflows.run.asyncio.sleep", sleep)
    return waited


def template(id_: str, source: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "template", "config": {"template": source}, **more}


def execute(steps: list[dict[str, Any]], outputs: dict[str, str], **inputs: Any) -> Result:
    program = compile_program(["x", "y"], steps, outputs)
    return asyncio.run(run(program, inputs, {"key": "value"}))


PROBE = {"id": "p", "type": "probe", "config": {}}


def test_steps_read_the_inputs_the_row_and_the_steps_before() -> None:
    steps = [template("a", "{{ inputs.x + 1 }}"), template("b", "{{ steps.a * 2 }}{{ row.key }}")]
    result = execute(steps, {"n": "{{ steps.a }}", "t": "{{ steps.b }}", "none": "{{ inputs.y }}"}, x=1)
    assert isinstance(result, Completed)
    assert result.outputs == {"n": 2, "t": "4value", "none": None}


def test_the_trace_has_a_record_of_every_step() -> None:
    result = execute([template("a", "{{ inputs.x }}")], {}, x=5)
    (record,) = result.trace
    assert record["started_at"].endswith("+00:00")
    assert record["duration_ms"] >= 0
    assert {key: record[key] for key in ("id", "type", "status", "input", "output", "error", "attempts")} == {
        "id": "a",
        "type": "template",
        "status": "completed",
        "input": {"template": "{{ inputs.x }}"},
        "output": 5,
        "error": None,
        "attempts": 1,
    }


@pytest.mark.parametrize(
    ("value", "runs"), [(1, True), (0, False), ("", False), ("false", False), ("0", False), ("no", True), ([], False)]
)
def test_a_step_whose_condition_does_not_hold_is_skipped(value: Any, runs: bool) -> None:
    steps = [template("a", "ran", **{"if": "{{ inputs.x }}"})]
    result = execute(steps, {"o": "{{ steps.a }}"}, x=value)
    assert isinstance(result, Completed)
    assert result.outputs == {"o": "ran" if runs else None}
    assert result.trace[0]["status"] == ("completed" if runs else "skipped")


def test_a_failing_template_names_the_step_and_the_cause() -> None:
    result = execute([template("a", "{{ inputs.x.name }}"), template("b", "never")], {}, x=None)
    assert isinstance(result, Failed)
    assert result.error == "a: 'name' was asked of an empty value (null)."
    assert [record["status"] for record in result.trace] == ["error"]


def test_a_failing_output_names_itself() -> None:
    result = execute([], {"o": "{{ inputs.x.name }}"}, x=1)
    assert isinstance(result, Failed)
    assert result.error.startswith("The output 'o': ")


def test_with_on_error_continue_the_next_step_sees_the_error() -> None:
    steps = [template("a", "{{ 1 / 0 }}", on_error="continue"), template("b", "{{ steps.a.error }}")]
    result = execute(steps, {"o": "{{ steps.b }}"})
    assert isinstance(result, Completed)
    assert result.outputs == {"o": "division by zero"}
    assert [record["status"] for record in result.trace] == ["error", "completed"]


def test_a_retryable_failure_is_tried_again_with_growing_waits(probe: Any, waits: list[float]) -> None:
    step = probe(StepFailed("a", retryable=True), StepFailed("b", retryable=True), "done")
    result = execute([{**PROBE, "retry": {"attempts": 3, "backoff_seconds": 1}}], {"o": "{{ steps.p }}"})
    assert isinstance(result, Completed)
    assert result.outputs == {"o": "done"}
    assert step.tries == result.trace[0]["attempts"] == 3
    assert [retry["error"] for retry in result.trace[0]["retries"]] == ["a", "b"]
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2


def test_a_failure_that_is_not_retryable_is_not_tried_again(probe: Any, waits: list[float]) -> None:
    step = probe(StepFailed("no"))
    result = execute([{**PROBE, "retry": {"attempts": 5}}], {})
    assert result == Failed("p: no", result.trace)
    assert (step.tries, waits) == (1, [])


def test_the_last_failure_is_the_error(probe: Any, waits: list[float]) -> None:
    probe(StepFailed("first", retryable=True), StepFailed("last", retryable=True))
    result = execute([{**PROBE, "retry": {"attempts": 2}}], {})
    assert isinstance(result, Failed)
    assert result.error == "p: last"
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("backoff", "failures", "asked", "least", "most"),
    [
        (1, 1, None, 0.5, 1),
        (1, 4, None, 4, 8),
        (300, 9, None, 150, 300),
        (0, 1, 5, 5, 5),
        (0, 1, 3600, 900, 900),
        (10, 1, 2, 5, 10),
    ],
)
def test_waits_double_within_bounds(
    backoff: float, failures: int, asked: float | None, least: float, most: float
) -> None:
    for _ in range(50):
        assert least <= wait_seconds(Retry(3, backoff), failures, asked) <= most


def test_a_step_is_stopped_at_its_timeout(probe: Any) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    probe(hang)
    result = execute([{**PROBE, "timeout": 0.01}], {})
    assert isinstance(result, Failed)
    assert result.error == "p: It took longer than its timeout of 0.01 s."


def test_a_timeout_of_the_step_itself_is_not_taken_for_ours(probe: Any) -> None:
    probe(TimeoutError("theirs"))
    result = execute([PROBE], {})
    assert isinstance(result, Failed)
    assert result.error == "p: TimeoutError: theirs"


def test_an_unforeseen_exception_is_a_failure_and_is_logged(probe: Any, caplog: pytest.LogCaptureFixture) -> None:
    probe(RuntimeError("bug"))
    result = execute([PROBE], {})
    assert isinstance(result, Failed)
    assert "RuntimeError: bug" in result.error
    assert result.trace[0]["status"] == "error"
    assert "unforeseen" in caplog.text


def test_a_cancellation_is_passed_on(probe: Any) -> None:
    async def cancelled() -> None:
        started = asyncio.Event()

        async def hang() -> None:
            started.set()
            await asyncio.Event().wait()

        probe(hang)
        task = asyncio.ensure_future(run(compile_program([], [{**PROBE, "on_error": "continue"}], {}), {}, {}))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_a_program_that_never_waits_ends_at_the_first_send() -> None:
    coroutine = run(compile_program(["x"], [template("a", "{{ inputs.x }}")], {"o": "{{ steps.a }}"}), {"x": 1}, {})
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    assert stop.value.value.outputs == {"o": 1}


def test_a_step_of_a_type_that_is_gone_fails_and_says_so() -> None:
    result = execute([{"id": "a", "type": "gone", "config": {}}], {})
    assert isinstance(result, Failed)
    assert "a: This step cannot run any more. There is no step type 'gone'" in result.error


def test_what_a_trace_keeps_is_bounded_and_says_that_it_is_cut() -> None:
    steps = [template("text", "{{ inputs.x }}"), template("data", "{{ [inputs.x] }}")]
    result = execute(steps, {"o": "{{ steps.data }}"}, x="x" * 100_000)
    assert isinstance(result, Completed)
    assert result.outputs["o"] == ["x" * 100_000]
    for record in result.trace:
        assert len(record["output"]) < LIMIT + 100
        assert "[cut: the first 16 kB of 100," in record["output"]


def retried(attempts: int, backoff_seconds: float, **more: Any) -> list[dict[str, Any]]:
    return [{**PROBE, "retry": {"attempts": attempts, "backoff_seconds": backoff_seconds}, **more}]


def paused(result: Result) -> Paused:
    assert isinstance(result, Paused), result
    return result


def again(pause: Paused, steps: list[dict[str, Any]], outputs: dict[str, str], result: Any = None) -> Result:
    """Go on from what was stored of a pause."""
    standing = Standing.from_json(json.loads(json.dumps(pause.standing.as_json())))
    return asyncio.run(resume(compile_program(["x", "y"], steps, outputs), standing, {"key": "later"}, result))


def test_a_retry_that_is_long_to_come_pauses_the_run(probe: Any, waits: list[float]) -> None:
    step = probe(StepFailed("busy", retryable=True, retry_after=30, output={"said": "later"}), "done")
    steps = [
        template("a", "{{ inputs.x }}"),
        *retried(2, 0),
        template("b", "{{ steps.a }} {{ steps.p }} {{ row.key }}"),
    ]
    before = datetime.now(UTC)
    pause = paused(execute(steps, {"o": "{{ steps.b }}"}, x="first"))
    assert (pause.kind, pause.question, step.tries, waits) == ("retry", None, 1, [])
    assert pause.due_at is not None
    assert timedelta(seconds=30) <= pause.due_at - before < timedelta(seconds=60)
    assert pause.standing.tries == 1
    assert pause.standing.given == {"a": "first"}
    assert [record["status"] for record in pause.trace] == ["completed", "paused"]
    assert pause.trace[1]["due_at"] == pause.due_at.isoformat()

    result = again(pause, steps, {"o": "{{ steps.b }}"})
    assert isinstance(result, Completed)
    assert result.outputs == {"o": "first done later"}
    assert [record["status"] for record in result.trace] == ["completed"] * 3
    assert (step.tries, result.trace[1]["attempts"]) == (2, 2)
    assert "due_at" not in result.trace[1]
    (retry,) = result.trace[1]["retries"]
    assert (retry["error"], retry["output"], retry["waited_s"]) == ("busy", {"said": "later"}, 30)
    assert retry["duration_ms"] >= 0
    assert retry["started_at"] >= before.isoformat()


def test_tries_are_counted_over_pauses_until_none_is_left(probe: Any, waits: list[float]) -> None:
    step = probe(StepFailed("busy", retryable=True, retry_after=30, output="kept"))
    steps = retried(3, 0, on_error="continue")
    pause = paused(execute(steps, {}))
    pause = paused(again(pause, steps, {}))
    assert pause.standing.tries == 2
    result = again(pause, steps, {"o": "{{ steps.p.error }}"})
    assert isinstance(result, Completed)
    assert result.outputs == {"o": "busy"}
    (record,) = result.trace
    assert (record["status"], record["error"], record["output"]) == ("error", "busy", "kept")
    assert (record["attempts"], len(record["retries"]), step.tries) == (3, 2, 3)


@pytest.mark.parametrize(
    ("seconds", "pauses"), [(RETRY_IN_PLACE_SECONDS, False), (RETRY_IN_PLACE_SECONDS + 0.01, True)]
)
def test_a_short_wait_keeps_its_place(seconds: float, pauses: bool, probe: Any, waits: list[float]) -> None:
    probe(StepFailed("busy", retryable=True, retry_after=seconds), "done")
    assert isinstance(execute(retried(2, 0), {}), Paused if pauses else Completed)
    assert waits == ([] if pauses else [seconds])


def test_a_run_that_may_not_pause_waits_where_it_is(probe: Any, waits: list[float]) -> None:
    probe(StepFailed("busy", retryable=True, retry_after=30), "done")
    steps = [*retried(2, 0), {"id": "w", "type": "wait", "config": {"seconds": 90}}]
    result = asyncio.run(run(compile_program([], steps, {}), {}, {}, may_pause=False))
    assert isinstance(result, Completed)
    assert waits[0] == 30
    assert 89 < waits[1] <= 90


def test_a_resumed_step_keeps_its_start_and_its_time_spans_the_pause(probe: Any) -> None:
    probe(StepFailed("busy", retryable=True, retry_after=30), "done")
    pause = paused(execute(retried(2, 0), {}))
    began = (datetime.now(UTC) - timedelta(hours=2)).isoformat()
    pause.standing.trace[0]["started_at"] = began
    result = again(pause, retried(2, 0), {})
    assert result.trace[0]["started_at"] == began
    assert 7_200_000 <= result.trace[0]["duration_ms"] < 7_300_000


def test_resuming_changes_nothing_of_what_was_stored(probe: Any) -> None:
    probe(StepFailed("busy", retryable=True, retry_after=30))
    steps = retried(5, 0)
    pause = paused(execute(steps, {}))
    stored = json.dumps(pause.standing.as_json())
    asyncio.run(resume(compile_program([], steps, {}), pause.standing, {}, None))
    assert json.dumps(pause.standing.as_json()) == stored


def test_the_condition_of_a_step_is_not_asked_again_when_it_goes_on() -> None:
    steps = [{"id": "w", "type": "wait", "config": {"seconds": 60}, "if": "{{ row.key == 'value' }}"}]
    pause = paused(execute(steps, {}))
    result = again(pause, steps, {"o": "{{ steps.w.resumed_at }}"}, {"resumed_at": "now"})
    assert isinstance(result, Completed)
    assert result.outputs == {"o": "now"}


def test_a_newer_workflow_goes_on_with_what_the_older_one_had() -> None:
    wait = {"id": "w", "type": "wait", "config": {"seconds": 60}}
    pause = paused(execute([template("a", "{{ inputs.x }}"), wait], {}, x=1))
    newer = [template("new", "never runs"), template("a", "nor this"), wait, template("b", "{{ steps.a + 1 }}")]
    result = again(pause, newer, {"o": "{{ steps.b }}"}, {"resumed_at": "now"})
    assert isinstance(result, Completed)
    assert result.outputs == {"o": 2}
    assert [record["id"] for record in result.trace] == ["a", "w", "b"]


@pytest.mark.parametrize("newer", [[], [template("w", "another kind")]])
def test_a_pause_whose_step_is_gone_fails_and_says_so(newer: list[dict[str, Any]]) -> None:
    pause = paused(execute([{"id": "w", "type": "wait", "config": {"seconds": 60}}], {}))
    result = again(pause, newer, {}, {"resumed_at": "now"})
    assert isinstance(result, Failed)
    assert result.error.startswith("w: It paused here, and the workflow has no such step any more.")
    (record,) = result.trace
    assert (record["status"], f"w: {record['error']}") == ("error", result.error)
    assert "due_at" not in record


def test_a_run_that_holds_too_much_cannot_pause(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cells.workflows.run.STANDING_LIMIT", 10_000)
    probe("x" * 10_000)
    result = execute([PROBE, {"id": "w", "type": "wait", "config": {"seconds": 60}}], {})
    assert isinstance(result, Failed)
    assert result.error.startswith("w: It cannot pause: what the steps before gave is bigger than")
    assert [record["status"] for record in result.trace] == ["completed", "error"]


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        (template("a", "{{ inputs.x.name }}"), {"template": "{{ inputs.x.name }}"}),
        (template("a", "t", **{"if": "{{ inputs.x.name }}"}), {"if": "{{ inputs.x.name }}"}),
        (
            {
                "id": "a",
                "type": "http",
                "config": {
                    "method": "GET",
                    "url": "http://example.org/{{ inputs.x.name }}?token=s3cret",
                    "headers": {"authorization": "Bearer s3cret {{ inputs.y }}"},
                },
            },
            {"url": f"http://example.org/{{{{ inputs.x.name }}}}?token={MASK}", "headers.authorization": MASK},
        ),
    ],
)
def test_a_step_that_cannot_be_rendered_keeps_its_templates(step: dict[str, Any], kept: dict[str, str]) -> None:
    result = execute([step], {})
    assert isinstance(result, Failed)
    assert result.trace[0]["input"] == kept


def test_what_is_kept_of_tries_is_bounded(probe: Any, waits: list[float]) -> None:
    probe(StepFailed("busy", retryable=True, output="x" * 100_000), "done")
    result = execute(retried(2, 0), {})
    (retry,) = result.trace[0]["retries"]
    assert len(retry["output"]) < RETRY_LIMIT + 100
    assert "[cut: the first 4 kB of 100,000 characters]" in retry["output"]
