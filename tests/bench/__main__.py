"""Starts servers of its own, runs the benchmarks and prints their tables.

`python -m tests.bench [name …]` runs the named ones; without names, all. Figures of one run are comparable with each
other only: these are ratios, not absolutes.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tableflow.embedded import servers

NAMES = ("noop", "stragglers", "starting", "imports", "streams", "grid")


def main(names: list[str]) -> None:
    """Run the named benchmarks."""
    unknown = set(names) - set(NAMES)
    if unknown:
        raise SystemExit(f"No benchmark {', '.join(sorted(unknown))}; there are: {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(prefix="tableflow-bench-") as folder:
        home = Path(folder).resolve()
        os.environ |= {
            "TABLEFLOW_HOME": str(home),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "SECRET_KEY": "only for benchmarks",
            "ENCRYPTION_KEY": "only for benchmarks",
        }
        with servers.running(home):
            _run(names or list(NAMES))


def _run(names: list[str]) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    console = Console()
    console.print(f"{os.cpu_count()} processors, {platform.platform()}, Python {platform.python_version()}")
    for name in names:
        heading, *records = importlib.import_module(f"tests.bench.{name}").run()
        table = Table(*heading, title=name)
        for record in records:
            table.add_row(*map(str, record))
        console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
