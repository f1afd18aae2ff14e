"""The ASGI application that the web processes serve."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tableflow.settings")
application = get_asgi_application()
