"""The demo table of a first start: real cities, three workflow columns, and a run of all of them."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from cells import binding
from cells.workflows import versions
from dispatch import begin
from dispatch.models import Dispatch
from tableflow.demo import cities, workflows
from tableflow.tables import groups, rows, schema, tables
from tableflow.tables.models import Table


def find(user: User) -> Table | None:
    """The user's demo table; None when there is none."""
    return Table.objects.live().filter(owner=user, name=cities.NAME).first()


@transaction.atomic
def plant(user: User) -> Table:
    """Make the demo table with its rows, workflows and workflow columns. All of it or nothing."""
    table = tables.create(user, cities.NAME, cities.DESCRIPTION, cities.COLUMNS)
    data = cities.rows()
    for start in range(0, len(data), rows.MAX_ROWS):
        rows.insert(table, data[start : start + rows.MAX_ROWS])
    for demo in workflows.ALL:
        _add_column(table, demo, user)
    return table


def run(table: Table, user: User) -> Dispatch:
    """Begin a run of the table's workflow columns over all its rows."""
    return begin.begin(table.pk, user=user)


def _add_column(table: Table, demo: workflows.Demo, user: User) -> None:
    """A workflow column of the table with a workflow of its own."""
    workflow = versions.create(user, demo.name, demo.inputs, demo.steps, demo.outputs)
    definition = {**demo.column, "workflow": workflow.pk}
    binding.check(schema.load(table.pk), definition, user)
    groups.create(table, definition, default_name=demo.column["name"])
