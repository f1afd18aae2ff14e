"""A workflow column as somebody is about to make it: what it would be refused for, what it would do for a row, and for
how many rows it would run. Nothing is written here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from cells import binding
from cells.binding import Binding, User, bind
from cells.models import WorkflowVersion
from cells.sandbox import MAPPING_METHODS
from cells.templates import TemplateFailed
from cells.values import is_true
from cells.workflows import trial, versions
from cells.workflows.definition import Program, compile_program, condition
from tableflow.errors import InvalidInput, Problem
from tableflow.tables import batches, groups
from tableflow.tables.groups import Target
from tableflow.tables.models import Row
from tableflow.tables.schema import Schema
from tableflow.tables.values import MAX_PROBLEMS

SAMPLE_ROWS = 1000
SAMPLE_SECONDS = 2.0
MISSING_COLUMN = "no_column"
"""The code of a problem for which nothing is refused."""


@dataclass(frozen=True)
class Proposal:
    """A judged workflow column: the workflow's version, which may be in no database, and the columns it would fill."""

    version: WorkflowVersion
    inputs: Mapping[str, Any]
    run_if: str
    targets: Sequence[Target]


@dataclass(frozen=True)
class Matching:
    """For how many rows a condition holds. `checked` of `total` rows were looked at, the first ones; for `failed` of
    these it cannot be said. `problem` is what is wrong with the condition, or what failed first.
    """

    checked: int
    matching: int
    failed: int
    total: int
    problem: Problem | None

    @property
    def is_all(self) -> bool:
        """Whether every row was looked at."""
        return self.checked >= self.total


def judge(
    schema: Schema, fields: Mapping[str, Any], user: User, own: int | None = None
) -> tuple[Proposal | None, list[Problem]]:
    """The proposal, None where there is no workflow to be had, and everything for which it would be refused, a hundred
    problems at most.

    `fields` are a group's, as in groups.create; its `workflow` is an id, or a draft `{name?, inputs, steps, outputs}`,
    whose problems stand below `workflow`. `own` is the id of the group that is to be changed into this.
    """
    targets, problems = groups.judge(schema, fields, own)
    version, of_workflow = _version(fields.get("workflow"), user)
    if version is None:
        return None, [*of_workflow, *problems][:MAX_PROBLEMS]
    inputs, run_if = fields.get("inputs"), fields.get("run_if")
    is_refused = any(problem.attr == "inputs" for problem in problems)
    given = inputs if isinstance(inputs, Mapping) and not is_refused else {}
    asked = run_if if isinstance(run_if, str) else ""
    bond = {"inputs": given, "outputs": fields["outputs"] if targets else [], "run_if": asked}
    found = [*of_workflow, *problems, *binding.problems(schema, bond, version)]
    return Proposal(version, given, asked, targets), list(dict.fromkeys(found))[:MAX_PROBLEMS]


def missing_columns(schema: Schema, proposal: Proposal) -> list[Problem]:
    """What the workflow itself reads of columns that are not there, each at its place below `workflow`.

    Nothing is refused for it: another table that uses the workflow may have them. Where the cells of this one come to
    such a place they fail.
    """
    version = proposal.version
    known = {*schema.keys, *(target.column.key for target in proposal.targets), *MAPPING_METHODS}
    return [
        Problem(f"There is no column {key!r} in this table.", f"workflow.{attr}", MISSING_COLUMN)
        for attr, template in compile_program(version.inputs, version.steps, version.outputs).templates()
        for key in sorted({name for space, name in template.needed if space == "row"} - known)
    ][:MAX_PROBLEMS]


def try_on(proposal: Proposal, row: Mapping[str, Any]) -> dict[str, Any]:
    """What the cell would do for a row: its steps really run, for two minutes at most. The answer is `trial.test`'s.

    Added are `runs`: what the condition says, null when it fails (where it says no the status is "skipped"); `inputs`
    as the workflow was given them; `columns`: `{from, column, name, type, value, detail}` for each output that was
    reached. `column` is null where it is yet to be made, `detail` says why a value does not fit.
    """
    version = proposal.version
    program = compile_program(version.inputs, version.steps, version.outputs)
    bound = _bound(proposal, program)
    runs, inputs = None, None
    try:
        runs = bound.run_if(row)
        if not runs:
            return {**_UNREACHED, "status": "skipped", "error": None, "runs": False}
        inputs = bound.inputs(row)
    except TemplateFailed as failure:
        return {**_UNREACHED, "status": "error", "error": str(failure), "runs": runs}
    answer = trial.once(program, inputs, row)
    return {**answer, "runs": True, "inputs": inputs, "columns": _columns(proposal, bound, answer["outputs"])}


def matching(schema: Schema, run_if: str, total: int) -> Matching:
    """For how many of the first thousand rows, in the visible order, the condition holds; it takes about two seconds
    at most, and looks at fewer rows then. `total` is how many rows the table has.
    """
    problems: list[Problem] = []
    template = condition(
        run_if,
        "run_if",
        lambda template, attr: problems.extend(binding.reading_problems(template, attr, schema.keys, schema)),
        problems,
    )
    if problems:
        return Matching(0, 0, 0, total, problems[0])
    if template is None:
        return Matching(total, total, 0, total, None)
    ends_at = time.monotonic() + SAMPLE_SECONDS
    checked = holds = failed = 0
    problem = None
    found = chain.from_iterable(batches.by_position(Row.objects.filter(table=schema.table_id)))
    for data in islice(found, SAMPLE_ROWS):
        checked += 1
        try:
            holds += is_true(template.render({"row": {key: data.get(key) for key in schema.keys}}))
        except TemplateFailed as failure:
            failed += 1
            problem = problem or Problem(str(failure), "run_if", "failed")
        if time.monotonic() > ends_at:
            break
    return Matching(checked, holds, failed, max(total, checked), problem)


_UNREACHED: dict[str, Any] = {"outputs": None, "steps": [], "inputs": None, "columns": []}


def _version(workflow: Any, user: User) -> tuple[WorkflowVersion | None, list[Problem]]:
    if isinstance(workflow, Mapping):
        found = versions.draft_problems(workflow)
        below = [Problem(problem.detail, f"workflow.{problem.attr}", problem.code) for problem in found]
        return versions.unsaved(workflow), below
    try:
        return binding.version_of(workflow, user), []
    except InvalidInput as error:
        return None, error.problems


def _bound(proposal: Proposal, program: Program) -> Binding:
    """The binding. Its columns are called by their places: two that are yet to be made may have one key."""
    columns = {
        str(place): {"type": target.column.type, "options": target.column.options}
        for place, target in enumerate(proposal.targets)
    }
    outputs = [{"from": target.source, "column": str(place)} for place, target in enumerate(proposal.targets)]
    return bind({"inputs": proposal.inputs, "outputs": outputs, "run_if": proposal.run_if}, program, columns)


def _columns(proposal: Proposal, bound: Binding, outputs: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if outputs is None:
        return []
    values, notes = bound.patch(outputs)
    details = {note["column"]: note["detail"] for note in notes}
    return [
        {
            "from": target.source,
            "column": None if target.is_new else target.column.key,
            "name": target.column.name,
            "type": target.column.type,
            "value": values[str(place)],
            "detail": details.get(str(place)),
        }
        for place, target in enumerate(proposal.targets)
    ]
