"""What a group reads: the columns that it waits for and the plain columns that go into its inputs. Pure.

A group may read only columns to the left of its leftmost output, so that a row's cascade goes left to right and
no group waits for itself. What a template reads is not known here: who asks about that brings a `Reads`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tableflow.errors import InvalidInput, Problem
from tableflow.tables import values
from tableflow.tables.schema import GroupSpec, Schema

# Gives the keys of the columns that a template reads.
Reads = Callable[[str], Collection[str]]


@dataclass(frozen=True)
class Dropped:
    """A dependency that a change of the order took away. `kind` is run_after, run_if, or inputs.<name of the input>.

    An input that is gone is null; of a template that reads several columns the whole is gone.
    """

    group: int
    kind: str
    column: str


def is_template(source: str) -> bool:
    """Whether an input is a template; else it is the key of a column."""
    return "{{" in source or "{%" in source


def plain_inputs(inputs: Mapping[str, Any]) -> dict[str, str]:
    """Input name → column key, for the inputs that are columns."""
    return {name: source for name, source in inputs.items() if isinstance(source, str) and not is_template(source)}


def check(
    schema: Schema,
    outputs: Sequence[str],
    leftmost: int,
    inputs: Mapping[str, Any],
    run_after: Sequence[str],
) -> None:
    """InvalidInput unless all that the group reads exists and lies to the left of its leftmost output's position.

    `outputs` are the keys of its own output columns. Codes: unknown_column, dependency_cycle, dependency_right.
    """
    named = [(f"inputs.{name}", key) for name, key in plain_inputs(inputs).items()]
    named += [(f"run_after.{index}", key) for index, key in enumerate(run_after)]
    problems = [found for attr, key in named if (found := _problem(schema, outputs, leftmost, attr, key))]
    if problems:
        raise InvalidInput(problems)


def _problem(schema: Schema, outputs: Sequence[str], leftmost: int, attr: str, key: str) -> Problem | None:
    if key in outputs:
        return Problem(f"The column {key!r} is filled by this workflow column itself.", attr, "dependency_cycle")
    column = schema.column(key)
    if column is None:
        problem = values.unknown_column(schema, key, attr)
        hint = " For a fixed text write {{ 'the text' }}." if attr.startswith("inputs.") else ""
        return Problem(problem.detail + hint, attr, problem.code)
    if column.position < leftmost:
        return None
    if column.group_id is not None and _reads(schema, column.group_id, set(outputs)):
        detail = f"The column {key!r} depends on this workflow column: they would wait for each other."
        return Problem(detail, attr, "dependency_cycle")
    detail = f"The column {key!r} is to the right of this workflow column; move it to the left first."
    return Problem(detail, attr, "dependency_right")


def _reads(schema: Schema, group_id: int, wanted: set[str]) -> bool:
    """Whether the group reads one of the wanted columns, directly or through other groups."""
    seen: set[int] = set()
    waiting = [group_id]
    while waiting:
        group = schema.group(waiting.pop())
        if group is None or group.id in seen:
            continue
        seen.add(group.id)
        keys = {*group.run_after, *plain_inputs(group.inputs).values()}
        if keys & wanted:
            return True
        columns = (schema.column(key) for key in keys)
        waiting += [column.group_id for column in columns if column is not None and column.group_id is not None]
    return False


def templates_unknown(_source: str) -> Collection[str]:
    """For who has no templates to ask about."""
    return ()


def readers(
    schema: Schema, keys: Iterable[str], besides: int | None = None, reads: Reads = templates_unknown
) -> list[str]:
    """The names of the groups (but one) that have one of these columns as an input, or in a template."""
    wanted = set(keys)
    found = (group for group in schema.groups if group.id != besides)
    return [group.name for group in found if any(key in wanted for _, key in _inputs(group, reads))]


def _inputs(group: GroupSpec, reads: Reads) -> Iterator[tuple[str, str]]:
    """What the group reads besides what it waits for, as (kind, column key)."""
    sources = {f"inputs.{name}": source for name, source in group.inputs.items() if isinstance(source, str)}
    for kind, source in {**sources, "run_if": group.run_if}.items():
        is_plain = kind != "run_if" and not is_template(source)
        yield from ((kind, key) for key in ((source,) if is_plain else sorted(reads(source))))


def torn(schema: Schema, positions: Mapping[str, int]) -> list[str]:
    """The names of the groups whose output columns stand together now and would not at these positions."""
    together = []
    for group in schema.groups:
        keys = [output.column for output in group.outputs]
        now = [column.position for key in keys if (column := schema.column(key)) is not None]
        if _adjacent(now) and not _adjacent([positions[key] for key in keys]):
            together.append(group.name)
    return together


def _adjacent(positions: Sequence[int]) -> bool:
    return max(positions) - min(positions) == len(set(positions)) - 1


def pointing_right(schema: Schema, positions: Mapping[str, int], reads: Reads = templates_unknown) -> list[Dropped]:
    """The dependencies that would no longer point left if the columns stood at these positions."""
    dropped: list[Dropped] = []
    for group in schema.groups:
        leftmost = min(positions[output.column] for output in group.outputs)
        wanted = [*(("run_after", key) for key in group.run_after), *_inputs(group, reads)]
        dropped += [Dropped(group.id, kind, key) for kind, key in wanted if positions.get(key, -1) >= leftmost]
    return dropped
