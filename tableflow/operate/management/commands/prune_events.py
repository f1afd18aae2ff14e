"""Forget old live events now, not at the next tick."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

import redis
from django.core.management.base import BaseCommand, CommandError

from tableflow.live import log

MOST_HOURS = 24 * 365


class Command(BaseCommand):
    """`manage.py prune_events [--hours N]`: trim the event log."""

    help = (
        "Forget live events that are older than a day. Clients that come back with an older cursor are told to begin "
        "anew. It happens each hour by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Its one option."""
        parser.add_argument(
            "--hours", type=float, default=log.KEPT.total_seconds() / 3600, help="How many hours are kept (24)."
        )

    def handle(self, *, hours: float, **_: Any) -> None:
        """Prune, and say what went."""
        if not 0 <= hours <= MOST_HOURS:
            raise CommandError(f"--hours: give a number from 0 to {MOST_HOURS}.")
        try:
            gone = log.prune(timedelta(hours=hours))
        except redis.RedisError as error:
            raise CommandError(f"Redis cannot be asked: {error}") from error
        self.stdout.write(f"Forgotten: {gone} entries that are older than {hours:g} hours.")
