"""Terminals of tmux: a program in one of a given size, what it shows, keys typed into it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests import scenes

# What a developer's terminal may say of colours: it is for the test to say.
_UNSET = ("-u", "COLORTERM", "-u", "NO_COLOR")


class Terminal:
    """One terminal with a program in it. When the program has ended, its exit code is what is shown."""

    def __init__(self, tmux: Tmux, name: str) -> None:
        self._tmux = tmux
        self._name = name

    @property
    def text(self) -> str:
        """What it shows now."""
        return self._tmux.do("capture-pane", "-p", "-t", self._name)

    @property
    def colours(self) -> set[int]:
        """The colours that it shows, by their numbers among the terminal's 256."""
        painted = self._tmux.do("capture-pane", "-p", "-e", "-t", self._name)
        return {int(number) for number in re.findall(r"[34]8;5;(\d+)", painted)}

    def type(self, *keys: str) -> None:
        """Type these keys, as tmux names them."""
        self._tmux.do("send-keys", "-t", self._name, *keys)

    def until(self, condition: Callable[[str], object], what: str) -> str:
        """Wait until what it shows fits; gives it."""
        shown = ""

        def fits() -> bool:
            nonlocal shown
            shown = self.text
            return bool(condition(shown))

        try:
            scenes.until(fits, what)
        except AssertionError as error:
            raise AssertionError(f"{error}. The terminal:\n{shown}") from None
        return shown

    def reads(self, *words: str) -> str:
        """Wait until it shows all of this; gives what it shows."""
        return self.until(lambda shown: all(word in shown for word in words), f"the terminal shows {words}")


class Tmux:
    """A server of tmux of its own."""

    def __init__(self, folder: Path) -> None:
        self._command = ["tmux", "-u", "-f", "/dev/null", "-S", str(folder / "tmux")]

    def open(self, arguments: Sequence[str], size: tuple[int, int], env: Mapping[str, str]) -> Terminal:
        """A terminal of this size in which `python <arguments>` runs with these variables besides the usual ones."""
        name = f"{size[0]}x{size[1]}"
        run = shlex.join(
            ["env", *_UNSET, *(f"{key}={value}" for key, value in env.items()), sys.executable, *arguments]
        )
        shell = f"{run}; echo ended with $?; exec cat"
        self.do("new-session", "-d", "-s", name, "-x", str(size[0]), "-y", str(size[1]), shell)
        return Terminal(self, name)

    def do(self, *arguments: str) -> str:
        """Give tmux a command."""
        done = subprocess.run(
            [*self._command, *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            check=False,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, f"tmux {arguments}: {done.stderr}"
        return done.stdout


@contextmanager
def running(folder: Path) -> Iterator[Tmux]:
    """A server of tmux; its terminals end with the block."""
    if shutil.which("tmux") is None:
        pytest.fail("The tests of the terminal need tmux: apt-get install tmux", pytrace=False)
    tmux = Tmux(folder)
    try:
        yield tmux
    finally:
        tmux.do("kill-server")
