"""The folders under TABLEFLOW_HOME."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from tableflow.embedded.errors import CannotStart

# The kernel allows 107 bytes; a server adds the name of its socket, and a lock file beside it.
LONGEST_SOCKET_FOLDER = 80


def private(path: Path) -> Path:
    """The folder, made when absent; only its owner may enter it."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotStart(f"The folder {path} cannot be made: {error.strerror}.") from error
    return path


def sockets(wanted: Path) -> Path:
    """The folder for unix sockets, or a short one in the temporary folder when its path is too long for them."""
    if len(os.fsencode(wanted)) <= LONGEST_SOCKET_FOLDER:
        return private(wanted)
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    root = Path(tempfile.gettempdir())
    if len(os.fsencode(root)) > LONGEST_SOCKET_FOLDER // 2:
        root = Path("/tmp")  # noqa: S108  (the folder below is private and checked)
    return _checked(root / f"tableflow-{os.geteuid()}-{digest}")


def _checked(folder: Path) -> Path:
    """The folder in a place that everybody may write to: refused when somebody else made it first."""
    private(folder)
    status = folder.lstat()
    foreign = os.geteuid() not in (0, status.st_uid)
    if foreign or folder.is_symlink() or status.st_mode & 0o077:
        raise CannotStart(f"The folder {folder} belongs to somebody else, or others may enter it: remove it.")
    return folder
