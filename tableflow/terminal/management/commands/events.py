"""Prints what changes on a server, as it happens."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tableflow.terminal import address, copying
from tableflow.terminal.client import ApiError


class Command(BaseCommand):
    """Ends with 0 when the server ends the stream in order, on Ctrl-C, and when nobody reads on; else with 1."""

    help = "Copies the stream of events to stdout: one JSON object a line, heartbeats too. One connection, no retries."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--table", type=int, metavar="ID", help="events of this table only")
        parser.add_argument(
            "--type",
            action="append",
            metavar="T",
            help="events of this type only, such as cells.changed or dispatch.*; may be given several times",
        )
        parser.add_argument("--after", type=int, metavar="CURSOR", help="first what has come since this cursor")
        address.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = {name: options[name] for name in ("table", "type", "after") if options[name] is not None}
        try:
            server = address.server(options["url"], options["token"])
            asyncio.run(copying.copy(server, wanted, sys.stdout.buffer))
        except (address.NoAddress, ApiError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            return
        except BrokenPipeError:
            # Python writes what is left when it ends, and would complain: let that go nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
