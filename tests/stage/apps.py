from __future__ import annotations

from django.apps import AppConfig


class StageConfig(AppConfig):
    name = "tests.stage"

    def ready(self) -> None:
        from tests.stage import pace, points

        pace.take_up()
        points.take_up()
