"""The map of addresses."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from tableflow.api import live

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("tableflow.health.urls")),
    path("admin/", admin.site.urls),
    path("", include("tableflow.grid.urls")),
    path("api/", include("tableflow.api.urls")),
    path("ui/sse/", include(live.page_urlpatterns)),
]

handler400 = "tableflow.api.errors.bad_request"
handler403 = "tableflow.api.errors.permission_denied"
handler404 = "tableflow.api.errors.not_found"
handler500 = "tableflow.api.errors.server_error"

if settings.DEMO:
    urlpatterns.append(path("demo/", include("tableflow.demo.urls")))
