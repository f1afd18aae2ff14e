"""The demo table. The first `make up` seeds it; run again, this changes nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from tableflow.demo import cities, seed


class Command(BaseCommand):
    """Makes the table of cities with three workflow columns, and runs them."""

    help = f"Makes the demo table “{cities.NAME}” for the first superuser, and runs its workflow columns."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", help="Whose table it is; otherwise the first superuser's.")
        parser.add_argument("--no-run", action="store_true", help="Make the table, but run nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo is off (TABLEFLOW_DEMO=0), and its table calls the demo provider.")
        user = _user(options["user"])
        standing = seed.find(user)
        if standing is not None:
            self.stdout.write(f"{user} has the demo table already: it is table {standing.pk}. Nothing was changed.")
            return
        table = seed.plant(user)
        self.stdout.write(f"Made the demo table “{table.name}” for {user}: table {table.pk}, {cities.ROWS} rows.")
        if not options["no_run"]:
            dispatch = seed.run(table, user)
            self.stdout.write(f"Began to run its workflow columns: dispatch {dispatch.pk}.")


def _user(name: str | None) -> User:
    """The user of that name, or the first superuser."""
    if name is not None:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r}.")
        return user
    user = User.objects.filter(is_superuser=True).order_by("pk").first()
    if user is None:
        raise CommandError("There is no superuser yet. Make one with: manage.py createsuperuser")
    return user
