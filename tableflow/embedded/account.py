"""Who runs the embedded PostgreSQL. It refuses to run as root, so root hands it to a system user of its own."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tableflow.embedded import processes
from tableflow.embedded.errors import CannotStart

SYSTEM_USER = "tableflow-db"


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        """Give the folder to this user; only root needs to."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def leash(self, stop_signal: str, *paths: Path) -> list[str]:
        """The start of a command line that runs as this user, and may reach `paths` whatever folders are above them."""
        if self.uid == os.geteuid():
            return processes.leash(stop_signal)
        options = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        if self.closed(*paths):
            # A clone under /root (0700) is closed to every other user. This lets the server through, and no one else.
            # The securebit is for access(2), which otherwise asks as if the capability were not there.
            options += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
        return processes.leash(stop_signal, *options)

    def closed(self, *paths: Path) -> list[Path]:
        """The folders on the way to these paths that this user may not enter."""
        ways = {folder for path in paths for folder in [path, *path.parents]}
        return sorted(folder for folder in ways if not self._may_enter(folder.stat()))

    def _may_enter(self, status: os.stat_result) -> bool:
        return bool(status.st_mode & 0o001) or (status.st_uid == self.uid and bool(status.st_mode & 0o100))


def me() -> Account:
    """The user that runs this process."""
    try:
        return _account(pwd.getpwuid(os.geteuid()))
    except KeyError:
        raise CannotStart(
            f"The user id {os.geteuid()} has no entry in /etc/passwd, and PostgreSQL needs one: "
            "run as a user that exists, or set DATABASE_URL."
        ) from None


def for_data(folder: Path) -> Account:
    """Who is to run PostgreSQL over this data folder: its owner, or for a new one made by root the system user."""
    owner = folder.stat().st_uid if folder.exists() else os.geteuid()
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise CannotStart(f"The data in {folder} belongs to the user id {owner}: start as that user or as root.")
        return me()
    if owner != 0:
        return _account(pwd.getpwuid(owner))
    return _system_user()


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _system_user() -> Account:
    try:
        return _account(pwd.getpwnam(SYSTEM_USER))
    except KeyError:
        _make_system_user()
    try:
        return _account(pwd.getpwnam(SYSTEM_USER))
    except KeyError:
        raise CannotStart(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made: "
            f"make it (useradd --system {SYSTEM_USER}), start as an ordinary user, or set DATABASE_URL."
        ) from None


def _make_system_user() -> None:
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", SYSTEM_USER]
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    try:
        subprocess.run(  # noqa: S603
            [*command, "--shell", "/usr/sbin/nologin"], env=environment, capture_output=True, timeout=30, check=False
        )
    except FileNotFoundError:
        return
