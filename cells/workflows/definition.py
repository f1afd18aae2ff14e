"""What a workflow is: checked in full when somebody writes it, compiled into a program that is cheap to run.

{"inputs": ["name"], "outputs": {"name": "template"},
"steps": [{"id", "type", "config", "if", "retry", "timeout", "on_error"}]}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cells import schemas
from cells.steps import registry
from cells.steps.step import TIMEOUT_SECONDS, InlineStep, Step, StepFailed, WaitingStep
from cells.templates import Template, compile_template, is_template
from cells.values import Unfit, plain
from tableflow.errors import InvalidInput, Problem

STEPS_LIMIT = 50
NAMES_LIMIT = 50
ATTEMPTS_LIMIT = 10
BACKOFF_LIMIT_SECONDS = 300
TIMEOUT_LIMIT_SECONDS = 3600
SCOPE = ("inputs", "steps", "row")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_STEP_KEYS = ("id", "type", "config", "if", "retry", "timeout", "on_error")

_NO_STEP: dict[str, Any] = {}  # Stands for what is no object, and has been said to be none.

Given = TypeVar("Given")


@dataclass(frozen=True)
class Retry:
    """How often a step is tried, and what it waits before the second try; each later wait doubles."""

    attempts: int = 1
    backoff_seconds: float = 1.0


@dataclass(frozen=True)
class PlannedStep:
    """A compiled step with what surrounds it. `goes_on`: its failure does not fail the workflow."""

    id: str
    type: str
    step: Step
    condition: Template | None
    retry: Retry
    timeout_seconds: float
    goes_on: bool


@dataclass(frozen=True)
class Program:
    """A compiled workflow. `is_inline`: it never waits, so that its coroutine ends at the first send."""

    inputs: tuple[str, ...]
    steps: tuple[PlannedStep, ...]
    outputs: tuple[tuple[str, Template], ...]
    is_inline: bool

    def templates(self) -> Iterator[tuple[str, Template]]:
        """Every template, with its place."""
        for place, step in enumerate(self.steps):
            yield from step.step.templates
            if step.condition is not None:
                yield f"steps.{place}.if", step.condition
        yield from ((f"outputs.{name}", template) for name, template in self.outputs)


def check(inputs: Any, steps: Any, outputs: Any) -> None:
    """Raises InvalidInput with everything that is wrong, each problem at its own field."""
    found = problems(inputs, steps, outputs)
    if found:
        raise InvalidInput(found)


def problems(inputs: Any, steps: Any, outputs: Any) -> list[Problem]:
    """Everything that is wrong, each problem at its own field."""
    findings = _Findings()
    for attr, part in (("inputs", inputs), ("steps", steps), ("outputs", outputs)):
        _storable(part, attr, findings)
    if not findings.problems:
        _compile(inputs, steps, outputs, findings)
    return findings.problems


def compile_program(inputs: Sequence[str], steps: Sequence[Mapping[str, Any]], outputs: Mapping[str, str]) -> Program:
    """The program of a definition that was checked when it was written.

    A step that this installation can no longer compile (its function is gone, say) fails when it runs.
    """
    return _compile(inputs, steps, outputs, _Findings())


class _Findings:
    """The problems met so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, attr: str, detail: str, code: str = "invalid") -> None:
        self.problems.append(Problem(detail, attr, code))

    def gather(self, make: Callable[[], Given]) -> Given | None:
        """What `make` gives; None when it raised InvalidInput, whose problems are kept."""
        try:
            return make()
        except InvalidInput as error:
            self.problems += error.problems
            return None


@dataclass(frozen=True)
class _Known:
    """The names that a template may read at its place."""

    inputs: frozenset[str]
    steps: tuple[str, ...]
    later: frozenset[str]

    def check(self, template: Template, attr: str, findings: _Findings) -> None:
        for name in sorted(template.names - set(SCOPE)):
            findings.add(attr, f"{name!r} is not defined; a template reads {', '.join(SCOPE)}.", "unknown")
        for namespace, name in sorted(template.references):
            if namespace == "inputs" and name not in self.inputs:
                known = ", ".join(sorted(self.inputs)) or "none"
                findings.add(attr, f"There is no input {name!r}; the inputs are: {known}.", "unknown")
            elif namespace == "steps" and name not in self.steps:
                findings.add(attr, self._no_step(name), "unknown")

    def _no_step(self, name: str) -> str:
        if name in self.later:
            return f"The step {name!r} has not run yet here; a step reads only those before it."
        return f"There is no step {name!r} before this; there are: {', '.join(self.steps) or 'none'}."


@dataclass(frozen=True)
class _Broken(InlineStep):
    """A step that cannot be compiled: it fails when it runs."""

    problem: str
    templates: tuple[tuple[str, Template], ...] = ()

    def render(self, scope: Mapping[str, Any]) -> Any:  # noqa: ARG002
        raise StepFailed(self.problem)

    def compute(self, config: Any) -> Any:  # noqa: ARG002
        raise StepFailed(self.problem)


def _storable(part: Any, attr: str, findings: _Findings) -> None:
    try:
        if plain(part) != part:
            findings.add(attr, "It holds what cannot be stored: a NUL character, half a character, or no number.")
    except Unfit as error:
        findings.add(attr, str(error))


def _compile(inputs: Any, steps: Any, outputs: Any, findings: _Findings) -> Program:
    names = _inputs(inputs, findings)
    definitions = _steps(steps, findings)
    ids = [definition.get("id") for definition in definitions]
    planned = []
    for place, definition in enumerate(definitions):
        before = tuple(id_ for id_ in ids[:place] if isinstance(id_, str))
        later = frozenset(id_ for id_ in ids[place:] if isinstance(id_, str))
        known = _Known(frozenset(names), before, later)
        planned.append(_step(definition, f"steps.{place}", known, findings))
    known = _Known(frozenset(names), tuple(id_ for id_ in ids if isinstance(id_, str)), frozenset())
    templates = _outputs(outputs, known, findings)
    is_inline = all(isinstance(step.step, InlineStep) and step.retry.attempts == 1 for step in planned)
    return Program(tuple(names), tuple(planned), tuple(templates), is_inline)


def _inputs(inputs: Any, findings: _Findings) -> list[str]:
    if not isinstance(inputs, list):
        findings.add("inputs", "The inputs are a list of names.")
        return []
    if len(inputs) > NAMES_LIMIT:
        findings.add("inputs", f"A workflow has {NAMES_LIMIT} inputs at most.", "too_many")
    _names(((f"inputs.{place}", name) for place, name in enumerate(inputs)), "input", findings)
    return [name for name in inputs if isinstance(name, str)]


def _steps(steps: Any, findings: _Findings) -> list[dict[str, Any]]:
    if not isinstance(steps, list):
        findings.add("steps", "The steps are a list of objects.")
        return []
    if len(steps) > STEPS_LIMIT:
        findings.add("steps", f"A workflow has {STEPS_LIMIT} steps at most.", "too_many")
        steps = steps[:STEPS_LIMIT]
    for place, step in enumerate(steps):
        if not isinstance(step, dict):
            findings.add(f"steps.{place}", "A step is an object with id, type and config.")
    found = [step if isinstance(step, dict) else _NO_STEP for step in steps]
    named = (
        (f"steps.{place}.id", step.get("id")) for place, step in enumerate(found) if isinstance(steps[place], dict)
    )
    _names(named, "step", findings)
    return found


def _names(named: Iterable[tuple[str, Any]], what: str, findings: _Findings) -> None:
    """Names are such that a template can say them, and each is there once."""
    seen: set[str] = set()
    for attr, name in named:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            rule = "letters, digits, _ and -, beginning with a letter, 64 characters at most"
            findings.add(
                attr, f"The name of an {what} is {rule}." if what != "step" else f"The id of a step is {rule}."
            )
        elif name in seen:
            findings.add(attr, f"{name!r} is there twice; every {what} needs a name of its own.", "unique")
        else:
            seen.add(name)


def _step(definition: Mapping[str, Any], attr: str, known: _Known, findings: _Findings) -> PlannedStep:
    for key in definition:
        if key not in _STEP_KEYS:
            findings.add(f"{attr}.{key}", f"A step has no {key!r}; it has {', '.join(_STEP_KEYS)}.", "unknown")
    step = _configured(definition, attr, findings)
    for place, template in step.templates:
        known.check(template, place, findings)
    return PlannedStep(
        id=str(definition.get("id")),
        type=str(definition.get("type")),
        step=step,
        condition=condition(
            definition.get("if"), f"{attr}.if", lambda t, a: known.check(t, a, findings), findings.problems
        ),
        retry=_retry(definition.get("retry"), f"{attr}.retry", findings),
        timeout_seconds=_timeout(definition.get("timeout"), step, f"{attr}.timeout", findings),
        goes_on=_goes_on(definition.get("on_error", "fail"), f"{attr}.on_error", findings),
    )


def _configured(definition: Mapping[str, Any], attr: str, findings: _Findings) -> Step:
    """The compiled step; a broken one, with its problems among the findings, when it cannot be."""
    if definition is _NO_STEP:
        return _Broken("This is no step.")
    before = len(findings.problems)
    step = _known_type(definition, attr, findings)
    if step is None:
        details = "; ".join(problem.detail for problem in findings.problems[before:])
        return _Broken(f"This step cannot run any more. {details}")
    return step


def _known_type(definition: Mapping[str, Any], attr: str, findings: _Findings) -> Step | None:
    name = definition.get("type")
    step_type = registry.find(name) if isinstance(name, str) else None
    if step_type is None:
        known = ", ".join(known.type for known in registry.step_types())
        findings.add(f"{attr}.type", f"There is no step type {name!r}; there are: {known}.", "unknown")
        return None
    config = definition.get("config", {})
    problems = schemas.problems(registry.config_validator(step_type.type), config, f"{attr}.config")
    findings.problems += problems
    return None if problems else findings.gather(lambda: step_type.compile(config, f"{attr}.config"))


def condition(
    source: Any, attr: str, checked: Callable[[Template, str], None], problems: list[Problem]
) -> Template | None:
    """The compiled condition of a step or a group; None when there is none. What is wrong goes to `problems`."""
    if source is None or source == "":
        return None
    if (
        isinstance(source, str)
        and not is_template(source)
        and source.strip().lower() not in {"true", "false", "1", "0"}
    ):
        problems.append(Problem(f"This would always hold; a condition is a template: {{{{ {source[:80]} }}}}.", attr))
        return None
    try:
        template = compile_template(source, attr)
    except InvalidInput as error:
        problems += error.problems
        return None
    checked(template, attr)
    return template


def _retry(retry: Any, attr: str, findings: _Findings) -> Retry:
    if retry is None:
        return Retry()
    if not isinstance(retry, dict):
        findings.add(attr, "A retry is an object with attempts and backoff_seconds.")
        return Retry()
    for key in retry:
        if key not in {"attempts", "backoff_seconds"}:
            findings.add(f"{attr}.{key}", f"A retry has no {key!r}; it has attempts and backoff_seconds.", "unknown")
    attempts, backoff = retry.get("attempts", 1), retry.get("backoff_seconds", 1.0)
    if not isinstance(attempts, int) or isinstance(attempts, bool) or not 1 <= attempts <= ATTEMPTS_LIMIT:
        findings.add(f"{attr}.attempts", f"The attempts are a whole number from 1 to {ATTEMPTS_LIMIT}.")
        attempts = 1
    if not _is_number(backoff) or not 0 <= backoff <= BACKOFF_LIMIT_SECONDS:
        findings.add(f"{attr}.backoff_seconds", f"The backoff is from 0 to {BACKOFF_LIMIT_SECONDS} seconds.")
        backoff = 1.0
    return Retry(attempts, backoff)


def _timeout(timeout: Any, step: Step, attr: str, findings: _Findings) -> float:
    own = step.timeout_seconds if isinstance(step, WaitingStep) else TIMEOUT_SECONDS
    if timeout is None:
        return own
    if not _is_number(timeout) or not 0 < timeout <= TIMEOUT_LIMIT_SECONDS:
        findings.add(attr, f"The timeout is more than 0 and at most {TIMEOUT_LIMIT_SECONDS} seconds.")
        return own
    return float(timeout)


def _goes_on(on_error: Any, attr: str, findings: _Findings) -> bool:
    if on_error not in ("fail", "continue"):
        findings.add(attr, 'on_error is "fail" or "continue".')
    return bool(on_error == "continue")


def _outputs(outputs: Any, known: _Known, findings: _Findings) -> list[tuple[str, Template]]:
    if not isinstance(outputs, dict):
        findings.add("outputs", "The outputs are an object: a template by name.")
        return []
    if len(outputs) > NAMES_LIMIT:
        findings.add("outputs", f"A workflow has {NAMES_LIMIT} outputs at most.", "too_many")
    _names(((f"outputs.{name}", name) for name in outputs), "output", findings)
    compiled = []
    for name, source in outputs.items():
        attr = f"outputs.{name}"
        template = findings.gather(lambda source=source, attr=attr: compile_template(source, attr))  # type: ignore[misc]
        if template is not None:
            known.check(template, attr, findings)
            compiled.append((name, template))
    return compiled


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
