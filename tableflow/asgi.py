"""The ASGI application that the web processes serve."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tableflow.settings")
application: Any = get_asgi_application()

from django.conf import settings  # noqa: E402  (Django must be set up first)

from tableflow.live.hub import hub  # noqa: E402
from tableflow.live.streams import with_streams  # noqa: E402

application = with_streams(application, hub)

if settings.DEMO:
    from tableflow.demo.door import with_demo

    application = with_demo(application)
