"""Every lesson has its tests, and they exist; or it says why it cannot apply."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.sim.lessons import LESSONS, WEAKNESSES, Lesson

TESTS = Path(__file__).parent.parent


@cache
def names_in(file: Path) -> frozenset[str]:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, functions))


def test_no_lesson_is_left_out() -> None:
    assert sorted(LESSONS) == list(range(1, 48))
    assert sorted(WEAKNESSES) == list(range(1, 19))


@pytest.mark.parametrize("lesson", [*LESSONS.values(), *WEAKNESSES.values()], ids=lambda lesson: lesson.rule)
def test_a_lesson_is_held_by_tests_that_exist_or_says_why_not(lesson: Lesson) -> None:
    assert bool(lesson.tests) != bool(lesson.why_not)
    for name in lesson.tests:
        place, _, test = name.partition("::")
        folder, _, module = place.partition("/")
        file = TESTS / folder / f"test_{module}.py"
        assert file.exists(), f"there is no {file}"
        assert test in names_in(file), f"{file} has no {test}"
