"""Which step types there are: every folder beside this module."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from jsonschema.protocols import Validator

from cells import schemas, steps
from cells.steps.step import StepType


@functools.cache
def _types() -> dict[str, StepType]:
    packages = sorted(module.name for module in pkgutil.iter_modules(steps.__path__) if module.ispkg)
    types = [importlib.import_module(f"cells.steps.{name}").step_type() for name in packages]
    return {step_type.type: step_type for step_type in types}


@functools.cache
def config_validator(type_: str) -> Validator:
    """The validator of a known type's configs."""
    return schemas.validator(_types()[type_].config_schema)


def step_types() -> list[StepType]:
    """Every step type, by name."""
    return list(_types().values())


def find(type_: str) -> StepType | None:
    """The step type of that name; None when there is none."""
    return _types().get(type_)
