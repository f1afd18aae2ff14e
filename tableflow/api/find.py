"""Finding a text in a table over HTTP."""

from __future__ import annotations

from dataclasses import asdict

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tableflow.api import access, query, shapes
from tableflow.errors import InvalidInput
from tableflow.tables import finding, schema

Q = OpenApiParameter("q", OpenApiTypes.STR, required=True, description="The text, without regard to case.")


class TableFind(APIView):
    """Where a text is in a table."""

    @extend_schema(parameters=[Q, *query.SHOWN], responses=shapes.Found)
    def get(self, request: Request, table_id: int) -> Response:
        """The rows in whose values the text occurs, of those that filter, sort and search show: with their places
        there, from 0, and the columns where it is. At most 1,000, the first ones.
        """
        known = schema.load(access.table(request, table_id).pk)
        wanted = query.text(request, "q")
        if not wanted or not wanted.strip():
            raise InvalidInput.at("q", "Give a text to find.", "required")
        found = finding.find(
            known,
            wanted,
            q=query.condition(request, known),
            sort=query.sort(request),
            search=query.text(request, "search"),
        )
        return Response(
            {
                "count": len(found.matches),
                "is_all": found.is_all,
                "matches": [asdict(match) for match in found.matches],
            }
        )


urlpatterns = [path("tables/<int:table_id>/find/", TableFind.as_view(), name="table-find")]
