"""What a request names: something, of the table, and not too much."""

from __future__ import annotations

from collections.abc import Sequence

from tableflow.errors import InvalidInput
from tableflow.tables import ids
from tableflow.tables.models import Row
from tableflow.tables.schema import Schema


def check_some(attr: str, named: Sequence[int]) -> None:
    """Raise InvalidInput when the field `attr` names nothing: an empty list is not everything, and hardly meant."""
    if not named:
        raise InvalidInput.at(attr, f"Name at least one of the {attr}, or leave `{attr}` out for all of them.", "empty")


def check_groups(schema: Schema, groups: Sequence[int]) -> None:
    """Raise InvalidInput unless these are groups of the table, one at least."""
    known = [group.id for group in schema.groups]
    for group_id in groups:
        if group_id not in known:
            there = ", ".join(str(one) for one in sorted(known)) or "none"
            raise InvalidInput.at(
                "groups", f"No workflow column {group_id} in this table; it has: {there}.", "unknown_group"
            )
    check_some("groups", groups)


def check_rows(table_id: int, attr: str, named: Sequence[int]) -> None:
    """Raise InvalidInput, naming the places in the field `attr`, unless these are ids of rows of the table."""
    ids.refuse_unknown(ids.placed(named, attr), rows_there(table_id, attr, named))


def rows_there(table_id: int, attr: str, named: Sequence[int]) -> set[int]:
    """Those of the ids that are rows of the table. Raise InvalidInput, naming `attr`, when they are too many."""
    listed = ids.listed(named, attr)
    return set(Row.objects.filter(table=table_id, pk__in=listed).values_list("pk", flat=True))
