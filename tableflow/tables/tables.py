"""Tables: create, change, delete. Each is all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models.functions import Now

from tableflow.errors import InvalidInput
from tableflow.live import marks
from tableflow.tables import columns, names
from tableflow.tables.locks import lock
from tableflow.tables.models import Table

MAX_DESCRIPTION_LENGTH = 10_000
CHANGES = ("name", "description", "auto_run")


@transaction.atomic
def create(owner: AbstractBaseUser, name: Any, description: Any = "", definitions: Sequence[Any] = ()) -> Table:
    """A new table of that user, with the columns `{name, type, key?, options?}` left to right.

    InvalidInput names what is wrong, as columns.1.type.
    """
    if not isinstance(definitions, Sequence) or isinstance(definitions, str):
        raise InvalidInput.at("columns", "Give a list of columns.")
    checked = _check_changes({"name": name, "description": description})
    table = Table.objects.create(owner_id=owner.pk, **checked)
    marks.schema(table.pk)
    if definitions:
        columns.create_many(table, definitions)
    return table


@transaction.atomic
def change(table: Table, changes: Any) -> Table:
    """Changes name, description or auto_run, those that are given. NotFound when the table was deleted."""
    if not isinstance(changes, Mapping):
        raise InvalidInput.at("table", f"Give an object with {', '.join(CHANGES)}.")
    checked = _check_changes(changes)
    locked = lock(table.pk)
    for field, value in checked.items():
        setattr(locked, field, value)
    locked.save(update_fields=[*checked, "updated_at"])
    marks.schema(table.pk)
    return locked


@transaction.atomic
def delete(table: Table) -> None:
    """Hides the table at once; its rows are purged later. NotFound when it was deleted before."""
    lock(table.pk)
    Table.objects.filter(pk=table.pk).update(deleted_at=Now())
    marks.schema(table.pk)


def _check_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    for name in changes:
        if name not in CHANGES:
            detail = f"Unknown field {name!r}. A table has: {', '.join(CHANGES)}."
            raise InvalidInput.at(str(name), detail, "unknown_field")
    checks = {"name": names.check_name, "description": _check_description, "auto_run": _check_flag}
    return {name: checks[name](value, name) for name, value in changes.items()}


def _check_description(value: Any, attr: str) -> str:
    text = names.check_text(value, attr)
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise InvalidInput.at(attr, f"A description has at most {MAX_DESCRIPTION_LENGTH} characters.")
    return text


def _check_flag(value: Any, attr: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput.at(attr, "Give true or false.")
    return value
