"""Workers that come, are told to end, and leave: what they run is ended or handed back, and nothing of them stays."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cells import workers
from cells.models import CLAIMED, Attempt, Execution, Worker
from dispatch.begin import begin
from tableflow import pulse
from tableflow.embedded import processes
from tableflow.tables.models import Table
from tests import scenes
from tests.faults.company import Company
from tests.faults.laws import Gate
from tests.faults.test_up import Up, port, start  # noqa: F401  (fixtures)

pytestmark = pytest.mark.timeout(600)


def gates(folder: Path, count: int) -> dict[int, Gate]:
    """A gate for each row of a table, by its number."""
    for number in range(1, count + 1):
        (folder / str(number)).mkdir()
    return {number: Gate(folder / str(number)) for number in range(1, count + 1)}


def behind_gates(table: Table, folder: Path) -> Any:
    """A group whose cells wait each at the gate of its row."""
    arguments = {"folder": f"{folder}/{{{{ inputs.n }}}}", "key": "{{ inputs.n }}"}
    step = {"id": "gate", "type": "python", "config": {"function": "stage.take_token", "arguments": arguments}}
    return scenes.group(table, scenes.workflow(table, [step], "{{ steps.gate }}"), type="text", concurrency=4)


def shown(name: str) -> dict[str, Any]:
    """A worker as the list has it."""
    return workers.described([workers.known(name)], Table.objects.all())[0]


def test_a_worker_that_drains_ends_short_cells_and_hands_long_ones_back(
    company: Company, db: None, tmp_path: Path
) -> None:
    (first,) = company.only(1)
    table = scenes.table(2)
    group = behind_gates(table, tmp_path)
    at = gates(tmp_path, 2)
    dispatch = begin(table.pk)
    scenes.until(lambda: at[1].arrived(first.pid) and at[2].arrived(first.pid), "the first worker runs both cells")
    name = Worker.objects.get(pid=first.pid).name
    scenes.until(lambda: shown(name)["cells_running"] == 2, "its heartbeat says so")
    assert shown(name)["tables"] == [{"table": table.pk, "name": "Numbers", "cells": 2}]
    _, second = company.workers(2)

    first.terminate()
    scenes.until(lambda: "Warm shutdown" in first.log, "the first worker knows")
    at[1].open()
    assert first.stop() == 0
    assert not Worker.objects.filter(name=name).exists()
    short = Execution.objects.get(group=group, position__lt=2)
    assert short.status == "completed"
    assert Attempt.objects.get(execution=short).worker_name == name
    long = Execution.objects.get(group=group, position__gt=1)
    assert long.status != "completed"
    assert not Execution.objects.filter(status__in=CLAIMED).exclude(worker__in=Worker.objects.values("pk")).exists()

    scenes.until(lambda: at[2].arrived(second.pid), "the second worker runs the long cell")
    at[2].open()
    scenes.until_ended(dispatch)
    long.refresh_from_db()
    assert (long.status, long.losses) == ("completed", 0)
    (attempt,) = Attempt.objects.filter(execution=long)
    assert attempt.worker_name == Worker.objects.get(pid=second.pid).name
    assert at[1].arrived() == [1]
    assert dispatch.completed == 2


def test_a_worker_that_is_asked_through_its_row_ends_by_itself_and_the_last_takes_the_ticks_with_it(
    company: Company, db: None
) -> None:
    first, second = company.only(2)
    pulse.beat_seen()
    for part, ticks in ((first, True), (second, False)):
        worker = Worker.objects.get(pid=part.pid)
        workers.ask_to_end(worker)
        assert part.process.wait(30) == 0
        assert "was asked to end" in part.log
        assert not Worker.objects.filter(name=worker.name).exists()
        assert pulse.beat_alive() is ticks


@pytest.fixture
def silence() -> Iterator[str]:
    """An address that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


class Boss:
    """The first user of a `make up`, who speaks to its API."""

    def __init__(self, url: str, token: str) -> None:
        self._base = url + "/api/v1/"
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's body; every answer is a success."""
        answer = self._sent(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def workers(self) -> dict[str, Any]:
        """The workers by name."""
        return {worker["name"]: worker for worker in self.ask("GET", "workers/")["results"]}

    def refused(self, method: str, path: str) -> Any:
        """The code of the error with which this is refused."""
        answer = self._sent(method, path)
        assert answer.status_code == 409, answer.text
        return answer.json()["errors"][0]["code"]

    def _sent(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        return httpx2.request(method, self._base + path, headers=self._headers, json=body, timeout=60)

    def run_cells_that_hang(self, url: str) -> int:
        """Run a table of three rows whose cells call this address; gives its id."""
        table = self.ask("POST", "tables/", {"name": "Calls", "columns": [{"name": "n", "type": "number"}]})["id"]
        self.ask("POST", f"tables/{table}/rows/", {"rows": [{"data": {"n": n}} for n in range(3)]})
        step = {"id": "call", "type": "http", "config": {"method": "GET", "url": url, "timeout": 300}}
        work = {"name": "call", "inputs": ["n"], "steps": [step], "outputs": {"out": "{{ steps.call.status }}"}}
        workflow = self.ask("POST", "workflows/", work)["id"]
        out = {"from": "out", "column": {"name": "Out", "type": "number"}}
        self.ask("POST", f"tables/{table}/groups/", {"workflow": workflow, "inputs": {"n": "n"}, "outputs": [out]})
        self.ask("POST", f"tables/{table}/dispatches/", {})
        return int(table)


def asked(up: Up, question: str) -> str:
    """What Django's shell prints, on the database of a `make up` that has ended."""
    answer: subprocess.CompletedProcess[str] = up.manage("shell", "-v0", "-c", question)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_workers_are_launched_and_stopped_and_make_up_leaves_none_of_them_behind(
    start: Callable[..., Up],  # noqa: F811
    silence: str,
) -> None:
    up = start(HTTP_ALLOW_PRIVATE_NETWORKS="1")
    boss = Boss(up.ready()["url"], up.manage("createtoken", "admin").stdout.strip())
    before = set(boss.workers())

    launched = boss.ask("POST", "workers/")["name"]
    scenes.until(lambda: boss.workers().get(launched, {}).get("status") == "active", "it is at work", 120)
    assert set(boss.workers()) == {*before, launched}
    assert boss.refused("DELETE", f"workers/{launched}/") == "worker_alive"
    assert boss.ask("POST", f"workers/{launched}/stop/")["status"] == "draining"
    scenes.until(lambda: launched not in boss.workers(), "it has left")
    scenes.until(lambda: collected(launched), "its process has ended")

    beside = next(name for name in before if name.startswith("express-"))
    boss.ask("POST", f"workers/{beside}/stop/")
    scenes.until(lambda: beside not in boss.workers(), "a worker of the first hour has left")
    scenes.until(lambda: collected(beside), "its process has ended")
    again = boss.ask("POST", "workers/")["name"]
    assert again.startswith("express-"), "what is missed is started first"
    killed = boss.ask("POST", "workers/")["name"]
    assert killed.startswith("extra-1@")
    scenes.until(lambda: {again, killed} <= set(boss.workers()), "both are at work", 120)
    processes.end([number(killed)], signal.SIGKILL, seconds=5)
    scenes.until(lambda: boss.workers()[killed]["status"] == "lost", "it is found lost")
    assert boss.refused("POST", f"workers/{killed}/stop/") == "worker_lost"
    boss.ask("DELETE", f"workers/{killed}/")
    assert killed not in boss.workers()

    table = boss.run_cells_that_hang(silence)
    calls = [{"table": table, "name": "Calls", "cells": 3}]
    scenes.until(
        lambda: calls in [worker["tables"] for worker in boss.workers().values()], "it says who runs the cells"
    )
    assert up.stop() == 0
    assert "had ended and was started again" in up.output, "the killed one was"
    log = (up.home / "logs" / "supervisord.log").read_text()
    assert log.count("spawned: 'express'") == 2, "the stopped one was started again when it was asked for"
    assert asked(up, "from cells.models import Worker; print(Worker.objects.count())") == "0"
    held = "from cells.models import Execution; print(*Execution.objects.values_list('status', 'losses'))"
    assert asked(up, held) == "('pending', 0) ('pending', 0) ('pending', 0)"
    doctor = up.manage("doctor")
    assert doctor.returncode == 1
    assert "WRONG  workers" in doctor.stdout
    assert "WRONG  beat" in doctor.stdout


def collected(name: str) -> bool:
    """Whether the process of a worker has ended, and supervisord has taken note of it."""
    return not Path(f"/proc/{number(name)}").exists()


def number(name: str) -> int:
    """The process of a worker, which its name tells."""
    return int(name.rpartition(".")[2])
