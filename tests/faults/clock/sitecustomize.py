"""A clock that a test can shift: read by every Python process that has this folder on its PYTHONPATH.

The file that CLOCK_SHIFT_FILE names holds the seconds by which time.time() and datetime.now() are wrong, and may
change while the process runs. The monotonic clock goes on as before, as it does when a machine's clock is set.
"""

import ctypes
import datetime as dt
import gc
import os
import time
from pathlib import Path

_file = Path(os.environ["CLOCK_SHIFT_FILE"])
_time, _now, _utcnow = time.time, dt.datetime.now, dt.datetime.utcnow


def _shift() -> float:
    return float(_file.read_text() or 0)


def _shifted_now(cls: type, tz: dt.tzinfo | None = None) -> dt.datetime:
    return _now(tz) + dt.timedelta(seconds=_shift())


def _shifted_utcnow(cls: type) -> dt.datetime:
    return _utcnow() + dt.timedelta(seconds=_shift())


def _replace(kind: type, **methods: object) -> None:
    """Replace methods of a class written in C, which setattr refuses to do."""
    (namespace,) = gc.get_referents(kind.__dict__)
    namespace.update(methods)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


time.time = lambda: _time() + _shift()
_replace(dt.datetime, now=classmethod(_shifted_now), utcnow=classmethod(_shifted_utcnow))
