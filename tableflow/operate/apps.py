"""The commands of those who operate an installation."""

from __future__ import annotations

from django.apps import AppConfig


class OperateConfig(AppConfig):
    name = "tableflow.operate"
