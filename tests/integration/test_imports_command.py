from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tableflow.tables.models import Import, Row, Table
from tests.factories import TableFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def cities(tmp_path: Path) -> Path:
    path = tmp_path / "cities.csv"
    path.write_text("name;size\nRome;1\nUlm;big\nBonn;2\n", encoding="utf-8")
    return path


def import_table(*arguments: object) -> str:
    out = StringIO()
    call_command("import_table", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_it_loads_in_its_own_process_and_prints_the_rejected_lines(cities: Path) -> None:
    UserFactory.create(username="admin", is_superuser=True)
    table = TableFactory.create(columns={"name": "text", "size": "number"})
    printed = import_table(cities, "--table", table.pk)
    assert Row.objects.filter(table=table).count() == 2
    assert "2 rows" in printed
    assert "1 lines rejected" in printed
    assert "'big' is no number" in printed


def test_it_makes_a_table_of_the_name(cities: Path) -> None:
    user = UserFactory.create(username="ann")
    import_table(cities, "--name", "Towns", "--user", "ann")
    table = Table.objects.get(name="Towns")
    assert (table.owner, table.row_count) == (user, 3)


def test_a_failed_import_is_an_error(cities: Path) -> None:
    UserFactory.create(is_superuser=True)
    table = TableFactory.create(columns={"name": "date"})
    with pytest.raises(CommandError, match="failed"):
        import_table(cities, "--table", table.pk, "--mode", "replace")
    assert Import.objects.get().status == "failed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--table", "999"], "no table 999"), (["--user", "nobody"], "no user 'nobody'"), ([], "no superuser")],
)
def test_what_is_missing_is_said(cities: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        import_table(cities, *arguments)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    UserFactory.create(is_superuser=True)
    with pytest.raises(CommandError, match="No such file"):
        import_table(tmp_path / "none.csv")
