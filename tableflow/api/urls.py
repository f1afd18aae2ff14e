"""The addresses of the API, version 1, and of its description."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from tableflow.api import (
    approvals,
    blocks,
    columns,
    dispatches,
    exports,
    find,
    groups,
    imports,
    live,
    ranges,
    rows,
    tables,
    views,
    workers,
    workflows,
)

app_name = "api"

VERSION_1 = [
    *tables.urlpatterns,
    *columns.urlpatterns,
    *rows.urlpatterns,
    *blocks.urlpatterns,
    *ranges.urlpatterns,
    *find.urlpatterns,
    *views.urlpatterns,
    *groups.urlpatterns,
    *workflows.urlpatterns,
    *dispatches.urlpatterns,
    *approvals.urlpatterns,
    *workers.urlpatterns,
    *live.urlpatterns,
    *imports.urlpatterns,
    *exports.urlpatterns,
]

urlpatterns = [
    path("v1/", include(VERSION_1)),
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
]
