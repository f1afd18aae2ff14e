"""The addresses that machines ask. None of them needs a login: they tell no data of users."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tableflow.health import checks, metrics


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process is up. Asks nothing of the database. No login."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the system takes work; else 503, naming each thing that is missing in plain words. No login."""
    missing = [
        {"part": finding.part, "detail": finding.detail, "advice": finding.advice}
        for finding in checks.ready()
        if not finding.ok
    ]
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503)
    return JsonResponse({"status": "ready"})


@require_safe
@never_cache
def prometheus(request: HttpRequest) -> HttpResponse:
    """The figures of the system in Prometheus's text format. No login."""
    return HttpResponse(metrics.text(), content_type=metrics.CONTENT_TYPE)
