"""The addresses of the pages."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.templatetags.static import static
from django.urls import path
from django.views.generic import RedirectView

from tableflow.grid.views import (
    accounts,
    approvals,
    automatic,
    lists,
    run,
    running,
    runs,
    tables,
    traces,
    worker,
    workers,
)

app_name = "grid"
urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=static("grid/icon.svg")), name="favicon"),
    path("login/", accounts.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", lists.tables, name="tables"),
    path("tables/<int:table_id>/", tables.table, name="table"),
    path("tables/<int:table_id>/rows/", tables.rows, name="rows"),
    path("tables/<int:table_id>/schema/", tables.schema, name="schema"),
    path("tables/<int:table_id>/runs/", tables.runs, name="table-runs"),
    path("tables/<int:table_id>/progress/", running.progress, name="progress"),
    path("tables/<int:table_id>/rows/<int:row_id>/why/<int:group_id>/", running.why, name="why"),
    path("tables/<int:table_id>/rows/<int:row_id>/values/<slug:key>/", tables.value, name="value"),
    path("tables/<int:table_id>/rows/<int:row_id>/traces/<int:group_id>/", traces.trace, name="trace"),
    path("tables/<int:table_id>/rows/<int:row_id>/cells/<int:group_id>/", traces.cell, name="cell"),
    path("tables/<int:table_id>/auto-run/", automatic.existing, name="auto-run"),
    path("approvals/", approvals.open_ones, name="approvals"),
    path("approvals/answered/", approvals.answered, name="approvals-answered"),
    path("runs/", runs.runs, name="runs"),
    path("ui/runs/", runs.rows, name="runs-list"),
    path("runs/<int:dispatch_id>/pause/", runs.pause, name="run-pause"),
    path("runs/<int:dispatch_id>/resume/", runs.resume, name="run-resume"),
    path("runs/<int:dispatch_id>/stop/", runs.stop, name="run-stop"),
    path("runs/<int:dispatch_id>/run-failed/", runs.run_failed, name="run-failed"),
    path("runs/<int:dispatch_id>/", run.run, name="run"),
    path("runs/<int:dispatch_id>/retry/", run.retry, name="run-retry"),
    path("workers/", workers.processes, name="workers"),
    path("ui/workers/", workers.rows, name="workers-list"),
    path("workers/launch/", workers.launch, name="worker-launch"),
    path("workers/<str:name>/stop/", workers.stop, name="worker-stop"),
    path("workers/<str:name>/forget/", workers.forget, name="worker-forget"),
    path("workers/<str:name>/", worker.worker, name="worker"),
    path("workers/<str:name>/log/", worker.log, name="worker-log"),
]
