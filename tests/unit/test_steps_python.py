"""The python step: registered functions, their signatures, and how they are called."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any, Literal

import pytest

from cells.functions import find, function, listing, registry
from cells.workflows.definition import check, compile_program
from cells.workflows.run import Completed, Failed, Result, run
from tableflow.errors import InvalidInput

PREFIX = __name__.rsplit(".", 1)[-1]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    listing()
    monkeypatch.setattr(registry, "_functions", dict(registry._functions))


def call(name: str, arguments: dict[str, Any], inputs: dict[str, Any] | None = None, **step: Any) -> Result:
    definition = {
        "id": "call",
        "type": "python",
        "config": {"function": f"{PREFIX}.{name}", "arguments": arguments},
        **step,
    }
    names = list(inputs or {})
    check(names, [definition], {})
    program = compile_program(names, [definition], {"out": "{{ steps.call }}"})
    return asyncio.run(run(program, inputs or {}, {}))


def output(result: Result) -> Any:
    assert isinstance(result, Completed), result
    return result.outputs["out"]


def error(result: Result) -> str:
    assert isinstance(result, Failed), result
    return result.error


def test_a_signature_becomes_a_schema() -> None:
    @function(title="Many things")
    def many(
        text: str, count: int = 3, *, which: Literal["a", "b"], maybe: float | None = None, any_: Any = None
    ) -> dict[str, int]:
        """Does many things."""
        return {text: count}

    found = find(f"{PREFIX}.many")
    assert found is not None
    assert (found.title, found.description) == ("Many things", "Does many things.")
    assert found.parameters == {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "count": {"type": "integer", "default": 3},
            "which": {"enum": ["a", "b"]},
            "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
            "any_": {"default": None},
        },
        "required": ["text", "which"],
        "additionalProperties": False,
    }
    assert found.returns == {"type": "object", "additionalProperties": {"type": "integer"}}


def test_two_functions_of_one_name_are_a_mistake() -> None:
    def twice(x: int) -> int:
        """Doubles."""
        return 2 * x

    function(twice)
    with pytest.raises(TypeError, match="Two functions are called"):
        function(twice)


def test_a_function_needs_a_docstring_and_annotations() -> None:
    def silent(x: int) -> int:
        return x

    def bare(x) -> int:  # type: ignore[no-untyped-def]
        """Says something."""
        return int(x)

    def star(*x: int) -> int:
        """Says something."""
        return len(x)

    for bad in (silent, bare, star):
        with pytest.raises(TypeError):
            function(bad)


@pytest.mark.parametrize("quick", [True, False])
def test_a_sync_function_runs_inline_when_quick_and_in_a_thread_otherwise(quick: bool) -> None:
    @function(quick=quick)
    def where(x: int) -> list[Any]:
        """Says in which thread it runs."""
        return [x, threading.current_thread() is threading.main_thread()]

    assert output(call("where", {"x": "{{ inputs.n }}"}, {"n": 4})) == [4, quick]


def test_an_async_function_is_awaited() -> None:
    @function
    async def later(x: int) -> int:
        """Takes a turn of the loop."""
        await asyncio.sleep(0)
        return x + 1

    assert output(call("later", {"x": "{{ inputs.n }}"}, {"n": 4})) == 5


@pytest.mark.parametrize(
    ("name", "given", "received"),
    [
        ("text", 5, "5"),
        ("text", "5", "5"),
        ("text", {"a": 1}, '{"a": 1}'),
        ("whole", " 7 ", 7),
        ("whole", 7.0, 7),
        ("whole", "7.0", 7),
        ("number", "1.5", 1.5),
        ("number", "-1e3", -1000.0),
        ("flag", "true", True),
        ("flag", "No", False),
        ("flag", 1, True),
        ("items", "[1, 2]", [1, 2]),
        ("choice", "b", "b"),
        ("maybe", None, None),
        ("maybe", "3", 3),
        ("anything", {"a": [1]}, {"a": [1]}),
    ],
)
def test_arguments_are_brought_to_their_types(name: str, given: Any, received: Any) -> None:
    register_typed()
    value = output(call("typed", {name: "{{ inputs.v }}"}, {"v": given}))
    assert value == [received]
    assert type(value[0]) is type(received)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("text", None),
        ("whole", "7.5"),
        ("whole", "seven"),
        ("whole", True),
        ("whole", float("1e400")),
        ("whole", "9" * 5000),
        ("number", "nan"),
        ("number", "1_000"),
        ("number", [1]),
        ("flag", "maybe"),
        ("items", "{}"),
        ("items", "[1"),
        ("choice", "c"),
        ("maybe", "x"),
    ],
)
def test_an_argument_that_cannot_be_is_an_error_that_names_it(name: str, given: Any) -> None:
    register_typed()
    assert f"The argument {name!r}: It must be" in error(call("typed", {name: "{{ inputs.v }}"}, {"v": given}))


def register_typed() -> None:
    @function(quick=True)
    def typed(
        text: str = "-",
        whole: int = -1,
        number: float = -1,
        flag: bool | None = None,
        items: list[int] | None = None,
        choice: Literal["-", "b"] = "-",
        maybe: int | None = -1,
        anything: Any = "-",
    ) -> list[Any]:
        """Gives the one argument that is not as usual."""
        given = [text, whole, number, flag, items, choice, maybe, anything]
        usual = ["-", -1, -1, None, None, "-", -1, "-"]
        return [value for value, default in zip(given, usual, strict=True) if value is not default]


@pytest.mark.parametrize(
    ("arguments", "attr"),
    [
        ({}, "steps.0.config.arguments.x"),
        ({"x": 1, "z": 2}, "steps.0.config.arguments.z"),
        ({"x": "seven"}, "steps.0.config.arguments.x"),
        ({"x": "{{ 1"}, "steps.0.config.arguments.x"),
    ],
)
def test_arguments_are_checked_when_the_workflow_is_written(arguments: dict[str, Any], attr: str) -> None:
    @function
    def one(x: int) -> int:
        """Takes one."""
        return x

    with pytest.raises(InvalidInput) as refused:
        call("one", arguments)
    assert [problem.attr for problem in refused.value.problems] == [attr]


def test_an_unknown_function_is_named_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput) as refused:
        call("nothing", {})
    (problem,) = refused.value.problems
    assert problem.attr == "steps.0.config.function"
    assert "domain" in problem.detail


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    "raised", [ValueError("bad"), StopIteration("bad"), SystemExit("bad"), KeyboardInterrupt("bad"), KeyError("bad")]
)
def test_whatever_a_function_raises_is_an_error_of_the_cell(raised: BaseException, quick: bool) -> None:
    @function(quick=quick)
    def fails() -> int:
        """Fails."""
        raise raised

    assert f"{type(raised).__name__}: " in error(call("fails", {}))


def test_a_result_that_json_cannot_say_is_an_error() -> None:
    @function(quick=True)
    def odd() -> Any:
        """Gives an object."""
        return object()

    assert "type object" in error(call("odd", {}))


def test_a_sync_function_that_outlives_the_timeout_fails_the_step_at_once() -> None:
    release = threading.Event()

    @function
    def slow() -> int:
        """Waits."""
        release.wait(30)
        return 1

    try:
        assert "timeout of 0.01 s" in error(call("slow", {}, timeout=0.01))
    finally:
        release.set()


def test_a_sync_function_that_outlives_the_timeout_is_told_to_end() -> None:
    ended = threading.Event()

    @function
    def turns() -> None:
        """Never ends by itself, and lets no ordinary exception end it."""
        try:
            while True:
                with contextlib.suppress(Exception):
                    pass
        finally:
            ended.set()

    assert "timeout of 0.1 s" in error(call("turns", {}, timeout=0.1))
    assert ended.wait(30)


def test_a_function_cannot_change_what_other_steps_see() -> None:
    @function(quick=True)
    def greedy(items: list[int]) -> int:
        """Empties the list."""
        items.clear()
        return 0

    steps = [
        {
            "id": "a",
            "type": "python",
            "config": {"function": f"{PREFIX}.greedy", "arguments": {"items": "{{ inputs.l }}"}},
        }
    ]
    program = compile_program(["l"], steps, {"out": "{{ inputs.l }}"})
    assert output(asyncio.run(run(program, {"l": [1, 2]}, {}))) == [1, 2]
