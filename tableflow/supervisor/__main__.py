"""`python -m tableflow.supervisor`: what `make up` runs once the packages are installed."""

from __future__ import annotations

import sys

from tableflow.embedded.errors import CannotStart
from tableflow.supervisor.stop import StopRequest
from tableflow.supervisor.up import up


def main() -> int:
    """Run everything until asked to stop: 0. When a part cannot run: the reason on stderr, and 1."""
    try:
        up(StopRequest())
    except CannotStart as error:
        print(f"tableflow cannot run: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
