"""Lists in pages: `{count, next, previous, results}` by `limit` and `offset`."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request

from tableflow.errors import InvalidInput

MAX_LIMIT = 1000
MAX_OFFSET = 10**9


class Pages(LimitOffsetPagination):
    """A bad `limit` or `offset` is refused by name; it never silently becomes another one."""

    default_limit = 100
    max_limit = MAX_LIMIT

    def get_limit(self, request: Request) -> int:
        """From 1 to 1,000; 100 when absent."""
        return number(request, "limit", self.default_limit, 1, MAX_LIMIT)

    def get_offset(self, request: Request) -> int:
        """From 0; 0 when absent."""
        return number(request, "offset", 0, 0, MAX_OFFSET)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:  # noqa: ARG002
        """The parameters with their bounds, for the OpenAPI document."""
        limit = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": self.default_limit}
        offset = {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}
        return [
            {"name": "limit", "in": "query", "schema": limit, "description": "How many results."},
            {"name": "offset", "in": "query", "schema": offset, "description": "How many to leave out before them."},
        ]


def number(request: Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query string. InvalidInput naming it when it is none, or out of bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        raise InvalidInput.at(name, f"`{name}` is a whole number from {least} to {most}.", "out_of_range")
    return int(text)
