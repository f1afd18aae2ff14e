"""The terminal client in real terminals, through a restart of the server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from django.contrib.auth.models import User

from dispatch.begin import begin
from tests import parts, scenes
from tests.conftest import Web
from tests.live import tmux
from tests.live.conftest import bearer
from tests.live.tmux import Tmux

SIZES = ((100, 30), (60, 12))
GREYS = frozenset({16, 231, *range(232, 256)})


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Tmux]:
    """A server of tmux."""
    with tmux.running(tmp_path) as running:
        yield running


@pytest.fixture
def start_again(start_part: Callable[..., parts.Part]) -> Iterator[Callable[[], Web]]:
    """`start_again()` starts one more web process on the same socket: who connects between two of them waits."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def start() -> Web:
            at = ["--fd", str(listener.fileno()), "--no-access-log", "--timeout-graceful-shutdown", "2"]
            part = start_part("web", "-m", "uvicorn", "tableflow.asgi:application", *at, fds=(listener.fileno(),))
            parts.wait_ready(part, lambda: httpx2.get(f"{url}/healthz", timeout=30).is_success)
            return Web(url, part)

        yield start


def test_a_restart_of_the_server_is_shown_and_what_was_missed_is_fetched(
    terminals: Tmux, start_again: Callable[[], Web]
) -> None:
    table = scenes.table(3)
    scenes.group(table, scenes.doubling(table))
    web = start_again()
    token = bearer(User.objects.get(username="owner"))["Authorization"].removeprefix("Bearer ")
    command = ["manage.py", "tui", "--url", web.url]
    environments = ({"TABLEFLOW_TOKEN": token}, {"TABLEFLOW_TOKEN": token, "NO_COLOR": "1"})
    opened = [terminals.open(command, *each) for each in zip(SIZES, environments, strict=True)]
    for terminal in opened:
        terminal.reads("● live", "Nothing was run yet.")
    begin(table.pk)
    for terminal in opened:
        terminal.reads("● live", "pending", "Numbers")

    in_colour, in_grey = opened
    assert in_colour.colours - GREYS
    assert not in_grey.colours - GREYS

    web.part.terminate()
    for terminal in opened:
        terminal.reads("reconnecting in", "Numbers")
    web.part.stop()
    begin(table.pk)
    start_again()
    for terminal in opened:
        terminal.until(
            lambda shown: "● live" in shown and shown.count("Numbers") == 2,
            "it is live, with the run made meanwhile",
        )

    for terminal, (_, height) in zip(opened, SIZES, strict=True):
        lines = terminal.text.rstrip("\n").split("\n")
        assert "● live" in lines[-1 if height < 15 else -2]
        terminal.type("q")
        terminal.reads("ended with 0")
