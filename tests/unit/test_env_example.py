"""`.env.example` lists what the code reads, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

READERS = {"text", "integer", "boolean", "words", "choice"}
FOLDERS = ("tableflow", "cells", "dispatch")
DEFAULTS = {True: "1", False: "0"}


def example() -> dict[str, str]:
    lines = (settings.BASE_DIR / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def readings() -> Iterator[tuple[str, str | None]]:
    """Each name that the code reads with its default: None when the code has no plain one."""
    for folder in FOLDERS:
        for path in (settings.BASE_DIR / folder).rglob("*.py"):
            yield from _of_file(path)


def _of_file(path: Path) -> Iterator[tuple[str, str | None]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        called = ast.unparse(node.func)
        if called in {f"env.{reader}" for reader in READERS} or (path.name == "env.py" and called in READERS):
            yield str(node.args[0].value), _default(node)
        elif called == "secrets.read":
            yield str(node.args[0].value), None


def _default(node: ast.Call) -> str | None:
    given = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "default")]
    if not given or not isinstance(given[0], ast.Constant):
        return None
    value = given[0].value
    return DEFAULTS[value] if isinstance(value, bool) else str(value)


def test_every_setting_that_the_code_reads_is_listed_and_no_other() -> None:
    assert {name for name, _ in readings()} == set(example())


def test_the_listed_values_are_the_defaults() -> None:
    listed = example()
    assert {name: default for name, default in readings() if default is not None} == {
        name: value for name, value in listed.items() if value
    }


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEY", "DATABASE_URL", "TABLEFLOW_ADMIN_PASSWORD"])
def test_no_secret_has_a_default(name: str) -> None:
    assert example()[name] == ""
