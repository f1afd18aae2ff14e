"""Shows runs, cells, workers and questions in the terminal, live."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tableflow.terminal import address, printed
from tableflow.terminal.address import NoAddress, Server
from tableflow.terminal.app import Terminal
from tableflow.terminal.client import ApiError

BAD_USAGE = 2


class Command(BaseCommand):
    """Ends with 1 when the server cannot be asked, with 2 when it was called wrongly."""

    help = "Shows runs, cells, workers and questions in the terminal, live, over the HTTP API of any server."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        address.add_arguments(parser)
        parser.add_argument("--view", choices=printed.VIEWS, default="runs", help="the list to begin with")
        parser.add_argument("--once", action="store_true", help="print the list once as text, and end")
        parser.add_argument("--json", action="store_true", help="with --once: print it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["json"] and not options["once"]:
            raise CommandError("--json goes with --once.", returncode=BAD_USAGE)
        try:
            server = address.server(options["url"], options["token"])
        except NoAddress as error:
            raise CommandError(str(error), returncode=BAD_USAGE) from error
        if options["once"]:
            self._print(server, options["view"], as_json=options["json"])
        else:
            _show(server, options["view"])

    def _print(self, server: Server, view: str, *, as_json: bool) -> None:
        try:
            said = asyncio.run(printed.once(server, view, as_json=as_json))
        except ApiError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(said)


def _show(server: Server, view: str) -> None:
    # Textual reads from the first and paints on the last of them.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise CommandError("This is no terminal: --once prints the list and ends.", returncode=BAD_USAGE)
    app = Terminal(server, view)
    app.run()
    if app.return_code:
        raise CommandError("The terminal client ended with an error.", returncode=app.return_code)
