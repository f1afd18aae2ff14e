"""How a child process is tied to its parent, and how what a killed parent left behind is found and ended."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tableflow.embedded.errors import CannotStart

# Set in the environment of every part that `make up` starts; its value is the data folder.
MARK = "TABLEFLOW_PART_OF"


def leash(stop_signal: str, *options: str) -> list[str]:
    """The start of a command line whose process gets `stop_signal` (INT, TERM …) when its parent dies."""
    setpriv = shutil.which("setpriv", path=os.environ.get("PATH", "") + ":/usr/bin:/bin")
    if setpriv is None:
        raise CannotStart("The command setpriv is missing: install the package util-linux.")
    return [setpriv, *options, "--pdeathsig", stop_signal]


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not yet collected by its parent does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def marked(home: Path) -> list[int]:
    """The processes which a `make up` of this data folder started and that still run."""
    mark = f"{MARK}={home}".encode()
    return [pid for pid in _pids() if mark in _environment(pid) and pid != os.getpid() and alive(pid)]


def end(pids: Iterable[int], stop_signal: signal.Signals, *, seconds: float) -> None:
    """Ask the processes to end, wait up to `seconds` for it, then kill those that did not."""
    pids = list(pids)
    _signal(pids, stop_signal)
    if not wait_until(lambda: not any(map(alive, pids)), seconds=seconds):
        _signal(pids, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, pids)), seconds=2)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether the condition came true within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []  # It ended meanwhile, or it is another user's.
