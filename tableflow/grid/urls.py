"""The addresses of the pages."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from tableflow.grid.views import accounts, approvals, automatic, bindings, imports, lists, tables, traces

app_name = "grid"
urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=static("grid/icon.svg")), name="favicon"),
    path("login/", accounts.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", lists.tables, name="tables"),
    path("tables/<int:table_id>/", tables.table, name="table"),
    path("tables/<int:table_id>/rows/", tables.rows, name="rows"),
    path("tables/<int:table_id>/rows/<int:row_id>/values/<slug:key>/", tables.value, name="value"),
    path("tables/<int:table_id>/rows/<int:row_id>/traces/<int:group_id>/", traces.trace, name="trace"),
    path("tables/<int:table_id>/workflow-column/", bindings.workflow_column, name="workflow-column"),
    path("tables/<int:table_id>/auto-run/", automatic.existing, name="auto-run"),
    path("approvals/", approvals.open_ones, name="approvals"),
    path("approvals/answered/", approvals.answered, name="approvals-answered"),
    path("imports/", imports.upload, name="import"),
    path("imports/<int:import_id>/", imports.progress, name="import-progress"),
]
