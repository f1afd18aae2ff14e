"""Cells that stand at a gate until the test opens it: a folder, where they leave marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tableflow.tables.models import Group, Table
from tests import scenes


def gated(table: Table, folder: Path, **options: Any) -> Group:
    """A group whose cells stand at a gate in the folder until it holds a file `open`; each gives its row's `n`."""
    step = {
        "id": "gate",
        "type": "python",
        "config": {
            "function": "stage.pass_gate",
            "arguments": {"folder": str(folder), "key": "{{ inputs.n }}"},
        },
    }
    return scenes.group(table, scenes.workflow(table, [step], "{{ inputs.n }}"), **options)


def marks(folder: Path, name: str) -> list[str]:
    """The marks that cells left, without the process ids: the `n` of those that `arrived`, or have `passed`."""
    path = folder / name
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []
