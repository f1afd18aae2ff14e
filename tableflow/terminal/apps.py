"""The terminal client as an app, for its commands: it has no models."""

from __future__ import annotations

from django.apps import AppConfig


class TerminalConfig(AppConfig):
    name = "tableflow.terminal"
