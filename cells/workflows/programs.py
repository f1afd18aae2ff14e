"""Compiled workflow versions, kept: a version never changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cells.models import WorkflowVersion
from cells.workflows.definition import Program, compile_program


@dataclass(frozen=True)
class Compiled:
    """A version ready to run."""

    id: int
    number: int
    program: Program


@lru_cache(maxsize=256)
def compiled(version_id: int) -> Compiled | None:
    """The version of that id; None when it is gone."""
    version = WorkflowVersion.objects.filter(pk=version_id).first()
    if version is None:
        return None
    return Compiled(version.pk, version.number, compile_program(version.inputs, version.steps, version.outputs))
