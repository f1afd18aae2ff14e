"""What a dispatch pins when it begins: its groups as they were then, each with the version of its workflow.

A plan is a list of JSON objects, one a group from left to right, with the keys of `Pinned`. What somebody changes
later in the columns, the groups or the workflows does not reach a run that is under way.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypedDict

from cells import functions, loop, usage
from cells.models import WorkflowVersion
from cells.usage import Usage
from dispatch.models import Mode
from tableflow.tables.schema import GroupSpec, Schema

CALLS_OUT = frozenset({"http", "llm"})
CONCURRENCY_CALLING_OUT = 20
CONCURRENCY_IN_THREADS = loop.FUNCTION_THREADS
CONCURRENCY_LOCAL = 400


class Pinned(TypedDict):
    """One group of a plan. `version_id` and `version` are null when the workflow had been deleted.

    `reads` and `token` are what its cells use (cells/usage.py); `upstream` the groups of the plan that it reads;
    `feeds`: a group that this run may leave out, and that runs by itself, reads what it gives; `strict`: the
    concurrency that somebody gave the group, kept over all runs of it (null: none).
    """

    id: int
    name: str
    bit: int
    inputs: dict[str, Any]
    outputs: list[dict[str, str]]
    run_after: list[str]
    run_if: str
    auto_run: bool
    version_id: int | None
    version: int | None
    columns: dict[str, dict[str, Any]]
    keys: list[str]
    concurrency: int
    reads: list[str]
    token: str
    upstream: list[int]
    feeds: bool
    strict: int | None


def pin(schema: Schema, groups: Sequence[GroupSpec], *, mode: str, is_manual: bool = True) -> list[Pinned]:
    """The plan of these groups, in the order given, with the newest version of each workflow."""
    versions = usage.newest(group.workflow_id for group in schema.groups)
    usages = {group.id: usage.of_group(schema, group, versions.get(group.workflow_id)) for group in schema.groups}
    # A manual run leaves cells of its own groups alone, unless it asks for all: those run by themselves then, where
    # what they read has come or changed.
    chosen = {group.id for group in groups} if mode == Mode.ALL or not is_manual else set()
    fed = {key for g in schema.groups if g.auto_run and g.id not in chosen for key in usages[g.id].keys}
    upstream = usage.upstream(groups, usages)
    return [
        _pinned(schema, group, versions.get(group.workflow_id), usages[group.id], upstream[group.id], fed)
        for group in groups
    ]


def concurrency(plan: Sequence[Pinned]) -> int:
    """How many cells of the plan may run at once: what its most careful group allows."""
    return min(group["concurrency"] for group in plan)


def _pinned(
    schema: Schema,
    group: GroupSpec,
    version: WorkflowVersion | None,
    used: Usage,
    upstream: list[int],
    fed: Collection[str],
) -> Pinned:
    columns = {o.column: schema.by_key[o.column] for o in group.outputs}
    return {
        "id": group.id,
        "name": group.name,
        "bit": group.bit,
        "inputs": group.inputs,
        "outputs": [{"from": o.source, "column": o.column} for o in group.outputs],
        "run_after": list(group.run_after),
        "run_if": group.run_if,
        "auto_run": group.auto_run,
        "version_id": version.pk if version else None,
        "version": version.number if version else None,
        "columns": {key: {"type": column.type, "options": column.options} for key, column in columns.items()},
        "keys": list(schema.keys),
        "concurrency": group.concurrency or _usual_concurrency(version),
        "reads": list(used.keys),
        "token": used.token,
        "upstream": upstream,
        "feeds": any(o.column in fed for o in group.outputs),
        "strict": group.concurrency or _usually_strict(version),
    }


def _usually_strict(version: WorkflowVersion | None) -> int | None:
    """What holds over all runs of a group that names none: many small runs are no way around somebody else's limit."""
    usual = _usual_concurrency(version)
    return usual if usual <= CONCURRENCY_CALLING_OUT else None


def _usual_concurrency(version: WorkflowVersion | None) -> int:
    """What a group that names none gets: little where somebody else's server answers, much where nobody waits."""
    return min((_suits(step) for step in version.steps), default=CONCURRENCY_LOCAL) if version else CONCURRENCY_LOCAL


def _suits(step: Mapping[str, Any]) -> int:
    if step["type"] in CALLS_OUT:
        return CONCURRENCY_CALLING_OUT
    called = functions.find(step["config"].get("function", "")) if step["type"] == "python" else None
    return CONCURRENCY_LOCAL if called is None or called.quick else CONCURRENCY_IN_THREADS
