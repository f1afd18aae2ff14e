"""`manage.py events` as a process, far from any installation."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings

from tests.scenes import PATIENCE

OF_AN_INSTALLATION = ("SECRET_KEY", "ENCRYPTION_KEY", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "TABLEFLOW_TOKEN")

Start = Callable[..., subprocess.Popen[bytes]]


@contextmanager
def starting(folder: Path) -> Iterator[Start]:
    """`start(url, *options, stdout=…)` starts the command; it must make nothing of its own in the folder."""
    kept = {name: value for name, value in os.environ.items() if name not in OF_AN_INSTALLATION}
    # The server's own settings would want its secrets, since the database is not the embedded one.
    env = {**kept, "TABLEFLOW_HOME": str(folder / "home"), "DATABASE_URL": "postgres://nowhere"}
    # A shell that runs the tests in the background has them ignore what Ctrl-C sends.
    command = ["env", "--default-signal=INT", sys.executable, str(settings.BASE_DIR / "manage.py"), "events"]
    with ExitStack() as stack:

        def start(url: str, *options: str, stdout: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [*command, "--url", url, *options],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=subprocess.PIPE,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start
    assert not (folder / "home").exists()


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    """How the process ended, and what it wrote."""
    written, complaint = process.communicate(timeout=PATIENCE)
    return process.returncode, written, complaint.decode()
