"""The logs of the workers that `make up` runs on this machine, read by its web process."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from cells.models import Worker
from tableflow.embedded import processes
from tableflow.plain import plain
from tableflow.supervisor import crew, parts

MOST_LINES = 1_000
MOST_BYTES = 256 * 1024
NAME = re.compile(rf"({'|'.join(parts.WORKER_GROUPS)})-(\d+)@")


def tail(worker: Worker, lines: int = 200) -> list[str] | None:
    """The last lines of the log in which the worker's process writes, without control characters.

    At most MOST_LINES, out of its last MOST_BYTES. The log goes on from process to process of a part: what stands
    before the worker's start is another's. None: its log is not on this machine.
    """
    file = _file(worker)
    if file is None:
        return None
    written = _end(file).decode(errors="replace").removesuffix("\n")
    found = written.split("\n") if written else []
    return [plain(line, kept="\t") for line in found[-min(lines, MOST_LINES) :]]


def _file(worker: Worker) -> Path | None:
    """The file that supervisord keeps for the part whose copy the worker is."""
    named = NAME.match(worker.name)
    if named is None or not crew.is_ours() or worker.host != socket.gethostname():
        return None
    home = Path(os.environ[processes.MARK])
    if processes.alive(worker.pid) and worker.pid not in processes.marked(home):
        return None  # another data folder's, or started by hand
    part, number = named.groups()
    names = [f"{part}_{number}", part] if number == "1" else [f"{part}_{number}"]
    files = [file for name in names if (file := home / "logs" / f"{name}.log").is_file()]
    return max(files, key=lambda file: file.stat().st_mtime, default=None)


def _end(file: Path) -> bytes:
    """The whole lines among the last MOST_BYTES of the file."""
    with file.open("rb") as log:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - MOST_BYTES))
        written = log.read(MOST_BYTES)
    return written.partition(b"\n")[2] if size > MOST_BYTES else written
