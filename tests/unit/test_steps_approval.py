"""The approval step: what is asked, of whom, for how long, and what its answer gives."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cells import formats
from cells.steps.approval import form
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
        ({"fields": {"properties": {"a": {"$ref": "http://example.org/a"}}}}, "fields.properties.a.$ref"),
        ({"fields": {"properties": {"a": {"$ref": "#/properties/a"}}}}, "fields.properties.a.$ref"),
        ({"fields": {"properties": {"a": {"items": {"$dynamicRef": "#a"}}}}}, "fields.properties.a.items.$dynamicRef"),
        ({"fields": {"properties": {"a": {"not": {"$recursiveRef": "#"}}}}}, "fields.properties.a.not.$recursiveRef"),
        ({"fields": {"$ref": "#/$defs/a", "$defs": {"a": {}}}}, "fields.$ref"),
        ({"fields": {"properties": {"a": {"pattern": "^[a-z]+$"}}}}, "fields.properties.a.pattern"),
        ({"fields": {"type": "object", "allOf": [{}, {"pattern": "a"}]}}, "fields.allOf.1.pattern"),
        ({"fields": {"type": "object", "patternProperties": {"a": {}}}}, "fields.patternProperties"),
        ({"fields": {"properties": {"a": {"format": "hostname"}}}}, "fields.properties.a.format"),
        ({"fields": {"properties": []}}, "fields"),
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


def test_a_refused_pattern_says_what_to_use_instead() -> None:
    with pytest.raises(InvalidInput) as refused:
        ask({"fields": {"properties": {"a": {"pattern": "x"}, "b": {"format": "ipv4"}}}})
    pattern, format_ = (problem.detail for problem in refused.value.problems)
    assert "use enum, minLength and maxLength, or format" in pattern
    assert "there are: date, date-time, time, email, uri." in format_


def test_a_field_may_be_named_like_a_keyword_and_hold_one_as_a_value() -> None:
    names = ("pattern", "format", "$ref", "patternProperties")
    form = {
        "properties": {name: {"type": "string", "default": {"$ref": "#"}} for name in names},
        "required": ["pattern"],
        "examples": [{"pattern": "x"}],
    }
    assert asked({"fields": form}).fields == form


@pytest.mark.parametrize(
    ("format_", "fits", "fails"),
    [
        ("date", ["2026-12-24"], ["2026-02-30", "20261224", "24.12.2026", " 2026-12-24", "2026-12-24T18:00:00Z", ""]),
        (
            "date-time",
            ["2026-12-24T18:00:00Z", "2026-12-24T18:00:00.5+01:00", "2026-12-24T18:00"],
            ["2026-12-24", "2026-12-24T25:00:00Z", "2026-12-24T18:00:00Z ", "soon", ""],
        ),
        ("time", ["18:00", "18:00:30", "18:00:30.25Z", "18:00+01:00"], ["25:00", "18", "6 pm", "18:00 ", ""]),
        ("email", ["ada@example.org"], ["ada", "ada@", "a b@example.org", ""]),
        ("uri", ["https://example.org/a?b=c"], ["example.org", "javascript:alert(1)", "https://", ""]),
    ],
)
def test_a_format_is_kept_by_those_who_answer(format_: str, fits: list[str], fails: list[str]) -> None:
    schema = {"properties": {"x": {"type": ["string", "null"], "format": format_}}}
    for value in (*fits, None):
        assert form.problems(schema, {"x": value}, "fields") == [], value
    for value in fails:
        (problem,) = form.problems(schema, {"x": value}, "fields")
        assert (problem.attr, problem.detail) == ("fields.x", f"This must be {formats.EXAMPLES[format_]}."), value


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"type": "array"}, "x", "This must be a list."),
        ({"type": ["number", "null"]}, "x", "This must be a number or null."),
        ({"enum": ["a", 1]}, "x", 'This must be one of: "a", 1.'),
        ({"minLength": 1}, "", "This must not be empty."),
        ({"minLength": 3}, "x", "This must have 3 characters or more."),
        ({"maxLength": 2}, "xyz", "This may have 2 characters at most."),
    ],
)
def test_what_does_not_fit_is_said_in_plain_words(schema: dict[str, Any], value: Any, said: str) -> None:
    (problem,) = form.problems({"properties": {"x": schema}}, {"x": value}, "fields")
    assert (problem.attr, problem.detail) == ("fields.x", said)
