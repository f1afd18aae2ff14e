"""The addresses of the provider, below /demo/."""

from __future__ import annotations

from django.urls import path

from tableflow.demo import views

urlpatterns = [
    path("", views.index),
    path("climate", views.climate),
    path("stats", views.stats),
    path("v1/models", views.models),
    path("v1/chat/completions", views.chat_completions),
]
