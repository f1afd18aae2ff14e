"""The peer as its documents set it up: django-eventstream with its storage in SQL and its listener at Redis.

A project of its own in a database of its own. `python -m tests.bench.plain_eventstream SECONDS RATE` makes its tables,
sends an event for each change as far as it gets, and writes how many they were and when the last one had been sent.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
import django
from django.conf import settings

CHANNEL = "table"
PATH = "/events/"


def _redis(url: str) -> dict[str, Any]:
    at = urlsplit(url)
    return {"host": at.hostname, "port": at.port, "password": at.password, "db": int(at.path.strip("/") or 0)}


if not settings.configured:
    settings.configure(
        SECRET_KEY="only for benchmarks",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.bench.plain_eventstream",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_eventstream"],
        DATABASES={"default": dj_database_url.parse(os.environ["PLAIN_DATABASE_URL"])},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        EVENTSTREAM_STORAGE_CLASS="django_eventstream.storage.DjangoModelStorage",
        EVENTSTREAM_REDIS=_redis(os.environ["REDIS_URL"]),
    )
    django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.urls import include, path  # noqa: E402
from django_eventstream import send_event  # noqa: E402

from tests.bench import pacing  # noqa: E402

urlpatterns = [path(PATH.lstrip("/"), include("django_eventstream.urls"), {"channels": [CHANNEL]})]
application = get_asgi_application()


def main(seconds: float, rate: int) -> None:
    """Make the tables, say `ready`, and at a line of input begin to send."""
    call_command("migrate", verbosity=0)
    print("ready", flush=True)
    sys.stdin.readline()
    sent = pacing.at_rate(lambda row: send_event(CHANNEL, "cells", {"row": row, "status": "completed"}), rate, seconds)
    print(sent, time.monotonic(), flush=True)


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
