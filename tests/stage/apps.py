from __future__ import annotations

from django.apps import AppConfig

from tests.stage import pace


class StageConfig(AppConfig):
    name = "tests.stage"

    def ready(self) -> None:
        pace.take_up()
