"""The calls that README.md makes with curl, in their order."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from tableflow.tables import schema
from tests.api.conftest import Api


@pytest.fixture
def session() -> str:
    page = (settings.BASE_DIR / "README.md").read_text()
    return page.partition("### The same with curl")[2].partition("```sh\n")[2].partition("```")[0]


@pytest.fixture
def calls(session: str) -> dict[str, Any]:
    """The bodies that are posted, by the last part of the address."""
    found = re.findall(r"^json -d '(.*?)' \$at/(\S+)", session, re.DOTALL | re.MULTILINE)
    return {path.rstrip("/").rpartition("/")[2]: json.loads(body) for body, path in found}


@pytest.fixture
def table(session: str, api: Api) -> str:
    """The address of the table that the file of the page becomes."""
    content = re.findall(r"^printf '(.*?)' >", session, re.MULTILINE)[0].replace("\\n", "\n").encode()
    answer = api.upload("imports/", {"file": SimpleUploadedFile("sites.csv", content), "name": "Sites"})
    assert answer.status_code == 202
    return f"tables/{answer.json()['table']}"


def test_the_workflow_column_of_the_page_is_made_run_and_stopped(calls: dict[str, Any], table: str, api: Api) -> None:
    made = api.post("workflows/", calls["workflows"])
    assert made.status_code == 201
    group = api.post(f"{table}/groups/", {**calls["groups"], "workflow": made.json()["id"]})
    assert group.status_code == 201
    assert api.post(f"{table}/dispatches/", calls["dispatches"]).status_code == 202
    assert api.get(f"{table}/rows/").status_code == 200
    assert api.post(f"{table}/cancel-runs/", calls["cancel-runs"]).status_code == 200


def test_the_workflow_of_the_page_gives_the_domain(calls: dict[str, Any], api: Api) -> None:
    made = api.post("workflows/", calls["workflows"]).json()
    tried = api.post(f"workflows/{made['id']}/test/", {"inputs": {"address": "https://www.bbc.co.uk/news"}}).json()
    assert tried["outputs"] == {"domain": "bbc.co.uk"}


def test_the_file_of_the_page_has_the_columns_that_it_speaks_of(table: str) -> None:
    assert schema.load(int(table.rpartition("/")[2])).keys == ("name", "site")
