"""Being asked to stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Whether somebody has asked this process to stop: by a signal, or by ending or interrupting the `make` above."""

    def __init__(self) -> None:
        self._signalled = False
        self._make = os.getppid() if "MAKELEVEL" in os.environ else None
        for number in SIGNALS:
            signal.signal(number, self._note)

    def __bool__(self) -> bool:
        return self._signalled or (self._make is not None and _is_ending(self._make))

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._signalled = True


def _is_ending(make: int) -> bool:
    """Whether `make` is gone, or waits for its children to end because it was interrupted.

    An interrupt from the terminal reaches the children too. One sent to make alone (`kill -INT`) does not, and make
    then waits for ever in its signal handler: that is seen in its mask of blocked signals.
    """
    if os.getppid() != make:
        return True
    try:
        lines = Path(f"/proc/{make}/status").read_text().splitlines()
    except OSError:
        return False
    blocked = next((int(line.split()[1], 16) for line in lines if line.startswith("SigBlk:")), 0)
    return bool(blocked >> (signal.SIGINT - 1) & 1)
