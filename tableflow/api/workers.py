"""Workers over HTTP."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import SAFE_METHODS, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells import workers
from cells.models import Worker
from dispatch import at_work
from tableflow.api import access, answers, query, shapes
from tableflow.api.fields import Body
from tableflow.api.idempotency import once
from tableflow.api.pagination import Pages, paged
from tableflow.errors import NotFound
from tableflow.supervisor import crew, logs
from tableflow.tables.models import Table, TableQuerySet

LINES = OpenApiParameter("lines", int, description=f"From 1 to {logs.MOST_LINES}; 200 when absent.")


class IsStaff(BasePermission):
    """Everybody may look at the workers; to change them is for staff."""

    message = "Workers are launched, stopped and forgotten by staff only."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        """Whether the caller may do this."""
        return request.method in SAFE_METHODS or access.user(request).is_staff


class StaffOnly(BasePermission):
    """For staff, even to look."""

    message = "What workers write into their logs is for staff only."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        """Whether the caller may do this."""
        return access.user(request).is_staff


class WorkersView(APIView):
    """A view of workers."""

    permission_classes = (IsAuthenticated, IsStaff)


class Workers(WorkersView):
    """The worker processes."""

    pagination_class = Pages

    @extend_schema(responses=shapes.WorkerProcess(many=True))
    def get(self, request: Request) -> Response:
        """Every worker process that is known, with the age of its heartbeat and the tables whose cells it runs."""
        return paged(request, workers.listing(), lambda page: workers.described(page, _seen(request)))

    @extend_schema(request=None, responses={202: shapes.LaunchedWorker})
    @once
    def post(self, request: Request) -> Response:
        """Launch a worker on this machine: one that was stopped, or one more for cells. It answers before the worker
        is there. 409 where `make up` does not run the system, and when there are enough.
        """
        Body.read(request)  # it takes no field
        # The supervisor is asked within the transaction of the key: it answers at once, and nothing else is locked.
        return Response({"name": crew.launch(), "status": "starting"}, status=status.HTTP_202_ACCEPTED)


class WorkerStop(WorkersView):
    """The end of a worker."""

    @extend_schema(request=None, responses={202: shapes.WorkerProcess})
    @once
    def post(self, request: Request, name: str) -> Response:
        """Stop it, wherever it runs: it takes no more, ends the cells that end soon, hands back the others, and leaves
        the list. It answers before that; asked again it changes nothing. 409 when the worker is lost.
        """
        Body.read(request)
        return Response(workers.described([crew.stop(name)], _seen(request))[0], status=status.HTTP_202_ACCEPTED)


class WorkerDetail(WorkersView):
    """One worker."""

    @extend_schema(responses=shapes.WorkerDetail)
    def get(self, request: Request, name: str) -> Response:
        """The worker, with the cells that it runs and those that are queued behind them. A lost one has none."""
        worker, seen = workers.known(name), _seen(request)
        described = workers.described([worker], seen)[0]
        cells = [] if described["status"] == Worker.Status.LOST else at_work.cells_of(worker, seen)
        return Response({**described, "cells": answers.cells_at_work(cells)})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:  # noqa: ARG002
        """Forget a worker that is lost. 409 when it is alive."""
        workers.forget(name)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WorkerLog(APIView):
    """What a worker writes."""

    permission_classes = (IsAuthenticated, StaffOnly)
    is_for_staff = True

    @extend_schema(parameters=[LINES], responses=shapes.WorkerLog)
    def get(self, request: Request, name: str) -> Response:
        """The last lines of its log, of which at most 256 kB are read. 404 when that is not on this machine: where
        `make up` does not run the system, its log is where whoever started it has put it.
        """
        lines = query.number(request, "lines", 200, 1, logs.MOST_LINES)
        found = logs.tail(workers.known(name), lines)
        if found is None:
            raise NotFound("The log of this worker is not on this machine, or not kept by make up.")
        return Response({"lines": found})


def _seen(request: Request) -> TableQuerySet:
    return Table.objects.visible_to(request.user)


urlpatterns = [
    path("workers/", Workers.as_view(), name="workers"),
    path("workers/<str:name>/", WorkerDetail.as_view(), name="worker"),
    path("workers/<str:name>/stop/", WorkerStop.as_view(), name="worker-stop"),
    path("workers/<str:name>/log/", WorkerLog.as_view(), name="worker-log"),
]
