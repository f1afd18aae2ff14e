"""The examples of docs/steps.md, run as they stand there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
import types
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator

from cells.functions import find, listing, registry
from cells.steps.step import InlineStep, StepFailed, StepType
from cells.workflows.definition import Program, check, compile_program
from cells.workflows.run import Completed, Failed, Paused, Result, resume, run


def example(name: str) -> str:
    page = (settings.BASE_DIR / "docs" / "steps.md").read_text()
    found = re.findall(rf"<!-- test: {name} -->\n```\w+\n(.*?)```", page, re.DOTALL)
    assert len(found) == 1, f"docs/steps.md has {len(found)} examples called {name!r}"
    return str(found[0])


def load(source: str, name: str, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The source as the module of that name, for one test."""
    module = types.ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(source, "docs/steps.md", "exec"), module.__dict__)  # noqa: S102  (our own page)
    return module


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's functions, registered for one test."""
    listing()
    monkeypatch.setattr(registry, "_functions", dict(registry._functions))
    load(example("function"), "shop.functions", monkeypatch)


@pytest.fixture
def workflow(shop: None) -> Program:
    definition = json.loads(example("workflow"))
    check(definition["inputs"], definition["steps"], definition["outputs"])
    return compile_program(definition["inputs"], definition["steps"], definition["outputs"])


def ran(program: Program, **inputs: Any) -> Result:
    return asyncio.run(run(program, inputs, {}))


def test_the_functions_of_the_page_are_registered_with_their_schemas(shop: None) -> None:
    quick, asynchronous = find("shop.with_tax"), find("shop.tax_rate")
    assert quick is not None
    assert asynchronous is not None
    assert (quick.title, quick.quick) == ("Price with tax", True)
    assert quick.parameters["required"] == ["net"]
    assert asynchronous.is_async


def test_the_workflow_of_the_page_gives_what_it_says(workflow: Program) -> None:
    result = ran(workflow, net=10, kind="reduced")
    assert isinstance(result, Completed), result
    assert result.outputs == {"gross": 10.5}


def test_the_failure_of_the_page_says_why(workflow: Program) -> None:
    result = ran(workflow, net=10, kind="luxury")
    assert isinstance(result, Failed), result
    assert "There is no kind of goods called 'luxury'." in result.error


@pytest.fixture
def fingerprint(monkeypatch: pytest.MonkeyPatch) -> StepType:
    made = load(example("step type"), "cells.steps.fingerprint", monkeypatch).step_type()
    assert isinstance(made, StepType)
    return made


def test_the_step_type_of_the_page_runs(fingerprint: StepType) -> None:
    config = {"text": "{{ inputs.name }}!"}
    Draft202012Validator.check_schema(fingerprint.config_schema)
    Draft202012Validator(fingerprint.config_schema).validate(config)
    step = fingerprint.compile(config, "steps.0.config")
    assert isinstance(step, InlineStep)
    output = step.compute(step.render({"inputs": {"name": "Ada"}}))
    assert output == hashlib.sha256(b"Ada!").hexdigest()
    Draft202012Validator(fingerprint.output_schema).validate(output)


def test_the_step_type_of_the_page_refuses_what_is_no_text(fingerprint: StepType) -> None:
    step = fingerprint.compile({"text": "{{ inputs.name }}"}, "steps.0.config")
    assert isinstance(step, InlineStep)
    with pytest.raises(StepFailed, match="Only a text has a fingerprint"):
        step.compute(step.render({"inputs": {"name": 7}}))


@pytest.fixture
def publishing() -> Program:
    definition = json.loads(example("pausing workflow"))
    check(definition["inputs"], definition["steps"], definition["outputs"])
    return compile_program(definition["inputs"], definition["steps"], definition["outputs"])


def asking(publishing: Program) -> Paused:
    """The run of the page, after its wait."""
    waiting = ran(publishing, text="Well.", editor="ada")
    assert isinstance(waiting, Paused), waiting
    assert waiting.kind == "wait"
    at = datetime.now(UTC).isoformat()
    result = asyncio.run(resume(publishing, waiting.standing, {}, {"resumed_at": at}))
    assert isinstance(result, Paused), result
    return result


@pytest.mark.parametrize(("decision", "headline"), [("approved", "News"), ("rejected", None)])
def test_the_pausing_workflow_of_the_page_goes_on_with_the_answer(
    publishing: Program, decision: str, headline: str | None
) -> None:
    asked = asking(publishing)
    assert asked.question is not None
    assert (asked.question.prompt, asked.question.assignees) == ("Publish this? Well.", ("ada",))
    assert asked.question.on_expiry == "rejected"
    answer = {"decision": decision, "fields": {"headline": "News"}, "by": "ada", "at": datetime.now(UTC).isoformat()}
    result = asyncio.run(resume(publishing, asked.standing, {}, answer))
    assert isinstance(result, Completed), result
    assert result.outputs == {"headline": headline}
