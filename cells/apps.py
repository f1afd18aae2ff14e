from django.apps import AppConfig


class CellsConfig(AppConfig):
    name = "cells"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cells import signals  # noqa: F401  (connects the worker's life to its row)
