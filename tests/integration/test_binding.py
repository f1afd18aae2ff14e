"""The bond of a workflow and a table: what is refused when it is made, and what it does for a row."""

from __future__ import annotations

from typing import Any

import pytest

from cells import binding
from cells.binding import Binding, bind
from cells.models import Workflow
from cells.templates import TemplateFailed
from cells.workflows import versions
from cells.workflows.definition import compile_program
from tableflow.errors import InvalidInput
from tableflow.tables import schema as schemas
from tableflow.tables.models import Table
from tests.factories import TableFactory

ROW = {"name": "Ada", "age": 36, "blank": None, "flag": False}


def bound(inputs: dict[str, Any], outputs: list[dict[str, str]] | None = None, **group: Any) -> Binding:
    program = compile_program(["a", "b"], [], {"out": "x", "other": "y"})
    columns = {
        "text": {"type": "text", "options": {}},
        "number": {"type": "number", "options": {}},
    }
    return bind({"inputs": inputs, "outputs": outputs or [], **group}, program, columns)


def test_inputs_are_column_values_or_templates() -> None:
    assert bound({"a": "age", "b": "{{ row.name }} {{ row.age }}"}).inputs(ROW) == {"a": 36, "b": "Ada 36"}
    assert bound({"a": "{{ row.age + 1 }}"}).inputs(ROW) == {"a": 37}
    assert bound({}).inputs(ROW) == {}


def test_an_input_that_the_pinned_version_does_not_have_is_left_out() -> None:
    assert bound({"a": "age", "gone": "name"}).inputs(ROW) == {"a": 36}


def test_a_template_that_fails_for_a_row_says_why() -> None:
    with pytest.raises(TemplateFailed, match="division by zero"):
        bound({"a": "{{ 1 / 0 }}"}).inputs(ROW)


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("", True),
        ("{{ row.age > 30 }}", True),
        ("{{ row.age > 40 }}", False),
        ("{{ row.blank }}", False),
        ("{{ row.flag }}", False),
        ("{{ row.name }}", True),
        ("{% if row.age > 40 %}yes{% endif %}", False),
        ("x{{ row.blank }}", True),
        ("{{ 'false' }}", False),
        (" {{ '0' }} ", False),
        ("false", False),
    ],
)
def test_run_if_decides_by_truth(condition: str, runs: bool) -> None:
    assert bound({}, run_if=condition).run_if(ROW) is runs


def test_outputs_become_values_of_the_columns_types() -> None:
    targets = [{"from": "out", "column": "number"}, {"from": "other", "column": "text"}]
    assert bound({}, targets).patch({"out": "42", "other": 7}) == ({"number": 42, "text": "7"}, [])


def test_what_cannot_be_of_the_type_is_null_with_a_note() -> None:
    targets = [{"from": "out", "column": "number"}, {"from": "other", "column": "text"}]
    patch, notes = bound({}, targets).patch({"out": "many", "other": "x"})
    assert patch == {"number": None, "text": "x"}
    assert [note["column"] for note in notes] == ["number"]
    assert notes[0]["detail"]


def test_a_missing_output_is_null_and_a_deleted_column_gets_nothing() -> None:
    targets = [{"from": "out", "column": "text"}, {"from": "other", "column": "gone"}]
    patch, notes = bound({}, targets).patch({"other": 1})
    assert patch == {"text": None}
    assert [note["column"] for note in notes] == ["gone"]


def test_the_columns_that_a_group_reads_are_known() -> None:
    group = {"inputs": {"a": "age", "b": "{{ row.name }}{{ row['x'] }}"}, "run_if": "{{ row.flag }}"}
    assert binding.columns_read(group) == {"age", "name", "x", "flag"}


@pytest.fixture
def table(db: None) -> Table:
    return TableFactory.create(columns={"left": "text", "out": "text", "right": "text"})


@pytest.fixture
def workflow(table: Table) -> Workflow:
    return versions.create(table.owner, "w", ["a", "b"], [], {"result": "{{ inputs.a }}"})


def check(table: Table, workflow: Any, **definition: Any) -> None:
    whole = {"workflow": workflow, "inputs": {}, "outputs": [{"from": "result", "column": "out"}], **definition}
    binding.check(schemas.load(table.pk), whole, table.owner)


def problems(table: Table, workflow: Any, **definition: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        check(table, workflow, **definition)
    return {str(problem.attr): problem.detail for problem in refused.value.problems}


def test_a_good_bond_passes_also_with_inputs_left_out(table: Table, workflow: Workflow) -> None:
    check(table, workflow.pk, inputs={"a": "left", "b": "{{ row.left }}"}, run_if="{{ row.left }}")
    check(table, workflow.pk)
    check(
        table,
        workflow.pk,
        outputs=[{"from": "result", "column": {"name": "New", "type": "text"}}],
        run_if="{{ row.right }}",
    )


@pytest.mark.parametrize("workflow_id", [None, "1", 10**18, 0, True, [1]])
def test_a_workflow_that_is_not_there_is_refused(table: Table, workflow_id: Any) -> None:
    assert list(problems(table, workflow_id)) == ["workflow"]


def test_a_workflow_of_somebody_else_is_not_there(table: Table) -> None:
    theirs = versions.create(TableFactory.create().owner, "w", [], [], {"result": "x"})
    assert list(problems(table, theirs.pk)) == ["workflow"]


@pytest.mark.parametrize(
    ("definition", "attr", "said"),
    [
        ({"inputs": {"c": "left"}}, "inputs.c", "it has: a, b"),
        ({"inputs": {"a": "{{ row.left"}}, "inputs.a", "does not compile"),
        ({"inputs": {"a": "{{ row.gone }}"}}, "inputs.a", "There is no column 'gone'"),
        ({"inputs": {"a": "{{ row.right }}"}}, "inputs.a", "not left of"),
        ({"inputs": {"a": "{{ row.out }}"}}, "inputs.a", "not left of"),
        ({"inputs": {"a": "{{ steps.x }}"}}, "inputs.a", "reads row"),
        ({"outputs": [{"from": "gone", "column": "out"}]}, "outputs.0.from", "it has: result"),
        ({"run_if": "{{ row.gone }}"}, "run_if", "There is no column 'gone'"),
        ({"run_if": "row.left"}, "run_if", "{{ row.left }}"),
        ({"run_if": "{{"}, "run_if", "does not compile"),
    ],
)
def test_what_does_not_fit_is_named(
    table: Table, workflow: Workflow, definition: dict[str, Any], attr: str, said: str
) -> None:
    found = problems(table, workflow.pk, **definition)
    assert list(found) == [attr]
    assert said in found[attr]


def test_every_mistake_is_found_at_once(table: Table, workflow: Workflow) -> None:
    found = problems(
        table,
        workflow.pk,
        inputs={"c": "left", "a": "{{ row.gone }}"},
        outputs=[{"from": "x", "column": "out"}],
        run_if="{{",
    )
    assert set(found) == {"inputs.c", "inputs.a", "outputs.0.from", "run_if"}
