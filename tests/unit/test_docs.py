"""What the documents name exists: files, links, commands, settings, endpoints, metrics, constants, verbs, tests."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from cells import lifecycle as cells_lifecycle
from cells.models import Status
from cells.steps.registry import step_types
from dispatch import begin
from dispatch import lifecycle as dispatch_lifecycle
from dispatch.models import DispatchStatus
from tableflow.health import metrics

ROOT: Path = settings.BASE_DIR
CHANGELOG, ARCHITECTURE = ROOT / "CHANGELOG.md", ROOT / "docs" / "architecture.md"
DOCUMENTS = sorted([ROOT / "README.md", CHANGELOG, *(ROOT / "docs").glob("*.md")])
OWN_NAMES = {
    "INSTALLED_APPS",
    "DJANGO_SETTINGS_MODULE",
    "TABLEFLOW_TOKEN",
    "TABLEFLOW_URL",
    "TOKEN",
    "END",
    "USER",
    "ARGS",
}
API = "/api/v1"
FOLDERS = ("tableflow", "cells", "dispatch", "tests", "docs")
# Folders of the documents' own examples, and of what the data folder holds.
EXAMPLES = ("cells/steps/fingerprint",)

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)


def text(document: Path) -> str:
    return document.read_text()


def code(document: Path) -> Iterator[str]:
    """What stands between backticks, a span or a block at a time."""
    source = text(document)
    yield from re.findall(r"^```\w*\n(.*?)^```", source, re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", source, flags=re.DOTALL | re.MULTILINE))


def named(document: Path, pattern: str) -> list[str]:
    return sorted({found for piece in code(document) for found in re.findall(pattern, piece)})


@every_document
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text(document))
    assert [link for link in links if not (document.parent / link).exists()] == []


@every_document
def test_headings_that_are_linked_exist(document: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", text(document)):
        there = text(document.parent / target) if target else text(document)
        headings = [
            re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-")
            for line in re.findall(r"^#+ (.*)$", there, re.MULTILINE)
        ]
        assert anchor in headings


@every_document
def test_paths_exist(document: Path) -> None:
    paths = named(document, rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w./-]*")
    missing = [path for path in paths if not (ROOT / path.rstrip(".")).exists()]
    assert [path for path in missing if not path.startswith(EXAMPLES)] == []


@every_document
def test_tests_that_are_named_exist(document: Path) -> None:
    for file, name in re.findall(r"(tests/[\w/]+\.py)::(\w+)", text(document)):
        functions = {
            node.name for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)
        }
        assert name in functions, f"{file} has no test {name}"


@every_document
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(named(document, r"(?<![\w/])make ([a-z]+)")) <= targets


@every_document
def test_management_commands_and_their_options_exist(document: Path) -> None:
    known = get_commands()
    for line in named(document, r"manage\.py ([a-z_]+[^\n`]*)"):
        name, *words = line.split("#")[0].split()
        assert name in known, f"there is no command {name}"
        command = load_command_class(str(known[name]), name)
        options = {
            option for action in command.create_parser("manage.py", name)._actions for option in action.option_strings
        }
        assert {word for word in words if word.startswith("--")} <= options, line


@every_document
def test_settings_exist(document: Path) -> None:
    listed = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    listed |= set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    spans = {name for piece in code(document) for name in re.findall(r"^([A-Z]+_[A-Z_]+|[A-Z]{4,}=)", piece)}
    assigned = set(named(document, r"(?<![\w.\"$])([A-Z][A-Z_]{3,})=(?!\")"))
    assert ({name.rstrip("=") for name in spans} | assigned) - listed - OWN_NAMES == set()


@every_document
def test_endpoints_exist(document: Path) -> None:
    for path in named(
        document, r"(?:GET|POST|PUT|PATCH|DELETE)? ?((?<![\w.])/(?:api|demo|admin|healthz|readyz|metrics)[\w/{}<>-]*)"
    ):
        try:
            if path.rstrip("/") != API:
                resolve(re.sub(r"\{\w+\}", "1", path))
        except Resolver404:
            pytest.fail(f"there is nothing at {path}")


@every_document
def test_calls_of_the_readme_exist(document: Path) -> None:
    for path in named(document, r"\$at(/[\w/-]*)"):
        resolve(API + path)


@every_document
def test_celery_and_uvicorn_are_pointed_at_what_is_there(document: Path) -> None:
    for module, name in named_pairs(document, r"(?:-A|uvicorn) (tableflow\.\w+):(\w+)"):
        assert hasattr(importlib.import_module(module), name)


def named_pairs(document: Path, pattern: str) -> set[tuple[str, str]]:
    return {found for piece in code(document) for found in re.findall(pattern, piece)}


@every_document
def test_constants_have_the_values_that_are_told(document: Path) -> None:
    for path, value, unit in re.findall(r"^\| `([\w.]+\.[A-Z_]+)` \| (\d+)( s)? \|", text(document), re.MULTILINE):
        module, _, name = path.rpartition(".")
        found = getattr(importlib.import_module(module), name)
        seconds = found.total_seconds() if isinstance(found, timedelta) else found
        assert seconds == int(value), path
        assert bool(unit) == isinstance(found, timedelta | float)


@every_document
def test_metrics_exist(document: Path) -> None:
    source = Path(str(metrics.__file__)).read_text()
    assert {name for name in named(document, r"^(tableflow_[a-z_]+)$") if f'"{name}"' not in source} == set()


@pytest.mark.parametrize(
    ("number", "statuses", "module", "others"),
    [
        (0, {*Status.values, "ended"}, cells_lifecycle, set()),
        (1, set(DispatchStatus.values), dispatch_lifecycle, {"begin"}),
    ],
    ids=["executions", "dispatches"],
)
def test_state_diagrams_use_the_real_states_and_verbs(
    number: int, statuses: set[str], module: object, others: set[str]
) -> None:
    diagram = re.findall(r"```mermaid\n(.*?)```", text(ARCHITECTURE), re.DOTALL)[number]
    edges = re.findall(r"^ +(\S+) --> (\S+): (.*)$", diagram, re.MULTILINE)
    assert {state for left, right, _ in edges for state in (left, right)} <= statuses | others | {"[*]"}
    verbs = {verb for _, _, label in edges for verb in re.sub(r"\(.*?\)", "", label).replace(",", " ").split()}
    assert [verb for verb in verbs - others if not hasattr(module, verb)] == []


def test_every_verb_of_executions_is_described() -> None:
    table = text(ARCHITECTURE).partition("| verb | from |")[2].partition("\n\n")[0]
    described = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    public = {
        node.name
        for node in ast.parse(Path(str(cells_lifecycle.__file__)).read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert public - described == {"fenced", "forget"}
    assert described <= public


def test_the_changelog_lists_every_step_type_and_mode() -> None:
    listed = re.search(r"lists of steps: (.*?), each", text(CHANGELOG), re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`(\w+)`", listed[1])) == {step_type.type for step_type in step_types()}
    modes = re.search(r"Modes: ([\w, ]+)\.", text(CHANGELOG))
    assert modes is not None
    assert set(modes[1].split(", ")) == {str(mode) for mode in begin.MODES}


@every_document
def test_the_json_of_the_documents_is_json(document: Path) -> None:
    for block in re.findall(r"^```json\n(.*?)^```", text(document), re.DOTALL | re.MULTILINE):
        json.loads(block)
