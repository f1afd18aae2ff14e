"""The logs of workers: whose they are, how much of them is read, and what is taken out of their lines."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cells.models import Worker
from tableflow.embedded import processes
from tableflow.supervisor import logs

NOBODY = 2**22 + 1
"""A process id that Linux gives to none."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the logs are; this process is a part of the `make up` of the folder around it."""
    monkeypatch.setenv(processes.MARK, str(tmp_path))
    made = tmp_path / "logs"
    made.mkdir()
    return made


def worker(name: str, *, pid: int = NOBODY, host: str | None = None) -> Worker:
    return Worker(name=name, host=host or socket.gethostname(), pid=pid)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of that `make up`."""
    wait = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    env = {**os.environ, processes.MARK: str(tmp_path)}
    with subprocess.Popen(wait, stdin=subprocess.PIPE, env=env) as started:
        yield started
        started.kill()


def test_each_worker_has_the_log_of_its_own_place(folder: Path, process: subprocess.Popen[bytes]) -> None:
    for name in ("worker_1", "worker_2", "extra_12", "control", "express", "web_1"):
        (folder / f"{name}.log").write_text(f"of {name}\n")
    found = {
        name: logs.tail(worker(f"{name}@here.1", pid=process.pid))
        for name in ("worker-1", "worker-2", "extra-12", "control-1", "express-1", "extra-1", "web-1", "control-2")
    }
    assert found == {
        "worker-1": ["of worker_1"],
        "worker-2": ["of worker_2"],
        "extra-12": ["of extra_12"],
        "control-1": ["of control"],
        "express-1": ["of express"],
        "extra-1": None,
        "web-1": None,
        "control-2": None,
    }


def test_where_there_were_more_copies_once_the_log_that_is_written_counts(folder: Path) -> None:
    (folder / "worker_1.log").write_text("of old\n")
    os.utime(folder / "worker_1.log", (1, 1))
    (folder / "worker.log").write_text("of now\n")
    assert logs.tail(worker("worker-1@here.1")) == ["of now"]


def test_a_log_of_another_machine_or_of_another_make_up_is_not_read(
    folder: Path, process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "worker_1.log").write_text("of ours\n")
    assert logs.tail(worker("worker-1@here.1")) == ["of ours"]
    assert logs.tail(worker("worker-1@there.1", host="there")) is None
    assert logs.tail(worker("worker-1@here.1", pid=process.pid)) == ["of ours"]
    assert logs.tail(worker("worker-1@here.1", pid=1)) is None
    monkeypatch.delenv(processes.MARK)
    assert logs.tail(worker("worker-1@here.1")) is None


@pytest.mark.parametrize("name", ["worker", "worker-1", "../worker-1@here", "worker-../1@here", "beat-1@here", ""])
def test_a_name_that_make_up_does_not_give_has_no_log(folder: Path, name: str) -> None:
    (folder / "worker_1.log").write_text("of ours\n")
    assert logs.tail(worker(name)) is None


def test_only_the_end_of_a_log_is_read(folder: Path) -> None:
    log = folder / "worker_1.log"
    log.write_bytes(b"first\n" + b"x" * (logs.MOST_BYTES - 5) + b"\nlast\n")
    assert logs.tail(worker("worker-1@here.1")) == ["last"]
    log.write_bytes(b"first\nsecond")
    assert logs.tail(worker("worker-1@here.1")) == ["first", "second"]
    assert logs.tail(worker("worker-1@here.1"), 1) == ["second"]
    log.write_text("\n" * 5_000)
    assert logs.tail(worker("worker-1@here.1"), 10**9) == [""] * logs.MOST_LINES
    log.write_bytes(b"")
    assert logs.tail(worker("worker-1@here.1")) == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m, \xc2\x9b2Jcleared", "red, cleared"),
        (b"\x1b]0;a title\x07after, \x1b]8;;http://x\x1b\\link", "after, link"),
        (b"a\tb\rc\x00d\x7fe\x08f", "a\tb cdef"),
        (b"caf\xc3\xa9 \xff", "caf\xe9 \ufffd"),
        ("one\u2028two \u202eback\u202c".encode(), "one two back"),
    ],
)
def test_what_would_steer_a_terminal_is_taken_out(folder: Path, written: bytes, shown: str) -> None:
    (folder / "worker_1.log").write_bytes(written + b"\n")
    assert logs.tail(worker("worker-1@here.1")) == [shown]
