"""The approval step: what is asked, of whom, for how long, and what its answer gives."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cells.steps.step import Question
from cells.workflows.definition import Program, check, compile_program
from cells.workflows.run import Completed, Failed, Paused, Result, Standing, resume, run
from tableflow.errors import InvalidInput

FORM = {"type": "object", "properties": {"note": {"type": "string"}}, "required": ["note"]}
OUTPUTS = {"out": "{{ steps.ask }}"}


def program(config: dict[str, Any], **more: Any) -> Program:
    definition = {"id": "ask", "type": "approval", "config": {"prompt": "Well?", **config}, **more}
    check(["x"], [definition], OUTPUTS)
    return compile_program(["x"], [definition], OUTPUTS)


def ask(config: dict[str, Any], x: Any = None) -> Result:
    return asyncio.run(run(program(config), {"x": x}, {}))


def paused(result: Result) -> Paused:
    assert isinstance(result, Paused), result
    return result


def asked(config: dict[str, Any], x: Any = None) -> Question:
    question = paused(ask(config, x)).question
    assert question is not None
    return question


def answered(config: dict[str, Any], result: Any, **more: Any) -> Result:
    """Ask, store, and go on with the result."""
    stored = json.loads(json.dumps(paused(ask(config)).standing.as_json()))
    return asyncio.run(resume(program(config, **more), Standing.from_json(stored), {}, result))


def test_a_question_has_all_that_was_configured() -> None:
    config = {
        "prompt": "Send {{ inputs.x }}?",
        "fields": FORM,
        "assignees": ["ada", "{{ inputs.x }}"],
        "expires_in": 3600,
        "on_expiry": "rejected",
    }
    before = datetime.now(UTC)
    pause = paused(ask(config, "bob"))
    assert pause.kind == "approval"
    assert pause.question == Question("Send bob?", FORM, ("ada", "bob"), "rejected")
    assert pause.due_at is not None
    assert timedelta(hours=1) <= pause.due_at - before < timedelta(hours=2)
    (record,) = pause.trace
    assert (record["status"], record["due_at"]) == ("paused", pause.due_at.isoformat())
    assert record["input"] == {**config, "prompt": "Send bob?", "assignees": ["ada", "bob"]}


def test_what_is_left_out_asks_everybody_for_ever_without_a_form() -> None:
    pause = paused(ask({}))
    assert pause.question == Question("Well?", None, (), "error")
    assert pause.due_at is None
    assert "due_at" not in pause.trace[0]


def test_the_answer_is_what_the_step_gives() -> None:
    answer = {"decision": "approved", "fields": {"note": "fine"}, "by": "ada", "at": "2026-01-01T00:00:00+00:00"}
    result = answered({"fields": FORM}, answer)
    assert isinstance(result, Completed)
    assert result.outputs == {"out": answer}
    (record,) = result.trace
    assert (record["status"], record["output"]) == ("completed", answer)


def test_a_rejection_is_an_answer_too() -> None:
    result = answered({}, {"decision": "rejected", "fields": None, "by": "ada", "at": "2026-01-01T00:00:00+00:00"})
    assert isinstance(result, Completed)
    assert result.outputs["out"]["decision"] == "rejected"


def test_when_nobody_answers_in_time_the_step_fails() -> None:
    result = answered({"expires_in": 259_200}, {"expired": True})
    assert isinstance(result, Failed)
    assert result.error == "ask: Nobody answered within 3 days."
    (record,) = result.trace
    assert (record["status"], record["error"]) == ("error", "Nobody answered within 3 days.")
    assert "due_at" not in record


def test_that_nobody_answers_may_be_passed_over() -> None:
    result = answered({"expires_in": 3600}, {"expired": True}, on_error="continue")
    assert isinstance(result, Completed)
    assert result.outputs == {"out": {"error": "Nobody answered within 1 hour."}}


def test_a_run_that_may_not_pause_asks_nobody() -> None:
    result = asyncio.run(run(program({"expires_in": 0}), {}, {}, may_pause=False))
    assert isinstance(result, Failed)
    assert result.error == "ask: Nobody can be asked here."


@pytest.mark.parametrize(
    ("assignees", "x", "names"),
    [
        (["ada", "ada", " bob "], None, ("ada", "bob")),
        (["{{ inputs.x }}"], ["ada", "bob"], ("ada", "bob")),
        (["ada", "{{ inputs.x }}"], None, ("ada",)),
        ([], None, ()),
    ],
)
def test_assignees_are_names_each_once(assignees: list[str], x: Any, names: tuple[str, ...]) -> None:
    assert asked({"assignees": assignees}, x).assignees == names


@pytest.mark.parametrize(
    ("config", "x", "said"),
    [
        ({"assignees": ["{{ inputs.x }}"]}, "", "assignees: Nobody is left"),
        ({"assignees": ["{{ inputs.x }}"]}, [None, " "], "assignees: Nobody is left"),
        ({"assignees": ["{{ inputs.x }}"]}, 7, "assignees: They are names of users"),
        ({"assignees": ["{{ inputs.x }}"]}, "x" * 151, "assignees: They are names of users"),
        ({"assignees": ["{{ inputs.x }}"]}, [f"n{n}" for n in range(21)], "assignees: They may be 20"),
        ({"prompt": "{{ inputs.x }}"}, " ", "prompt: It came out empty"),
        ({"prompt": "{{ inputs.x }}"}, "x" * 20_001, "prompt: It may be 20,000 characters long"),
        ({"expires_in": "{{ inputs.x }}"}, "soon", "expires_in: It must be a number of seconds"),
        ({"expires_in": "{{ inputs.x }}"}, -1, "expires_in: It must be from 0"),
    ],
)
def test_what_templates_give_is_checked_when_it_runs(config: dict[str, Any], x: Any, said: str) -> None:
    result = ask(config, x)
    assert isinstance(result, Failed)
    assert result.error.startswith(f"ask: {said}")


def test_a_template_may_say_that_there_is_no_end() -> None:
    assert paused(ask({"expires_in": "{{ inputs.x }}"}, None)).due_at is None


@pytest.mark.parametrize(
    ("config", "attr"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": "{{ oops"}, "prompt"),
        ({"prompt": "{{ inputs.y }}"}, "prompt"),
        ({"fields": []}, "fields"),
        ({"fields": {"note": {"type": "string"}}}, "fields"),
        ({"fields": {"type": "string"}}, "fields"),
        ({"fields": {"type": "object", "properties": {"a": {"type": "colour"}}}}, "fields"),
        ({"fields": {"type": "object", "properties": {"a": {"$ref": "http://example.org/a"}}}}, "fields"),
        ({"fields": {"type": "object", "description": "x" * 70_000}}, "fields"),
        ({"fields": {"type": "object", "properties": {f"f{n}": {} for n in range(51)}}}, "fields.properties"),
        ({"assignees": "ada"}, "assignees"),
        ({"assignees": [""]}, "assignees.0"),
        ({"assignees": [f"n{n}" for n in range(21)]}, "assignees"),
        ({"assignees": ["{{ oops"]}, "assignees.0"),
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in": "soon"}, "expires_in"),
        ({"expires_in": []}, "expires_in"),
        ({"on_expiry": "ignore"}, "on_expiry"),
        ({"question": "Well?"}, "question"),
    ],
)
def test_what_cannot_be_asked_is_refused_when_the_workflow_is_written(config: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(config)
    assert [problem.attr for problem in refused.value.problems] == [f"steps.0.config.{attr}"]


def test_a_question_needs_a_prompt() -> None:
    with pytest.raises(InvalidInput) as refused:
        check([], [{"id": "ask", "type": "approval", "config": {}}], {})
    assert [problem.attr for problem in refused.value.problems] == ["steps.0.config.prompt"]
