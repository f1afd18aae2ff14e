"""What a workflow may be: every mistake is found at once, and named by its field."""

from __future__ import annotations

from typing import Any

import pytest

from cells.steps import registry
from cells.workflows.definition import check, compile_program
from tableflow.errors import InvalidInput


def step(id_: str = "a", template: str = "t", **more: Any) -> dict[str, Any]:
    return {"id": id_, "type": "template", "config": {"template": template}, **more}


def problems(inputs: Any = (), steps: Any = (), outputs: Any = None) -> dict[str, str]:
    """What is wrong, by field."""
    with pytest.raises(InvalidInput) as refused:
        check(
            list(inputs) if isinstance(inputs, tuple) else inputs,
            list(steps) if isinstance(steps, tuple) else steps,
            {} if outputs is None else outputs,
        )
    return {str(problem.attr): problem.detail for problem in refused.value.problems}


def test_a_good_workflow_passes() -> None:
    check(
        ["name", "with-dash"],
        [
            step("first", "{{ inputs.name }} {{ inputs['with-dash'] }} {{ row.any }}"),
            step("second", "{{ steps.first }}", **{"if": "{{ inputs.name }}", "timeout": 0.5, "on_error": "continue"}),
            step("third", retry={"attempts": 10, "backoff_seconds": 0}),
        ],
        {"out": "{{ steps.second | default('') }}"},
    )


def test_every_mistake_is_found_at_once() -> None:
    found = problems(
        ("x", "x"),
        (
            {"id": "a", "type": "telepathy", "config": {}},
            {"id": "a", "type": "http", "config": {"method": "GET"}},
            step("b", "{{ inputs.y }}"),
        ),
        {"o": "{{ oops"},
    )
    assert set(found) == {
        "inputs.1",
        "steps.0.type",
        "steps.1.id",
        "steps.1.config.url",
        "steps.2.config.template",
        "outputs.o",
    }
    assert "approval, http, llm, python, template, wait" in found["steps.0.type"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ inputs.nme }}", "There is no input 'nme'; the inputs are: name"),
        ("{{ inputs['nme'] }}", "There is no input 'nme'"),
        ("{{ steps.second }}", "'second' has not run yet here"),
        ("{{ steps.first }}", "'first' has not run yet here"),
        ("{{ steps.gone.body }}", "There is no step 'gone'"),
        ("{{ input.name }}", "'input' is not defined; a template reads inputs, steps, row"),
        ("{% if steps.gone %}x{% endif %}", "There is no step 'gone'"),
    ],
)
def test_names_that_are_not_there_are_found_before_anything_runs(template: str, said: str) -> None:
    found = problems(("name",), (step("first", template), step("second")))
    assert said in found["steps.0.config.template"]


def test_an_output_may_read_every_step_and_no_other() -> None:
    check([], [step("first")], {"o": "{{ steps.first }}"})
    assert "'last'" in problems((), (step("first"),), {"o": "{{ steps.last }}"})["outputs.o"]


@pytest.mark.parametrize(
    ("more", "attr"),
    [
        ({"retry": 3}, "steps.0.retry"),
        ({"retry": {"attempts": 0}}, "steps.0.retry.attempts"),
        ({"retry": {"attempts": 11}}, "steps.0.retry.attempts"),
        ({"retry": {"attempts": True}}, "steps.0.retry.attempts"),
        ({"retry": {"attempts": 2, "backoff_seconds": 301}}, "steps.0.retry.backoff_seconds"),
        ({"retry": {"times": 2}}, "steps.0.retry.times"),
        ({"timeout": 0}, "steps.0.timeout"),
        ({"timeout": 3601}, "steps.0.timeout"),
        ({"timeout": "10"}, "steps.0.timeout"),
        ({"timeout": float("nan")}, "steps"),
        ({"timeout": True}, "steps.0.timeout"),
        ({"config": {"template": "a\0b"}}, "steps"),
        ({"config": {"template": "\ud83d"}}, "steps"),
        ({"config": {"template": "x" * 2_000_000}}, "steps"),
        ({"on_error": "ignore"}, "steps.0.on_error"),
        ({"on_error": []}, "steps.0.on_error"),
        ({"if": "inputs.x > 1"}, "steps.0.if"),
        ({"if": "{{ x"}, "steps.0.if"),
        ({"if": 1}, "steps.0.if"),
        ({"when": "{{ true }}"}, "steps.0.when"),
        ({"id": "has space"}, "steps.0.id"),
        ({"id": ""}, "steps.0.id"),
        ({"id": 7}, "steps.0.id"),
        ({"id": None}, "steps.0.id"),
        ({"type": ["template"]}, "steps.0.type"),
        ({"config": []}, "steps.0.config"),
        ({"config": {"template": 1}}, "steps.0.config.template"),
        ({"config": {"template": "x", "tmplate": "y"}}, "steps.0.config.tmplate"),
    ],
)
def test_what_surrounds_a_step_is_checked(more: dict[str, Any], attr: str) -> None:
    assert list(problems((), ({**step(), **more},))) == [attr]


@pytest.mark.parametrize(
    ("inputs", "steps", "outputs", "attr"),
    [
        ("name", (), {}, "inputs"),
        ([1], (), {}, "inputs.0"),
        (["a"] + [f"n{n}" for n in range(50)], (), {}, "inputs"),
        ((), "steps", {}, "steps"),
        ((), ("step",), {}, "steps.0"),
        ((), tuple(step(f"s{n}") for n in range(51)), {}, "steps"),
        ((), (), [], "outputs"),
        ((), (), {"a b": "x"}, "outputs.a b"),
        ((), (), {"a": 1}, "outputs.a"),
        ((), (), {f"o{n}": "x" for n in range(51)}, "outputs"),
    ],
)
def test_the_parts_are_of_their_kind_and_bounded(inputs: Any, steps: Any, outputs: Any, attr: str) -> None:
    assert list(problems(inputs, steps, outputs)) == [attr]


def test_a_definition_that_is_nested_without_end_is_refused() -> None:
    value: Any = "x"
    for _ in range(500):
        value = [value]
    config = {"method": "POST", "url": "http://example.org", "json": value}
    assert list(problems((), ({"id": "a", "type": "http", "config": config},))) == ["steps"]


def test_a_step_that_can_no_longer_be_compiled_does_not_stop_the_program() -> None:
    program = compile_program([], [{"id": "a", "type": "gone", "config": {}}], {})
    assert program.steps[0].id == "a"
    assert program.is_inline


def test_a_program_says_whether_it_waits() -> None:
    assert compile_program([], [step()], {}).is_inline
    assert not compile_program([], [step(retry={"attempts": 2})], {}).is_inline
    http = {"id": "h", "type": "http", "config": {"method": "GET", "url": "http://example.org"}}
    assert not compile_program([], [step(), http], {}).is_inline


def test_every_step_type_describes_itself() -> None:
    types = {step_type.type: step_type for step_type in registry.step_types()}
    assert set(types) == {"approval", "http", "llm", "python", "template", "wait"}
    for step_type in types.values():
        assert step_type.title
        assert step_type.description
        assert step_type.config_schema["additionalProperties"] is False
        assert set(step_type.config_schema["required"]) <= set(step_type.config_schema["properties"])
