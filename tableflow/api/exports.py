"""A table as a file over HTTP, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from django.urls import path
from django.utils.http import content_disposition_header
from django.utils.text import slugify
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from tableflow.api import access, query
from tableflow.api.negotiation import JsonAnyway
from tableflow.tables import exports, schema


class TableExport(APIView):
    """The rows of a table as a file."""

    # `format` is the file's here, and not the name of a renderer.
    content_negotiation_class = JsonAnyway

    @extend_schema(
        parameters=[
            OpenApiParameter("format", enum=list(exports.MEDIA_TYPES), default="csv"),
            *query.SHOWN,
            query.COLUMNS,
        ],
        responses={(200, media_type): OpenApiTypes.BINARY for media_type in exports.MEDIA_TYPES.values()},
    )
    def get(self, request: Request, table_id: int) -> StreamingHttpResponse:
        """Stream the rows that filter and search show, in the visible order or sorted, the columns' names as header.

        Text that a spreadsheet would take for a formula is made neutral in csv (an apostrophe in front) and xlsx.
        """
        table = access.table(request, table_id)
        format_ = query.choice(request, "format", list(exports.MEDIA_TYPES)) or "csv"
        known = schema.load(table_id)
        blocks = exports.stream(
            format_,
            known,
            query.condition(request, known),
            sort=query.sort(request),
            search=query.text(request, "search"),
            keys=query.columns(request),
        )
        response = streamed(request, blocks, exports.MEDIA_TYPES[format_])
        response["Content-Disposition"] = _disposition(table.name, format_)
        return response


def _disposition(name: str, format_: str) -> str:
    stem = slugify(name, allow_unicode=True) or "table"
    return content_disposition_header(as_attachment=True, filename=f"{stem}.{format_}") or "attachment"


def streamed(request: Request, blocks: Iterator[bytes], media_type: str) -> StreamingHttpResponse:
    """The blocks as an answer, each sent as soon as it is made."""
    is_async = isinstance(request._request, ASGIRequest)  # noqa: SLF001  (DRF has no other way to it)
    content = _asynchronously(blocks) if is_async else blocks
    return StreamingHttpResponse(content, content_type=media_type, headers={"X-Accel-Buffering": "no"})


async def _asynchronously(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The blocks for an ASGI server: each is made in the request's thread, none before the last one was sent."""
    following = sync_to_async(partial(next, blocks, None))
    while (block := await following()) is not None:
        yield block


urlpatterns = [path("tables/<int:table_id>/export/", TableExport.as_view(), name="table-export")]
