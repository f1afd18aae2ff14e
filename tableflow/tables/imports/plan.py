"""Which field of a file goes to which column: the names of the fields, the mapping, the columns still to be made."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tableflow.errors import InvalidInput, Problem
from tableflow.tables.schema import ColumnSpec
from tableflow.tables.types import TYPES

MAX_FIELDS = 500
MAX_NAME_CHARS = 128

_INVISIBLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")


@dataclass(frozen=True)
class Plan:
    """How to read a file. `fields` are (name in the file, column key or None to leave it out), in the file's order.

    A workbook has a `sheet`; csv and tsv have a `delimiter`; jsonl has neither.
    """

    encoding: str
    delimiter: str | None
    fields: tuple[tuple[str, str | None], ...]
    sheet: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is kept in `Import.plan`."""
        fields = [list(pair) for pair in self.fields]
        return {"encoding": self.encoding, "delimiter": self.delimiter, "fields": fields, "sheet": self.sheet}

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Plan:
        """The plan that `as_json` gave."""
        fields = tuple((name, key) for name, key in value["fields"])
        return cls(value["encoding"], value["delimiter"], fields, value.get("sheet"))


@dataclass(frozen=True)
class Target:
    """Where one field goes: to the existing column `key`, to a new column named `create`, or nowhere (both None)."""

    field: str
    key: str | None = None
    create: str | None = None


def field_names(header: Sequence[str]) -> list[str]:
    """The header's names, made usable: a blank one is `column_3` by its place, a repeated one gets a number."""
    if len(header) > MAX_FIELDS:
        raise InvalidInput.at(
            "file", f"The file has {len(header)} columns; at most {MAX_FIELDS} can be imported.", "too_many"
        )
    names: list[str] = []
    taken: set[str] = set()
    for place, raw in enumerate(header, 1):
        names.append(_unused(usable_name(raw, place), taken))
        taken.add(names[-1].casefold())
    return names


def usable_name(raw: str, place: int) -> str:
    """The name as a column can have it; a blank one is `column_3` by its place."""
    return _INVISIBLE.sub(" ", raw).strip()[:MAX_NAME_CHARS].strip() or f"column_{place}"


def _unused(name: str, taken: set[str]) -> str:
    number = 2
    candidate = name
    while candidate.casefold() in taken:
        candidate = f"{name[: MAX_NAME_CHARS - 6]} {number}"
        number += 1
    return candidate


def targets(
    names: Sequence[str],
    columns: Sequence[ColumnSpec],
    mapping: Mapping[str, str | None],
    *,
    new: Collection[str] = (),
    create_columns: bool,
    is_new_table: bool,
) -> list[Target]:
    """Where each field goes: as the mapping says, else to the column of that key or name, else to a new column.

    Those in `new` go to a new column although there is one of that name.

    The mapping of a new table names the keys that its columns shall have. InvalidInput names every entry of the
    mapping, and every field, that leads nowhere; None in the mapping leaves a field out on purpose.
    """
    problems = [
        Problem(f"The file has no column {name!r}. It has: {', '.join(names)[:500]}.", f"mapping.{name}", "unknown")
        for name in mapping
        if name not in names
    ]
    found = leads(names, columns, mapping, new=new, is_new_table=is_new_table)
    keys = {column.key for column in columns}
    problems += [
        Problem(f"The table has no column {target.key!r}.", f"mapping.{target.field}", "unknown")
        for target in found
        if not is_new_table and target.key is not None and target.key not in keys
    ]
    problems += _doubled(found)
    if not create_columns:
        problems += [
            Problem(
                f"The table has no column for {target.create!r}; map it to a column, or to null to leave it out.",
                f"mapping.{target.field}",
                "unmapped",
            )
            for target in found
            if target.create is not None
        ]
    if not problems and all(target.key is None and target.create is None for target in found):
        problems.append(Problem("The mapping leaves every column of the file out.", "mapping"))
    if problems:
        raise InvalidInput(problems)
    return found


def leads(
    names: Sequence[str],
    columns: Sequence[ColumnSpec],
    mapping: Mapping[str, str | None],
    *,
    new: Collection[str],
    is_new_table: bool,
) -> list[Target]:
    """The same, unchecked."""
    return [_target(name, columns, mapping, is_new=name in new, is_new_table=is_new_table) for name in names]


def check_types(types: Mapping[str, str], found: Sequence[Target]) -> None:
    """InvalidInput names every type that is none, or that is not for a new column of this file."""
    by_field = {target.field: target for target in found}
    problems = []
    for name, type_ in types.items():
        target = by_field.get(name)
        if target is None:
            problems.append(Problem(f"The file has no column {name!r}.", f"types.{name}", "unknown"))
        elif target.create is None:
            detail = f"No new column is made for {name!r}; only new columns get a type."
            problems.append(Problem(detail, f"types.{name}", "not_new"))
        elif type_ not in TYPES:
            problems.append(Problem(f"A type is one of: {', '.join(TYPES)}.", f"types.{name}", "invalid_choice"))
    if problems:
        raise InvalidInput(problems)


def _target(
    name: str, columns: Sequence[ColumnSpec], mapping: Mapping[str, str | None], *, is_new: bool, is_new_table: bool
) -> Target:
    if name in mapping:
        key = mapping[name]
        return Target(name, key, create=name if is_new_table and key is not None else None)
    if is_new:
        return Target(name, create=name)
    claimed = {key for key in mapping.values() if key is not None}
    free = [column for column in columns if column.key not in claimed]
    for column in free:
        if column.key == name:
            return Target(name, column.key)
    for column in free:
        if column.name.strip().casefold() == name.casefold():
            return Target(name, column.key)
    return Target(name, create=name)


def _doubled(found: Sequence[Target]) -> list[Problem]:
    first: dict[str, str] = {}
    problems = []
    for target in found:
        if target.key is None:
            continue
        other = first.setdefault(target.key, target.field)
        if other != target.field:
            detail = f"Both {other!r} and {target.field!r} go to the column {target.key!r}; map one of them elsewhere."
            problems.append(Problem(detail, f"mapping.{target.field}", "doubled"))
    return problems
