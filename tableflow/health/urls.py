"""The addresses of this package."""

from __future__ import annotations

from django.urls import path

from tableflow.health import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.prometheus, name="metrics"),
]
