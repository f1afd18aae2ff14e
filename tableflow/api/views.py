"""The saved views of a table over HTTP."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells.filters import cell_predicate
from tableflow.api import access, answers, shapes
from tableflow.api.fields import Body, Object, Text, Texts, Whole
from tableflow.api.idempotency import once
from tableflow.api.pagination import Pages, paged
from tableflow.tables import views
from tableflow.tables.columns import MAX_COLUMNS
from tableflow.tables.views import LEAST_WIDTH, MAX_POSITION, MOST_WIDTH


class NewLayout(Body):
    """How columns are laid out. Parts that are absent stay as they are."""

    widths = Object(required=False, help_text=f"Column key → whole pixels from {LEAST_WIDTH} to {MOST_WIDTH}.")
    order = Texts(required=False, max_length=MAX_COLUMNS, help_text="Column keys, left to right.")
    hidden = Texts(required=False, max_length=MAX_COLUMNS, help_text="Column keys.")
    pinned = Texts(required=False, max_length=MAX_COLUMNS, help_text="Column keys.")


class ViewChanges(Body):
    """What to change of a view."""

    name = Text(required=False, max_length=128)
    layout = NewLayout(required=False)
    filter = Object(required=False, allow_null=True, help_text="As in the list of rows; null: none.")
    sort = Text(required=False, allow_blank=True, help_text="As in the list of rows.")
    search = Text(required=False, allow_blank=True, help_text="As in the list of rows.")
    position = Whole(required=False, min_value=0, max_value=MAX_POSITION, help_text="Its place among the others.")


class NewView(ViewChanges):
    """A view to save. At most 100 a table."""

    name = Text(max_length=128)


class Views(APIView):
    """The saved views of a table."""

    pagination_class = Pages

    @extend_schema(responses=shapes.View(many=True))
    def get(self, request: Request, table_id: int) -> Response:
        """The default view, which every table has, and then the others: they are all on the first page."""
        return paged(request, views.listed(access.table(request, table_id), cell_predicate), answers.views)

    @extend_schema(request=NewView, responses={201: shapes.View})
    @once
    def post(self, request: Request, table_id: int) -> Response:
        """Save a view."""
        table = access.editable_table(request, table_id)
        made = views.create(table, NewView.read(request), cell_predicate)
        return Response(made.described, status=status.HTTP_201_CREATED)


class ViewDetail(APIView):
    """One saved view."""

    @extend_schema(responses=shapes.View)
    def get(self, request: Request, table_id: int, view_id: int) -> Response:
        """The view; its layout says nothing of columns that are not there."""
        return Response(views.one(access.table(request, table_id), view_id, cell_predicate).described)

    @extend_schema(request=ViewChanges, responses=shapes.View)
    def patch(self, request: Request, table_id: int, view_id: int) -> Response:
        """Change the fields that are given, and of a layout the parts that are given."""
        table = access.editable_table(request, table_id)
        changed = views.change(table, view_id, ViewChanges.read(request), cell_predicate)
        return Response(changed.described)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, table_id: int, view_id: int) -> Response:
        """Delete the view; the rows stay. 409 for the default view."""
        views.delete(access.editable_table(request, table_id), view_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


urlpatterns = [
    path("tables/<int:table_id>/views/", Views.as_view(), name="views"),
    path("tables/<int:table_id>/views/<int:view_id>/", ViewDetail.as_view(), name="view"),
]
