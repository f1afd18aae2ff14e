"""Makes an API token for a user."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from knox.models import get_token_model


class Command(BaseCommand):
    """Prints the token and nothing else on stdout."""

    help = "Prints an API token for the user: send it as `Authorization: Bearer TOKEN`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the user's name; the first user is admin")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["user"]
        user = get_user_model().objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no user {name!r}. Make one with: python manage.py createsuperuser")
        _, token = get_token_model().objects.create(user=user)
        self.stdout.write(token)
