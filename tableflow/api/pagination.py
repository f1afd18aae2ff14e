"""Lists in pages: `{count, next, previous, results}` by `limit` and `offset`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response

from tableflow.api import query

MAX_LIMIT = 1000
MAX_OFFSET = 10**9


class Pages(LimitOffsetPagination):
    """A bad `limit` or `offset` is refused by name; it never silently becomes another one."""

    default_limit = 100
    max_limit = MAX_LIMIT

    def get_limit(self, request: Request) -> int:
        """From 1 to 1,000; 100 when absent."""
        return query.number(request, "limit", self.default_limit, 1, MAX_LIMIT)

    def get_offset(self, request: Request) -> int:
        """From 0; 0 when absent."""
        return query.number(request, "offset", 0, 0, MAX_OFFSET)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        """The parameters with their bounds, for the OpenAPI document."""
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": self.default_limit}
        offset = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
        return [
            {"name": "limit", "in": "query", "schema": limit, "description": "How many results."},
            {"name": "offset", "in": "query", "schema": offset, "description": "How many to leave out before them."},
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The shape of a page, for the OpenAPI document."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {"count": {"type": "integer"}, "next": link, "previous": link, "results": schema},
        }


def paged(request: Request, found: Any, answer: Callable[[Any], list[dict[str, Any]]]) -> Response:
    """One page of a queryset or list; `answer` turns the page's records into what is answered, all at once."""
    pages = Pages()
    return pages.get_paginated_response(answer(pages.paginate_queryset(found, request) or []))
