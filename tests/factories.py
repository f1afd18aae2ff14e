"""Factories: each makes a record with whatever it needs around it. `TableFactory.create(…)` is typed."""

# factory_boy's declarations carry no types.
# mypy: disable-error-code="no-untyped-call, untyped-decorator, attr-defined"

from __future__ import annotations

from typing import Any

import factory
from django.contrib.auth import get_user_model

from tableflow.tables.imports import chunks
from tableflow.tables.models import Column, Group, Import, Row, Table


class UserFactory(factory.django.DjangoModelFactory[Any]):
    """A user who may log in."""

    class Meta:
        model = get_user_model()

    username = factory.Sequence(lambda n: f"user{n}")


class TableFactory(factory.django.DjangoModelFactory[Table]):
    """A table. `TableFactory(columns={"name": "text", "age": "number"})` gives it columns by key and type."""

    class Meta:
        model = Table
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Table {n}")
    owner = factory.SubFactory(UserFactory)

    @factory.post_generation
    def columns(self: Any, _create: bool, extracted: dict[str, str] | None, **_: Any) -> None:
        """The columns, left to right."""
        for position, (key, type_) in enumerate((extracted or {}).items()):
            ColumnFactory.create(table=self, key=key, type=type_, position=position)


class GroupFactory(factory.django.DjangoModelFactory[Group]):
    """A workflow column over existing columns: `outputs=[{"from": "result", "column": "key"}]`."""

    class Meta:
        model = Group
        skip_postgeneration_save = True

    table = factory.SubFactory(TableFactory)
    name = factory.Sequence(lambda n: f"Group {n}")
    workflow_id = 1
    bit = factory.LazyAttribute(lambda group: Group.objects.filter(table=group.table).count())

    @factory.post_generation
    def claim(self: Any, *_: Any) -> None:
        """The output columns are this group's."""
        keys = [output["column"] for output in self.outputs]
        Column.objects.filter(table=self.table, key__in=keys).update(group=self)


class ColumnFactory(factory.django.DjangoModelFactory[Column]):
    """A column at the right end."""

    class Meta:
        model = Column

    table = factory.SubFactory(TableFactory)
    key = factory.Sequence(lambda n: f"column_{n}")
    name = factory.LazyAttribute(lambda column: column.key.replace("_", " ").capitalize())
    type = "text"
    position = factory.LazyAttribute(lambda column: Column.objects.filter(table=column.table).count())


class RowFactory(factory.django.DjangoModelFactory[Row]):
    """A row at the end of its table. It does not keep `Table.row_count`: rows.insert does."""

    class Meta:
        model = Row

    table = factory.SubFactory(TableFactory)
    position = factory.LazyAttribute(lambda row: Row.objects.filter(table=row.table).count() + 1)
    data: Any = factory.Dict({})


class ImportFactory(factory.django.DjangoModelFactory[Import]):
    """A pending csv import into its table; `body` is the file. Its fields go to the columns of the same key."""

    class Meta:
        model = Import
        skip_postgeneration_save = True

    class Params:
        encoding = "utf-8"
        delimiter = ","

    table = factory.SubFactory(TableFactory)
    file_name = "people.csv"
    format = "csv"
    plan = factory.LazyAttribute(
        lambda source: {
            "encoding": source.encoding,
            "delimiter": source.delimiter,
            "fields": [[key, key] for key in Column.objects.filter(table=source.table).values_list("key", flat=True)],
        }
    )

    @factory.post_generation
    def body(self: Any, _create: bool, extracted: bytes | None, **_: Any) -> None:
        """The file's bytes, in chunks far smaller than those of an upload."""
        data = extracted or b""
        chunks.store(self.pk, [data[start : start + 1000] for start in range(0, len(data), 1000)])
