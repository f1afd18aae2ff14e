"""What `/metrics` tells. Figures come from counters, open windows and small tables: no execution is ever counted."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

import redis
from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE
from prometheus_client.registry import Collector

from cells.models import Worker
from dispatch.models import CELLS_ENDED, Dispatch, DispatchStatus, Window
from dispatch.windows import OUTCOMES
from tableflow import pulse
from tableflow.celery import app
from tableflow.health.checks import WORKER_AGE
from tableflow.live import clients

KINDS = ("table", "events", "dispatches-changed", "workers-changed")
"""The kinds of streams (tableflow/live)."""

__all__ = ["CONTENT_TYPE", "text"]


def text() -> bytes:
    """All figures, in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    return generate_latest(registry)


class Figures(Collector):
    """Asks the database and Redis anew at each scrape."""

    def collect(self) -> Iterable[Metric]:
        yield _cells()
        yield from _windows()
        yield _dispatches()
        yield _durations()
        yield _workers()
        yield _messages()
        yield from _live()

    def describe(self) -> Iterable[Metric]:
        return []


def _cells() -> Metric:
    """Cells that have ended, from the dispatches' counters and those of the windows still open."""
    family = GaugeMetricFamily("tableflow_cells", "Cells ended, by how, in all kept dispatches.", labels=["status"])
    closed = Dispatch.objects.aggregate(**{name: Coalesce(Sum(name), 0) for name in OUTCOMES})
    opened = _open_windows().aggregate(**{name: Coalesce(Sum(name), 0) for name in OUTCOMES})
    for name in OUTCOMES:
        family.add_metric([name], closed[name] + opened[name])
    return family


def _windows() -> Iterable[Metric]:
    """What the queue holds: the cells of open windows that have not ended."""
    left = Sum(F("cells") - CELLS_ENDED)
    found = _open_windows().aggregate(left=Coalesce(left, 0), windows=Count("pk"), age=Now() - Min("opened_at"))
    age = found["age"].total_seconds() if found["age"] else 0
    yield _gauge("tableflow_cells_in_flight", "Cells requested or running, and not ended.", found["left"])
    yield _gauge("tableflow_windows_open", "Windows of rows admitted and not closed.", found["windows"])
    yield _gauge("tableflow_queue_oldest_age_seconds", "Age of the oldest open window.", age)


def _dispatches() -> Metric:
    family = GaugeMetricFamily("tableflow_dispatches_active", "Dispatches that have not ended.", labels=["status"])
    for status, number in Dispatch.objects.active().values_list("status").annotate(Count("pk")).order_by("status"):
        family.add_metric([status], number)
    return family


def _durations() -> Metric:
    ended = Dispatch.objects.filter(status=DispatchStatus.COMPLETE)
    found = ended.aggregate(number=Count("pk"), total=Sum(F("finished_at") - F("requested_at")))
    seconds = found["total"].total_seconds() if found["total"] else 0
    return SummaryMetricFamily(
        "tableflow_dispatch_duration_seconds",
        "From request to end, of the dispatches that completed.",
        count_value=found["number"],
        sum_value=seconds,
    )


def _workers() -> Metric:
    family = GaugeMetricFamily("tableflow_workers", "Worker processes, by state.", labels=["status"])
    heard = Q(heartbeat_at__gt=Now() - WORKER_AGE)
    found = Worker.objects.aggregate(
        active=Count("pk", filter=Q(status=Worker.Status.ACTIVE) & heard),
        draining=Count("pk", filter=Q(status=Worker.Status.DRAINING) & heard),
        lost=Count("pk", filter=Q(status=Worker.Status.LOST) | ~heard),
    )
    for status, number in found.items():
        family.add_metric([status], number)
    return family


def _messages() -> Metric:
    """Messages waiting in the broker; without a sample while Redis is away."""
    family = GaugeMetricFamily(
        "tableflow_queue_messages", "Messages waiting in the broker, by queue.", labels=["queue"]
    )
    with closing(pulse.client()) as client:
        try:
            for queue in app.conf.task_queues:
                family.add_metric([queue.name], client.llen(queue.name))
        except redis.RedisError:
            return family
    return family


def _live() -> Iterable[Metric]:
    """Who listens, and how old events are when they are passed on; without samples while Redis is away."""
    listening = GaugeMetricFamily("tableflow_stream_clients", "Open streams, by kind.", labels=["kind"])
    lag = GaugeMetricFamily(
        "tableflow_event_lag_seconds", "Age of the newest event when a web process read it: the greatest of them."
    )
    try:
        counted = clients.counted()
    except redis.RedisError:
        return [listening, lag]
    for kind in KINDS:
        listening.add_metric([kind], counted.streams.get(kind, 0))
    lag.add_metric([], counted.lag_seconds)
    return [listening, lag]


def _open_windows() -> QuerySet[Window]:
    return Window.objects.filter(closed_at=None)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)
