from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from dispatch.begin import MODES
from tests.api.conftest import document


def test_the_document_is_valid_and_without_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file), "--format", "openapi-json")
    assert json.loads(file.read_text())["openapi"] == "3.1.1"


def test_every_address_of_the_api_is_in_the_document() -> None:
    def addresses(resolver: Any, prefix: str) -> list[str]:
        found = []
        for pattern in resolver.url_patterns:
            path = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                found += addresses(pattern, path)
            elif isinstance(pattern, URLPattern):
                found.append(path)
        return found

    served = [path for path in addresses(get_resolver(), "/") if path.startswith("/api/v1/")]
    assert len(served) == len(document()["paths"]) > 25


def test_every_operation_says_what_it_answers_and_takes() -> None:
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["description"], where
            assert any(code.startswith("2") for code in operation["responses"]), where
            assert "401" in operation["responses"], where
            for code, answer in operation["responses"].items():
                assert code == "204" or answer["content"], f"{where} {code}"
            if method in ("put", "patch"):
                assert operation["requestBody"]["content"]["application/json"], where


def test_posts_that_make_or_start_something_take_an_idempotency_key() -> None:
    taking = {
        path
        for path, operations in document()["paths"].items()
        if any(p["name"] == "Idempotency-Key" for p in operations.get("post", {}).get("parameters", ()))
    }
    assert taking == {
        f"/api/v1/{path}/"
        for path in (
            "approvals/{approval_id}",
            "dispatches/{dispatch_id}/resume",
            "tables/{table_id}/resume-runs",
            "dispatches/{dispatch_id}/run-failed",
            "imports",
            "tables",
            "tables/{table_id}/columns",
            "tables/{table_id}/columns/{key}/restore",
            "tables/{table_id}/dispatches",
            "tables/{table_id}/groups",
            "tables/{table_id}/groups/try",
            "tables/{table_id}/imports",
            "tables/{table_id}/rows",
            "tables/{table_id}/rows/upsert",
            "tables/{table_id}/views",
            "tables/{table_id}/rows/{row_id}/executions/{group_id}/newest-version",
            "workers",
            "workers/{name}/stop",
            "workflows",
            "workflows/{workflow_id}/test",
        )
    }


def test_the_modes_of_a_new_dispatch_are_those_that_can_be_begun() -> None:
    mode = document()["components"]["schemas"]["NewDispatch"]["properties"]["mode"]
    assert mode["enum"] == list(MODES)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_the_document_and_its_page_are_open(path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 200
    assert response.content


def test_the_page_of_the_document_fetches_nothing_from_elsewhere() -> None:
    page = Client().get("/api/docs/").content.decode()
    assert "//cdn" not in page
    assert "https://" not in page
