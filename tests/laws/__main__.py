"""`python -m tests.laws [--minutes 30] [--steps 60]`: look for a broken law for longer than `make test` does.

Round after round with other deeds each time, until the time is up or a law is broken; then the deeds that led there
are printed, as few as were found.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import pytest

EXAMPLES = 100


def main() -> int:
    """The exit code: 0 when every round held."""
    parser = argparse.ArgumentParser(prog="python -m tests.laws", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long to go on (a round is always ended)")
    parser.add_argument("--steps", type=int, default=60, help="the most deeds of one example")
    wanted = parser.parse_args()
    os.environ["LAWS_EXAMPLES"], os.environ["LAWS_STEPS"] = str(EXAMPLES), str(wanted.steps)
    os.environ["LAWS_MINUTES"] = str(wanted.minutes)
    started = time.monotonic()
    code = int(pytest.main(["tests/laws", "-q", "--show-capture=no", "--no-header"]))
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")
    return code


if __name__ == "__main__":
    sys.exit(main())
