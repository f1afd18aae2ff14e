"""The first user of an installation."""

from __future__ import annotations

import secrets

from django.contrib.auth import get_user_model
from django.db import transaction

from tableflow import env

NAME = "admin"


def create() -> str | None:
    """Make the first user, and give its password. None when there are users already: nothing was made."""
    users = get_user_model().objects
    with transaction.atomic():
        if users.exists():
            return None
        password = env.text("TABLEFLOW_ADMIN_PASSWORD") or secrets.token_urlsafe(12)
        users.create_superuser(username=NAME, password=password)
    return password
