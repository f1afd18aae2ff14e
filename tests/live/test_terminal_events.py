"""`manage.py events` as a process: what it writes, how it ends, and what it needs, a server's address alone."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests import web
from tests.live.command import Start, ended, starting
from tests.live.feeds import Feed, line, refusal
from tests.scenes import PATIENCE
from tests.web import Asked, Told

OPEN = {"type": "stream.open", "cursor": 10}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the command."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture
def feeds() -> Iterator[Callable[[], Feed]]:
    """`feeds()` is a new stream of the server's, with its opening."""
    made: list[Feed] = []

    def one() -> Feed:
        made.append(Feed(OPEN))
        return made[-1]

    yield one
    for feed in made:
        feed.end()


def test_lines_are_copied_as_they_are_and_at_once(start: Start, feeds: Callable[[], Feed]) -> None:
    feed = feeds()
    with web.serving(lambda _: Told(chunks=feed.chunks)) as served:
        process = start(served.url, "--token", "abc", "--table", "3", "--type", "cells.changed", "--type", "dispatch.*",
                        "--after", "0")  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == line(OPEN)
        odd = b'{"type" :  "heartbeat","cursor":11, "\xc3\xa9": "\\u0000"}\r\n'
        feed.raw(odd)
        assert process.stdout.readline() == odd
        feed.raw(b"\nno JSON at all\n").end()

        assert ended(process) == (0, b"\nno JSON at all\n", "")

    (asked,) = served.asked
    assert asked.path == "/api/v1/stream/events?table=3&type=cells.changed&type=dispatch.%2A&after=0"
    assert asked.headers["authorization"] == "Bearer abc"


def test_it_ends_quietly_on_ctrl_c_and_when_nobody_reads_on(start: Start, feeds: Callable[[], Feed]) -> None:
    made: list[Feed] = []

    def answer(_: Asked) -> Told:
        made.append(feeds())
        return Told(chunks=made[-1].chunks)

    with web.serving(answer) as served:
        stopped, silent, busy = (start(served.url, "--token", "abc") for _ in range(3))

        assert stopped.stdout is not None
        stopped.stdout.readline()
        stopped.send_signal(signal.SIGINT)
        assert ended(stopped) == (0, b"", "")

        # While the server sends nothing, that the reader has gone must be seen all the same.
        assert first_line(silent) == line(OPEN)
        assert ended(silent)[0::2] == (0, "")

        assert first_line(busy) == line(OPEN)
        for feed in made:
            feed.put(*[OPEN] * 1000)
        assert ended(busy)[0::2] == (0, "")


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        (refusal(401, "Invalid token."), "Invalid token."),
        (refusal(404, "Not found."), "Not found."),
        (Told(503), "The server answered 503 Service Unavailable."),
        (Told(chunks=lambda: iter([b'{"type": '])), "The stream was cut off in the middle of a line."),
    ],
    ids=["refused", "not found", "no words", "cut off"],
)
def test_what_went_wrong_is_said(told: Told, complaint: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with web.serving(lambda _: told) as served, pytest.raises(CommandError) as caught:
        call_command("events", url=served.url, token="abc")

    assert str(caught.value) == complaint
    assert capfdbinary.readouterr() == (b"", b"")


def test_without_a_token_it_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLEFLOW_TOKEN", raising=False)

    with pytest.raises(CommandError, match=r"manage\.py createtoken"):
        call_command("events")


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    """What `| head -1` reads of it, which then goes away."""
    head = subprocess.run(["head", "-1"], stdin=process.stdout, capture_output=True, timeout=PATIENCE)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    return head.stdout
