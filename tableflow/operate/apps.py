"""The commands of those who operate an installation."""

from __future__ import annotations

from django.apps import AppConfig


class OperateConfig(AppConfig):
    name = "tableflow.operate"

    def ready(self) -> None:
        from tableflow import celery  # noqa: F401  (in every process, bells ring through our broker, not Celery's default)
