"""The workers that `make up` runs on this machine: one more, or one less. Asked by its web process."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from xmlrpc.client import Fault

from cells import workers
from cells.models import Worker
from tableflow.embedded import processes
from tableflow.errors import Conflict
from tableflow.supervisor import parts
from tableflow.supervisor.remote import UNREACHABLE, Remote, State


def is_ours() -> bool:
    """Whether this process is a part of a `make up`: then supervisord is there to be asked."""
    return processes.MARK in os.environ


def launch() -> str:
    """Start one more worker; gives the name under which it will be listed.

    One that somebody has stopped is started again first; then one more for cells is. Raises Conflict outside
    `make up`, and when there are enough.
    """
    if not is_ours():
        raise Conflict(
            "Workers are launched here only where make up runs the system. Start one by hand, on any machine: "
            "celery -A tableflow.celery:app worker -P threads -Q draws",
            "not_embedded",
        )
    try:
        return _launch(Remote(_home()))
    except (*UNREACHABLE, Fault) as error:
        raise Conflict(f"The supervisor could not start a worker: {error}. Ask again in a moment.", "busy") from error


def stop(name: str) -> Worker:
    """Stop the worker of this name, wherever it runs: it takes no more, and ends. Gives it.

    Raises NotFound, and Conflict when it is lost. Asked again it changes nothing.
    """
    worker = workers.alive_one(name)
    end(worker.host, worker.pid)  # first: one that has ended already, supervisord would start again
    workers.ask_to_end(worker)
    return worker


def end(host: str, pid: int) -> None:
    """Have supervisord end this process, and not start it again. Nothing happens when it is none of its workers."""
    if not is_ours() or host != socket.gethostname():
        return
    remote = Remote(_home())
    try:
        for state in remote.states():
            if state.pid == pid and state.group in parts.WORKER_GROUPS:
                remote.stop(state.place)
    except (*UNREACHABLE, Fault) as error:
        raise Conflict(f"The supervisor could not stop it: {error}. Ask again in a moment.", "busy") from error


def _launch(remote: Remote) -> str:
    states = remote.states()
    if not states:
        raise Conflict("The supervisor does not answer. Ask again in a moment.", "busy")
    for state in sorted(filter(_may_start, states), key=_turn):
        started = remote.start(state.place)
        if started is not None:
            node = f"{parts.node(started.group, started.number)}@{socket.gethostname()}"
            return workers.name_of(node, started.pid)
    raise Conflict(f"{parts.EXTRA_WORKERS} workers were launched already: stop one first.", "too_many")


def _may_start(state: State) -> bool:
    return state.stopped and state.group in parts.WORKER_GROUPS


def _turn(state: State) -> tuple[int, int]:
    return parts.WORKER_GROUPS.index(state.group), state.number


def _home() -> Path:
    return Path(os.environ[processes.MARK])
