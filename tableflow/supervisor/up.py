"""`make up`, from the first check to the last child's end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tableflow import endpoints, env
from tableflow.embedded import folders, ownership, processes, servers
from tableflow.embedded.errors import CannotStart
from tableflow.supervisor import configuration, leftovers, parts, ready
from tableflow.supervisor.daemon import Daemon
from tableflow.supervisor.remote import State
from tableflow.supervisor.stop import StopRequest

ROOT = Path(__file__).resolve().parent.parent.parent
SERVER_SECONDS = 60
READY_SECONDS = 180
USERS_STOP_SECONDS = parts.WORKER_GRACE_SECONDS + 1.0
SERVERS_STOP_SECONDS = 5.0
GLANCE_SECONDS = 0.5


class Stopped(Exception):
    """Somebody asked to stop before everything had started."""


def up(stop: StopRequest) -> None:
    """Start everything, say when it is ready, and keep it running until asked to stop. Raises CannotStart."""
    home = env.home()
    folders.private(home / "run")
    try:
        with ownership.owner(home, f"make up (process {os.getpid()})"):
            _run(home, stop)
    except ownership.Owned as owned:
        raise CannotStart(
            f"the data folder {home} is in use by {owned}: stop that first, or choose another with TABLEFLOW_HOME."
        ) from None
    except Stopped:
        return


def _run(home: Path, stop: StopRequest) -> None:
    leftovers.end(home)
    address = ready.Address.from_environment()
    address.check_free()
    needed = servers.needed(home)
    _say("starting " + ", ".join([*(server.name for server in needed), "web, workers and beat"]))
    for server in needed:
        server.prepare()
    environment = {**os.environ, processes.MARK: str(home), "TABLEFLOW_HOME": str(home)}
    users = [parts.web(), parts.worker(), parts.control(), parts.express(), parts.beat(home)]
    file = configuration.write(home, [*map(parts.server, needed), *users, parts.extra()], ROOT)
    with _daemon(home, file, environment) as daemon:
        _wait_for_servers(home, daemon, needed, stop)
        password = _prepare(home, environment, stop)
        daemon.start(part.name for part in users)
        _wait_until_ready(home, daemon, address, stop)
        shown = password if password is not None else "(as set on the first start)"
        _say(f"ready  {address.shown}  user: admin  password: {shown}")
        _watch(home, daemon, stop)
        _say("stopping")


@contextmanager
def _daemon(home: Path, file: Path, environment: dict[str, str]) -> Iterator[Daemon]:
    daemon = Daemon(home, file, environment)
    try:
        yield daemon
    finally:
        daemon.stop(users_seconds=USERS_STOP_SECONDS, servers_seconds=SERVERS_STOP_SECONDS)
        endpoints.forget(home)
        leftovers.end(home, seconds=0.5)


def _wait_for_servers(home: Path, daemon: Daemon, needed: list[servers.Server], stop: StopRequest) -> None:
    for server in needed:
        deadline = time.monotonic() + SERVER_SECONDS
        while not server.ready():
            _check(home, daemon, stop)
            if time.monotonic() > deadline:
                raise CannotStart(f"{server.name} does not answer; see {home / 'logs' / server.name}.log")
            time.sleep(0.05)
    servers.record(home, needed)


def _prepare(home: Path, environment: dict[str, str], stop: StopRequest) -> str | None:
    """Migrate, make the first user and the demo; gives the first user's password on the first start."""
    log = home / "logs" / "prepare.log"
    command = [*processes.leash("TERM"), sys.executable, str(ROOT / "manage.py"), "prepare"]
    with log.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )
    while process.poll() is None:
        if stop:
            process.terminate()
            process.wait()
            raise Stopped
        time.sleep(0.05)
    output, _ = process.communicate()
    if process.returncode != 0:
        raise CannotStart(f"the database could not be prepared: {servers.last_line(log)} (more in {log})")
    password: str | None = json.loads(output)["password"]
    return password


def _wait_until_ready(home: Path, daemon: Daemon, address: ready.Address, stop: StopRequest) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while missing := address.missing():
        _check(home, daemon, stop)
        if time.monotonic() > deadline:
            raise CannotStart(f"not ready after {READY_SECONDS} s: {missing} (see the logs in {home / 'logs'})")
        time.sleep(0.2)


def _watch(home: Path, daemon: Daemon, stop: StopRequest) -> None:
    """Say which parts ended and were started again, until asked to stop."""
    known: dict[str, State] = {}
    while not stop:
        states = {state.name: state for state in _check(home, daemon, stop)}
        for name, state in states.items():
            before = known.get(name)
            if state.pid and before and before.pid != state.pid:
                _say(f"{name} had ended and was started again (see {home / 'logs' / name}.log)")
            elif state.hopeless and before:
                _say(f"{name} ends again and again, and was given up (see {home / 'logs' / name}.log)")
        # One that was stopped is not missed when it is launched again; one that is between two starts is.
        known = {name: state if state.pid else known[name] for name, state in states.items() if _counts(state, known)}
        time.sleep(GLANCE_SECONDS)


def _counts(state: State, known: dict[str, State]) -> bool:
    return bool(state.pid) or (state.name in known and not state.stopped)


def _check(home: Path, daemon: Daemon, stop: StopRequest) -> list[State]:
    """The states of the parts. Raises Stopped or CannotStart when there is no point in going on."""
    if stop:
        raise Stopped
    if not daemon.alive:
        raise CannotStart(f"supervisord ended: {servers.last_line(home / 'logs' / 'supervisord.out')}")
    states = daemon.states()
    for state in states:
        if state.hopeless and state.group != parts.EXTRA:
            log = home / "logs" / f"{state.name}.log"
            raise CannotStart(f"{state.name} ends again and again; its log {log} ends with: {servers.last_line(log)}")
    return states


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
