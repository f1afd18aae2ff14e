"""How a workflow is bound to a table: row values → inputs, outputs → column values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cells.models import WorkflowVersion
from cells.templates import Template, compile_template, is_template
from cells.values import is_true
from cells.workflows import versions
from cells.workflows.definition import Program, condition
from tableflow.errors import InvalidInput, Problem
from tableflow.tables import types
from tableflow.tables.schema import Schema

SHOWN_CHARACTERS = 60


class User(Protocol):
    """Whoever asks."""

    pk: Any


@dataclass(frozen=True)
class Binding:
    """A group's pinned inputs, outputs and condition, compiled. A row is its data, with every column's key."""

    templates: tuple[tuple[str, Template], ...]
    keys: tuple[tuple[str, str], ...]
    condition: Template | None
    targets: tuple[tuple[str, str, str | None, Mapping[str, Any]], ...]
    """For each output: its name, the column's key, the column's type (None when the column is gone) and options."""

    def run_if(self, row: Mapping[str, Any]) -> bool:
        """Whether the cell is to run; without a condition, always. Raises TemplateFailed."""
        return self.condition is None or is_true(self.condition.render({"row": row}))

    def inputs(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The workflow's inputs for this row. Raises TemplateFailed."""
        given = {name: row.get(key) for name, key in self.keys}
        if self.templates:
            scope = {"row": row}
            given |= {name: template.render(scope) for name, template in self.templates}
        return given

    def patch(self, outputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """The values for the columns, of the columns' types, and notes `{column, detail}`.

        What cannot be of the column's type becomes null with a note; it never fails the cell.
        """
        patch: dict[str, Any] = {}
        notes = []
        for source, key, type_, options in self.targets:
            if type_ is None:
                notes.append({"column": key, "detail": "The column was deleted; its value was dropped."})
                continue
            try:
                patch[key] = types.coerce(type_, options, outputs.get(source))
            except types.CannotCoerce as error:
                patch[key] = None
                notes.append({"column": key, "detail": error.detail})
        return patch, notes


def bind(group: Mapping[str, Any], program: Program, columns: Mapping[str, Mapping[str, Any]]) -> Binding:
    """The binding of a group as a dispatch pinned it: `{inputs, outputs: [{from, column}], run_if}`.

    `columns` is `{type, options}` by key, of the output columns at least. Inputs that the pinned version does not
    have are left out.
    """
    inputs = {name: given for name, given in group["inputs"].items() if name in program.inputs}
    condition_source = group.get("run_if") or ""
    return Binding(
        templates=tuple((n, compile_template(g, f"inputs.{n}")) for n, g in inputs.items() if is_template(g)),
        keys=tuple((name, given) for name, given in inputs.items() if not is_template(given)),
        condition=compile_template(condition_source, "run_if") if condition_source else None,
        targets=tuple(_target(output, columns) for output in group["outputs"]),
    )


def _target(
    output: Mapping[str, str], columns: Mapping[str, Mapping[str, Any]]
) -> tuple[str, str, str | None, Mapping[str, Any]]:
    column = columns.get(output["column"])
    if column is None:
        return output["from"], output["column"], None, {}
    return output["from"], output["column"], column["type"], column["options"]


def columns_read(group: Mapping[str, Any]) -> frozenset[str]:
    """The keys of the columns that a group's inputs and condition read, through templates or not."""
    read = {given for given in group["inputs"].values() if isinstance(given, str) and not is_template(given)}
    sources = [*group["inputs"].values(), group.get("run_if") or ""]
    for source in sources:
        if is_template(source):
            read |= _row_keys(compile_template(source, "inputs"))
    return frozenset(read)


def row_keys(source: str) -> frozenset[str]:
    """The keys of the columns that a template names; of what does not compile nothing is known."""
    try:
        return frozenset(_row_keys(compile_template(source, "template")))
    except InvalidInput:
        return frozenset()


def gives(workflow_id: int, source: str) -> bool:
    """Whether the newest version of a workflow has an output of this name."""
    version = versions.newest(workflow_id)
    return version is not None and source in version.outputs


def check(schema: Schema, definition: Mapping[str, Any], user: User) -> None:
    """Raises InvalidInput with everything that is wrong in a group's bond to its workflow.

    `definition` is `{workflow, inputs, outputs: [{from, column}], run_if}`. Checked: the workflow is there and the
    user's to see, and what `problems` looks at.
    """
    found = problems(schema, definition, version_of(definition.get("workflow"), user))
    if found:
        raise InvalidInput(found)


def problems(schema: Schema, definition: Mapping[str, Any], version: WorkflowVersion) -> list[Problem]:
    """Everything that is wrong in a group's bond to this version of a workflow.

    The inputs and outputs are the workflow's, the templates compile and read columns of this table that lie left of
    what the group fills. An input that is not given is null.
    """
    found: list[Problem] = []
    readable = _readable(schema, definition.get("outputs") or [])
    found += _input_problems(version, definition.get("inputs") or {}, readable, schema)
    found += _output_problems(version, definition.get("outputs") or [])
    condition(
        definition.get("run_if"),
        "run_if",
        lambda template, attr: found.extend(reading_problems(template, attr, readable, schema)),
        found,
    )
    return found


def version_of(workflow_id: Any, user: User) -> WorkflowVersion:
    """The newest version of a workflow that is there and the user's to see; else InvalidInput at `workflow`."""
    version = None
    if type(workflow_id) is int and versions.visible_to(user).filter(pk=workflow_id).exists():
        version = versions.newest(workflow_id)
    if version is None:
        detail = "Choose a workflow." if workflow_id is None else f"There is no workflow {_short(workflow_id)}."
        raise InvalidInput.at("workflow", detail, "does_not_exist")
    return version


def _short(value: Any) -> str:
    written = repr(value)
    return written if len(written) <= SHOWN_CHARACTERS else f"{written[:SHOWN_CHARACTERS]}…"


def _readable(schema: Schema, outputs: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The keys of the columns left of the leftmost output column; of all columns when the outputs are new ones."""
    filled = {output.get("column") for output in outputs if isinstance(output.get("column"), str)}
    keys = [column.key for column in schema.columns]
    leftmost = min((place for place, key in enumerate(keys) if key in filled), default=len(keys))
    return frozenset(keys[:leftmost])


def _input_problems(
    version: WorkflowVersion, inputs: Mapping[str, Any], readable: frozenset[str], schema: Schema
) -> list[Problem]:
    problems = []
    for name, given in inputs.items():
        attr = f"inputs.{name}"
        if name not in version.inputs:
            known = ", ".join(version.inputs) or "none"
            problems.append(Problem(f"The workflow has no input {name!r}; it has: {known}.", attr, "unknown"))
        if is_template(given):
            try:
                problems += reading_problems(compile_template(given, attr), attr, readable, schema)
            except InvalidInput as error:
                problems += error.problems
    return problems


def reading_problems(template: Template, attr: str, readable: Collection[str], schema: Schema) -> list[Problem]:
    """What a template at this place reads that is not there, or not left of what the group fills."""
    problems = [
        Problem(f"{name!r} is not defined; a template of a workflow column reads row.", attr, "unknown")
        for name in sorted(template.names - {"row"})
    ]
    known = {column.key for column in schema.columns}
    for key in sorted(_row_keys(template) - set(readable)):
        if key in known:
            detail = f"The column {key!r} is not left of the columns that this fills; only those can be read."
        else:
            detail = f"There is no column {key!r}."
        problems.append(Problem(detail, attr, "unknown"))
    return problems


def _row_keys(template: Template) -> set[str]:
    return {key for namespace, key in template.references if namespace == "row"}


def _output_problems(version: WorkflowVersion, outputs: Sequence[Mapping[str, Any]]) -> list[Problem]:
    known = ", ".join(version.outputs) or "none"
    return [
        Problem(
            f"The workflow has no output {output.get('from')!r}; it has: {known}.", f"outputs.{place}.from", "unknown"
        )
        for place, output in enumerate(outputs)
        if output.get("from") not in version.outputs
    ]
