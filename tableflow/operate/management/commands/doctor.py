"""Looks at the whole installation."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from tableflow.health import checks


class Command(BaseCommand):
    """Prints a line for each part; the exit code is 1 when something is wrong."""

    help = "Checks database, migrations, Redis, workers, beat and disk, and says what is wrong and what to do."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(checks.all_of_it())
        for finding in findings:
            self.stdout.write(_line(finding))
        if not all(finding.ok for finding in findings):
            sys.exit(1)


def _line(finding: checks.Finding) -> str:
    if finding.ok:
        return f"ok     {finding.part:<11}{finding.detail}"
    return f"WRONG  {finding.part:<11}{finding.detail}\n       {'':<11}what to do: {finding.advice}"
