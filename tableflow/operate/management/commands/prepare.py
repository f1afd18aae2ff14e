"""What an installation needs before its parts start. `make up` runs it at each start; it may be run at any time."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from cells import workers
from tableflow import endpoints
from tableflow.operate import first_user


class Command(BaseCommand):
    """Prints one JSON object: `{"password": …}`, null when there were users already."""

    help = "Migrates the database and, on the first start, makes the first user and the demo table."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        if endpoints.embedded_database():
            # Whoever uses this database runs on this machine: what was killed with its make up is not there any more.
            workers.forget_ended(socket.gethostname(), _is_worker)
        password = first_user.create()
        if password is not None and settings.DEMO and "seed_demo" in get_commands():
            call_command("seed_demo", stdout=self.stderr)
        self.stdout.write(json.dumps({"password": password}))


def _is_worker(pid: int) -> bool:
    """Whether this process runs and is a worker; another one may have got the id since."""
    try:
        return b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
