"""Streams over HTTP: who may have one is decided here; what streams is in tableflow/live."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.urls import re_path
from django_eventstream.channelmanager import ChannelManagerBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tableflow import admission
from tableflow.api import access, query
from tableflow.errors import InvalidInput
from tableflow.live import events, sse
from tableflow.live.log import Event
from tableflow.live.ndjson import EventLines, Wanted
from tableflow.live.passes import Pass, View
from tableflow.live.sse import TableStream
from tableflow.live.streams import Refused, Stream, streams
from tableflow.live.wakes import Wakes
from tableflow.tables.models import Table

MOST_CURSOR = 2**63 - 1
BUSY_SECONDS = 30
FAMILIES = tuple(sorted({f"{type_.partition('.')[0]}.*" for type_ in events.TYPES}))
"""All types of a kind at once: `dispatch.*`."""


class Channels(ChannelManagerBase):  # type: ignore[misc]
    """Who may read a table's channel (settings.EVENTSTREAM_CHANNELMANAGER_CLASS)."""

    def can_read_channel(self, user: Any, channel: str) -> bool:
        """Whether the user may see the table. Nobody who has not logged in may."""
        try:
            seen = user is not None and Table.objects.visible_to(user)
            return bool(seen and seen.filter(pk=int(channel.removeprefix("table-"))).exists())
        finally:
            connection.close()

    def is_channel_reliable(self, channel: str) -> bool:  # noqa: ARG002
        """Every channel is a log."""
        return True


class NoStreams(APIException):
    """The server cannot give a stream now."""

    status_code = 503
    default_code = "no_streams"


class StreamView(APIView):
    """A view whose answer is a stream. HEAD would get one too, and nobody would end it."""

    http_method_names = ["get", "options"]

    def stream(self, request: Request, make: Callable[[Pass, View], Stream]) -> Response:
        """Grant a stream to the caller. 429 with too many open ones."""
        admitted = admission.of(request)
        try:
            streams.grant(request._request, make(admitted, admitted.look() or {}))  # noqa: SLF001
        except Refused as refused:
            if refused.is_over_limit:
                raise Throttled(BUSY_SECONDS, str(refused)) from None
            raise NoStreams(str(refused)) from None
        return Response()


class TableEvents(StreamView):
    """What changes in a table, for its page."""

    @extend_schema(
        parameters=[
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="The last id that came."),
            OpenApiParameter("lastEventId", str, description="The same, where a client cannot set headers."),
        ],
        responses={(200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, "Server-Sent Events, without end.")},
    )
    def get(self, request: Request, table_id: int) -> Response:
        """Hints, as Server-Sent Events named `rows-changed`, `run-changed`, `schema-changed`, `import-changed` and
        `approvals-changed`, at most four a second of each.

        The data is `{cursor, rev, rows: [ids] | "many", …}`: what may look different now, and never how it looks.
        `rev` rises by one with each moment at which something of the table was told. `stream-open` comes first, and
        `stream-reset` where hints may be missing: fetch anew then. `server-restarting` says that the stream ends with
        the server; come back with the last id. A keep-alive comes each 20 seconds.
        """
        table = access.table(request, table_id)
        cursor = sse.cursor_of(request.headers, request.query_params)
        return self.stream(request, lambda admitted, _: TableStream(admitted, access.user(request), table.pk, cursor))


class Events(StreamView):
    """What changes anywhere, for programs."""

    @extend_schema(
        parameters=[
            OpenApiParameter("table", int, description="Events of this table only."),
            OpenApiParameter(
                "type",
                str,
                many=True,
                description="Events of this type only; several by commas or by repeating it; `dispatch.*` is all of a "
                f"kind. The types are {', '.join(events.TYPES)}.",
            ),
            OpenApiParameter("after", int, description="First what has come since this cursor."),
        ],
        responses={
            (200, "application/x-ndjson"): OpenApiResponse(OpenApiTypes.STR, "One JSON object a line, without end.")
        },
    )
    def get(self, request: Request) -> Response:
        """The events of all tables that the caller may see, and of the workers: one JSON object a line.

        The first line is `{"type": "stream.open", "cursor"}`. Events are `{"id", "type", "ts", "table", "table_name",
        "rev", …}`. Each 15 seconds comes `{"type": "heartbeat", "cursor"}`. Where events may be missing, since the
        cursor is too old or of another log or the client reads too slowly, `{"type": "stream.reset", "reason",
        "cursor"}` says so: fetch anew. `{"type": "stream.closing", "reason", "retry_ms"}` comes before the server ends
        the stream; go on with `after`.
        """
        wanted = Wanted(_table(request), _types(request.query_params.getlist("type")), _after(request))
        return self.stream(request, lambda admitted, view: EventLines(admitted, view, wanted))


class DispatchesChanged(StreamView):
    """Wake-ups for lists of runs."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """An event `dispatches-changed` whenever a list of runs, or the page of one, is to fetch itself anew."""
        one = query.number(request, "dispatch", 0, 1, MOST_CURSOR)

        def wants(event: Event) -> bool:
            if event["type"] in events.RUNS:
                return not one or event["dispatch"] == one
            return event["type"] == "cells.changed" and (not one or one in event["dispatches"])

        return self.stream(request, lambda admitted, view: Wakes(admitted, view, "dispatches-changed", wants))


class WorkersChanged(StreamView):
    """Wake-ups for lists of workers."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """An event `workers-changed` whenever a list of workers is to fetch itself anew."""

        def wants(event: Event) -> bool:
            return event["type"] in events.WORKERS

        return self.stream(request, lambda admitted, view: Wakes(admitted, view, "workers-changed", wants))


def _table(request: Request) -> int | None:
    given = query.number(request, "table", 0, 1, MOST_CURSOR)
    return access.table(request, given).pk if given else None


def _after(request: Request) -> int | None:
    given = query.number(request, "after", -1, 0, MOST_CURSOR)
    return given if given >= 0 else None


def _types(given: Iterable[str]) -> frozenset[str]:
    """The types that these words name. Raises InvalidInput for one that names none."""
    wanted: set[str] = set()
    for word in (word.strip() for words in given for word in words.split(",")):
        if word in FAMILIES:
            wanted.update(type_ for type_ in events.TYPES if type_.startswith(word.removesuffix("*")))
        elif word in events.TYPES:
            wanted.add(word)
        else:
            known = ", ".join((*events.TYPES, *FAMILIES))
            raise InvalidInput.at("type", f"{word!r} is no type of event; they are {known}.", "invalid_choice")
    return frozenset(wanted)


# Addresses without a slash, as the contract has them; one with a slash is as good.
urlpatterns = [
    re_path(r"^tables/(?P<table_id>[0-9]{1,18})/events/?$", TableEvents.as_view(), name="table-events"),
    re_path(r"^stream/events/?$", Events.as_view(), name="events"),
]
page_urlpatterns = [
    re_path(r"^dispatches/?$", DispatchesChanged.as_view(), name="dispatches-changed"),
    re_path(r"^workers/?$", WorkersChanged.as_view(), name="workers-changed"),
]
