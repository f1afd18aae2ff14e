"""What a cell uses: which columns its group reads, and one hash of them, the same in every statement that takes it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cells import lifecycle, usage
from cells.models import Execution, Status, Workflow, WorkflowVersion
from cells.usage import Present, Usage, outdated, stale
from dispatch.begin import begin
from tableflow.tables import schema as schemas
from tableflow.tables.models import Column, Group, Row, Table
from tests import hands, scenes

pytestmark = pytest.mark.django_db

LATER = 10**9
ODD = 'it\'s "c" %s {} 雪'
KEYS = ("a", "b", ODD, "items")
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4)
PLAIN = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-1, 1, width=16) | TEXT
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2))
ROWS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=len(KEYS))
USAGES = st.builds(
    Usage, st.lists(st.sampled_from(KEYS), unique=True).map(lambda keys: tuple(sorted(keys))), st.sampled_from("xy")
)


@pytest.fixture
def table() -> Table:
    """A table with the columns n, m and item."""
    made = scenes.table(2)
    for place, key in enumerate(("m", "item"), start=1):
        Column.objects.create(table=made, key=key, name=key, type="text", position=place)
    return made


def used_by(group: Group) -> Usage:
    return usage.of(schemas.load(group.table_id))[group.pk]


def bound(table: Table, template: str = "{{ inputs.n }}", **options: Any) -> Group:
    """A group over a workflow with this template; its input reads n unless `inputs` says otherwise."""
    steps = [{"id": "one", "type": "template", "config": {"template": template}}]
    inputs = options.pop("inputs", {"n": "n"})
    group = scenes.group(table, scenes.workflow(table, steps, "{{ steps.one }}"), **options)
    Group.objects.filter(pk=group.pk).update(inputs=inputs)
    return group


@pytest.mark.parametrize(
    ("template", "options", "reads"),
    [
        ("{{ inputs.n }}", {}, ("n",)),
        ("nothing", {"inputs": {}}, ()),
        ("{{ inputs.n }}", {"inputs": {"n": "{{ row.m }}-{{ row.n }}"}}, ("m", "n")),
        ("{{ row.m }}", {}, ("m", "n")),
        ("{{ row['m'] }}", {"inputs": {}}, ("m",)),
        ("{{ row[inputs.n] }}", {}, ("item", "m", "n")),
        ("{{ row | length }}", {"inputs": {}}, ("item", "m", "n")),
        ("{% for key in row %}{{ key }}{% endfor %}", {"inputs": {}}, ("item", "m", "n")),
        ("{{ row.items() | list }}", {"inputs": {}}, ("item", "items", "m", "n")),
        ("{{ row.get('m') }}", {"inputs": {}}, ("get", "item", "m", "n")),
        ("x", {"inputs": {}, "run_if": "{{ row.item }}"}, ("item",)),
        ("x", {"inputs": {}, "run_after": ["m"]}, ("m",)),
        ("{{ row.out }}", {}, ("n",)),
    ],
)
def test_the_columns_that_a_group_reads_are_found_wherever_they_are_named(table, template, options, reads):
    assert used_by(bound(table, template, **options)).keys == reads


@pytest.mark.parametrize(
    "step",
    [
        {"id": "one", "type": "template", "config": {"template": "x"}, "if": "{{ row.m }}"},
        {
            "id": "one",
            "type": "python",
            "config": {"function": "text_statistics", "arguments": {"text": "{{ row.m }}"}},
        },
    ],
)
def test_conditions_and_arguments_of_steps_are_read_too(table, step):
    group = scenes.group(table, scenes.workflow(table, [step], "{{ steps.one }}"))
    Group.objects.update(inputs={})
    assert used_by(group).keys == ("m",)


def test_the_outputs_of_a_workflow_are_read_too(table):
    group = scenes.group(table, scenes.workflow(table, [], "{{ row.item }}"))
    assert used_by(group).keys == ("item", "n")


def test_a_row_as_a_whole_is_its_plain_columns_and_those_of_groups_to_the_left(table):
    bound(table, key="left")
    middle = bound(table, "{{ row }}", key="middle", inputs={})
    bound(table, key="right")
    assert used_by(middle).keys == ("item", "left", "m", "n")


def test_a_group_whose_workflow_was_deleted_still_reads_its_inputs(table):
    group = bound(table)
    before = used_by(group)
    Group.objects.update(workflow_id=0)
    assert used_by(group).keys == ("n",)
    assert used_by(group).token != before.token


def test_the_token_tells_how_a_group_is_made_and_nothing_else(table):
    group = bound(table)
    before = used_by(group)
    for same in ({"name": "Other"}, {"auto_run": True}, {"concurrency": 3}, {"run_after": ["n"]}):
        Group.objects.update(**same)
        assert used_by(group) == before, same
    changes = ({"inputs": {"n": "m"}}, {"run_if": "{{ row.n }}"}, {"outputs": [{"from": "other", "column": "out"}]})
    tokens = {before.token}
    for change in changes:
        Group.objects.update(**change)
        tokens.add(used_by(group).token)
    WorkflowVersion.objects.create(
        workflow_id=group.workflow_id, number=2, inputs=["n"], steps=[], outputs={"out": "{{ inputs.n }}"}
    )
    assert used_by(group).token in tokens
    Workflow.objects.update(version=2)
    tokens.add(used_by(group).token)
    assert len(tokens) == 5


def test_a_group_reads_others_directly_and_through_others(table):
    groups = [bound(table, key=key, inputs={"n": reads}) for key, reads in (("a", "n"), ("b", "a"), ("c", "b"))]
    bound(table, key="d")
    schema = schemas.load(table.pk)
    a, b, c, d = (group.id for group in schema.groups)
    assert [a, b, c] == [group.pk for group in groups]
    assert usage.upstream(schema.groups, usage.of(schema)) == {a: [], b: [a], c: [a, b], d: []}


@given(rows=st.lists(ROWS, min_size=3, max_size=12), used=USAGES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_statement_that_starts_a_cell_hashes_as_the_page_does(rows, used):
    table = scenes.table(0)
    groups = [scenes.group(table, scenes.doubling(table), key) for key in ("one", "two", "three")]
    made = Row.objects.bulk_create(Row(table=table, position=n, data=data) for n, data in enumerate(rows, 1))
    present = dict(Row.objects.filter(table=table).values_list("pk", Present(used, F("data"))))
    started = started_in_each_way(table, groups, used)
    for group in groups:
        assert started[group.pk] == present
    alike: dict[Any, set[UUID]] = {}
    for row in made:
        alike.setdefault(repr([row.data.get(key) for key in used.keys]), set()).add(present[row.pk])
    assert all(len(hashes) == 1 for hashes in alike.values())


def started_in_each_way(table: Table, groups: list[Group], used: Usage) -> dict[int, dict[int, UUID]]:
    """The hashes by group and row: the first is claimed, the second proceeds behind it, the third joins after that."""
    first, second, third = groups
    usages = {group.pk: used for group in groups}
    dispatch = begin(table.pk, groups=[first.pk, second.pk], mode="all")
    window = hands.admit(dispatch)
    worker = hands.worker(f"worker {table.pk}")
    rows = lifecycle.claim(worker.pk, table.pk, [window.pk], usages, 1000)
    lifecycle.proceed([claim for row in rows for claim in row.queued.values()], usages)
    lifecycle.join(worker.pk, [(row.lead, third.pk) for row in rows], dispatch.sequence, usages)
    found: dict[int, dict[int, UUID]] = {group.pk: {} for group in groups}
    for group_id, row_id, hashed in Execution.objects.filter(group__in=found).values_list("group", "row", "used"):
        found[group_id][row_id] = hashed
    return found


def test_null_and_a_missing_key_are_the_same_and_anything_else_is_not():
    table = scenes.table(0)
    for place, data in enumerate([{}, {"a": None}, {"a": "null"}, {"a": ""}, {"a": False}, {"a": 0}, {"a": []}], 1):
        Row.objects.create(table=table, position=place, data=data)
    hashes = list(Row.objects.order_by("position").values_list(Present(Usage(("a",), "x"), F("data")), flat=True))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == len(hashes) - 1


def test_values_that_run_into_each_other_are_told_apart():
    table = scenes.table(0)
    for place, data in enumerate([{"a": 1, "b": 2}, {"a": 12}, {"a": "1,2"}, {"a": "1", "b": "2"}], 1):
        Row.objects.create(table=table, position=place, data=data)
    hashes = list(Row.objects.values_list(Present(Usage(("a", "b"), "x"), F("data")), flat=True))
    assert len(set(hashes)) == 4


def test_what_ended_without_a_result_is_outdated_but_never_stale():
    table = scenes.table(len(Status))
    group = scenes.group(table, scenes.doubling(table))
    for row, status in zip(Row.objects.filter(table=table), Status, strict=True):
        Execution.objects.create(row=row, group=group, position=row.position, status=status)
    scenes.settle(group)
    used = {group.pk: used_by(group)}
    here = Execution.objects.filter(group=group)
    data = F("row__data")
    assert not here.filter(stale(used[group.pk], data)).exists()
    assert not here.annotate(old=outdated(used, data)).filter(old=True).exists()
    Row.objects.update(data={"n": 0})
    Execution.objects.filter(status=Status.SKIPPED).update(used=None)
    assert set(here.filter(stale(used[group.pk], data)).values_list("status", flat=True)) == set(usage.STALE)
    assert here.annotate(old=outdated(used, data)).filter(old=True).count() == len(Status)
