"""The embedded servers for management commands: those of the `make up` that runs beside them, or their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tableflow import endpoints, env
from tableflow.embedded import folders, ownership, processes
from tableflow.embedded.errors import CannotStart

# Commands that ask a server over HTTP, which may be on another machine. They have settings of their own.
CLIENTS = frozenset({"events", "tui"})
# Commands that need no database; they start at once, also where no server can run.
WITHOUT_SERVERS = CLIENTS | {
    "check", "collectstatic", "diffsettings", "findstatic", "help", "makemigrations", "spectacular", "startapp",
    "version",
}  # fmt: skip
WAIT_SECONDS = 60


def settings_for(arguments: Sequence[str]) -> str:
    """The settings that the command line needs: those of the server would ask a client for its secrets."""
    return "tableflow.terminal.settings" if CLIENTS & set(arguments[1:2]) else "tableflow.settings"


@contextmanager
def serving(arguments: Sequence[str]) -> Iterator[None]:
    """Have the servers that the command line needs running, for the duration of the command."""
    embedded = endpoints.embedded_database() or endpoints.embedded_redis()
    if not embedded or not _needs_servers(arguments) or processes.MARK in os.environ:
        yield
        return
    from tableflow.embedded import servers  # Drivers of databases, which clients start without.

    home = env.home()
    folders.private(home / "run")
    with ExitStack() as stack:
        try:
            stack.enter_context(ownership.owner(home, f"manage.py {arguments[1]} (process {os.getpid()})"))
        except ownership.Owned:
            stack.enter_context(ownership.user(home))
            _wait_for_servers(home)
        else:
            stack.enter_context(servers.running(home))
            stack.callback(ownership.wait_for_users, home)
        yield


def _needs_servers(arguments: Sequence[str]) -> bool:
    command = arguments[1] if len(arguments) > 1 else "help"
    return not command.startswith("-") and command not in WITHOUT_SERVERS and not {"-h", "--help"} & set(arguments)


def _wait_for_servers(home: Path) -> None:
    """Whoever owns the servers may be starting them just now."""
    if not processes.wait_until(lambda: endpoints.recorded(home), seconds=WAIT_SECONDS):
        raise CannotStart(f"The servers of {home} are not up: look at the logs in {home / 'logs'}.")
