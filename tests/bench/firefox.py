"""A Firefox of this machine, driven by WebDriver BiDi, which it speaks itself: just enough to look at a page."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("firefox-esr", "firefox")
START_SECONDS = 60
ANSWER_SECONDS = 60
_LISTENS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


class Firefox:
    """One tab. An AssertionError says what the browser refused."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.version: str = self._call("session.new", capabilities={})["capabilities"]["browserVersion"]
        self._tab = self._call("browsingContext.getTree")["contexts"][0]["context"]

    def log_in(self, host: str, name: str, value: str) -> None:
        """Have it hold a session."""
        cookie = {"name": name, "value": {"type": "string", "value": value}, "domain": host, "path": "/"}
        self._call("storage.setCookie", cookie=cookie)

    def goto(self, url: str) -> None:
        """Open the page; it is loaded then."""
        self._call("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """What a JavaScript expression gives, as JSON."""
        written = f"JSON.stringify({expression})"
        target = {"context": self._tab}
        answer = self._call("script.evaluate", expression=written, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return json.loads(answer["result"]["value"])

    def press(self, *keys: str) -> None:
        """Press the keys together, each by the code point that WebDriver gives it."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        up = [{"type": "keyUp", "value": key} for key in reversed(keys)]
        actions = [{"type": "key", "id": "keys", "actions": down + up}]
        self._call("input.performActions", context=self._tab, actions=actions)

    def close(self) -> None:
        """End the browser."""
        self._call("browser.close")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer: dict[str, Any] = json.loads(self._socket.recv(timeout=ANSWER_SECONDS))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return dict(answer["result"])


def found() -> str | None:
    """The path of the Firefox of this machine; None: there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def running(path: str) -> Iterator[Firefox]:
    """A Firefox without a window and with a profile of its own, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="tableflow-firefox-") as profile:
        log = Path(profile) / "log"
        command = [path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        with log.open("wb") as written:
            process = subprocess.Popen(command, stdout=written, stderr=written, stdin=subprocess.DEVNULL)
        try:
            with connect(f"{_address(log, process)}/session", max_size=None) as socket:
                firefox = Firefox(socket)
                yield firefox
                firefox.close()
        finally:
            process.terminate()
            process.wait(30)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    gives_up_at = time.monotonic() + START_SECONDS
    while not (said := _LISTENS.search(log.read_bytes())):
        if process.poll() is not None or time.monotonic() > gives_up_at:
            raise AssertionError(f"Firefox did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)
    return said[1].decode()
