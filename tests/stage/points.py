"""Named points at which a test holds a part: just before or just after a function of the engine is called.

The part learns the functions from its environment (`environment` makes it). It is held at a point as long as the
test has its file there (`Points.hold`); otherwise nothing changes.
"""

from __future__ import annotations

import functools
import importlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = "STAGE_POINTS_FOLDER"
NAMES = "STAGE_POINTS"
TICK = 0.005


@dataclass(frozen=True)
class Points:
    """The test's end: a folder, in which a file says where to hold, and another who came there."""

    folder: Path

    def environment(self, *names: str) -> dict[str, str]:
        """The variables for a part that can be held at these functions, each named with its module."""
        return {FOLDER: str(self.folder), NAMES: ",".join(names)}

    def hold(self, point: str) -> None:
        """Hold whoever comes to `before <function>` or `after <function>` from now on."""
        (self.folder / point).touch()

    def release(self, point: str) -> None:
        """Let them go on."""
        (self.folder / point).unlink()

    def reached(self, point: str) -> list[int]:
        """The processes that were held there, one for each time."""
        path = self.folder / f"{point} reached"
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def take_up(environ: Mapping[str, str] = os.environ) -> None:
    """Put the points that the environment names around this process's functions."""
    for name in environ.get(NAMES, "").split(",") if NAMES in environ else ():
        module, _, function = name.rpartition(".")
        home = importlib.import_module(module)
        setattr(home, function, _between(getattr(home, function), name, Path(environ[FOLDER])))


def _between(call: Callable[..., Any], name: str, folder: Path) -> Callable[..., Any]:
    @functools.wraps(call)
    def held(*args: Any, **kwargs: Any) -> Any:
        _pass(folder, f"before {name}")
        given = call(*args, **kwargs)
        _pass(folder, f"after {name}")
        return given

    return held


def _pass(folder: Path, point: str) -> None:
    if not (folder / point).exists():
        return
    with (folder / f"{point} reached").open("a") as file:
        file.write(f"{os.getpid()}\n")
    while (folder / point).exists():
        time.sleep(TICK)
