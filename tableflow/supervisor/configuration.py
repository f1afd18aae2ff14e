"""supervisord's configuration file, written anew at each start."""

from __future__ import annotations

import os
import pwd
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tableflow import secrets
from tableflow.embedded import folders
from tableflow.embedded.errors import CannotStart
from tableflow.supervisor.parts import NUMBER, Part

LOG_BYTES = "5MB"
LOG_COPIES = 2
USER = "tableflow"


@dataclass(frozen=True)
class Control:
    """How to reach supervisord: a unix socket in a private folder, and a password."""

    socket: Path
    password: str


def control(home: Path) -> Control:
    """The control of this data folder's supervisord."""
    socket = folders.sockets(home / "run" / "socket") / "supervisor"
    return Control(socket, secrets.generated(home, "supervisor_password"))


def write(home: Path, parts: Iterable[Part], directory: Path) -> Path:
    """Write the file, readable by its owner only, and give its path. `directory` is where the parts run."""
    path = folders.private(home / "run") / "supervisord.conf"
    folders.private(home / "logs")
    sections = [_daemon(home), _control(control(home)), *(_program(home, part, directory) for part in parts)]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(sections))
    return path


def _daemon(home: Path) -> str:
    return _section(
        "supervisord",
        nodaemon="true",
        silent="true",
        user=pwd.getpwuid(os.geteuid()).pw_name,
        pidfile=_plain(home / "run" / "supervisord.pid"),
        logfile=_plain(home / "logs" / "supervisord.log"),
        logfile_maxbytes=LOG_BYTES,
        logfile_backups=LOG_COPIES,
        childlogdir=_plain(home / "logs"),
    )


def _control(at: Control) -> str:
    return _section(
        "unix_http_server", file=_plain(at.socket), chmod="0700", username=USER, password=at.password
    ) + _section(
        "rpcinterface:supervisor",
        **{"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
    )


def _program(home: Path, part: Part, directory: Path) -> str:
    many = "_%(process_num)d" if part.copies > 1 else ""
    options: dict[str, object] = {
        "command": _command(part.command),
        "process_name": "%(program_name)s" + many,
        "numprocs": part.copies,
        "numprocs_start": 1,
        "directory": _plain(directory),
        "priority": part.priority,
        "autostart": str(part.starts_by_itself).lower(),
        "autorestart": "true",
        "startsecs": part.start_seconds,
        "startretries": part.start_retries,
        "stopsignal": part.stop_signal,
        "stopwaitsecs": part.stop_seconds,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": _plain(home / "logs") + "/%(program_name)s" + many + ".log",
        "stdout_logfile_maxbytes": LOG_BYTES,
        "stdout_logfile_backups": LOG_COPIES,
    }
    if part.listens_on:
        return _section(f"fcgi-program:{part.name}", socket=part.listens_on, **options)
    return _section(f"program:{part.name}", **options)


def _section(name: str, **options: object) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options.items()), ""])


def _command(words: Iterable[str]) -> str:
    """The words as one line. Of supervisord's expansions the number of the process stays one."""
    line = " ".join(_plain(shlex.quote(word)) for word in words)
    return line.replace(_plain(NUMBER), NUMBER)


def _plain(value: Path | str) -> str:
    """The value for supervisord to take literally. It knows no way to quote what begins a comment."""
    if " ;" in str(value) or " #" in str(value):
        raise CannotStart(f"The path {value} holds ' ;' or ' #', which supervisord cannot read: choose another folder.")
    return str(value).replace("%", "%%")
