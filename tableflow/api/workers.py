"""Workers over HTTP."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells import workers
from tableflow.api import shapes
from tableflow.api.pagination import Pages, paged


class Workers(APIView):
    """The worker processes."""

    pagination_class = Pages

    @extend_schema(responses=shapes.WorkerProcess(many=True))
    def get(self, request: Request) -> Response:
        """Every worker process that is known, with the age of its heartbeat."""
        return paged(request, workers.listing(), list)


urlpatterns = [path("workers/", Workers.as_view(), name="workers")]
