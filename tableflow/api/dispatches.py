"""Runs over HTTP: dispatches, what runs in a table, what ran in a cell."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cells import traces
from dispatch import again, begin, cancel, caps, findings, listing, pausing, progress
from dispatch.models import Dispatch, Mode
from tableflow.api import access, answers, query, shapes
from tableflow.api.fields import MAX_ID, Body, Ids, Number, Object, Whole
from tableflow.api.idempotency import once
from tableflow.api.pagination import Pages, paged
from tableflow.errors import NotFound

MODES = [(mode.value, mode.label) for mode in begin.MODES]
STATUS = OpenApiParameter("status", enum=listing.STATUSES, description="active: what has not ended.")
TABLE = OpenApiParameter("table", int, description="The dispatches of this table only.")
REQUESTED_BY = OpenApiParameter("requested_by", description="The name of the user who asked for it.")
SINCE = OpenApiParameter("since", description="Requested then or later: an ISO date or datetime; UTC without a zone.")
UNTIL = OpenApiParameter("until", description="Requested before this datetime, or on this date at the latest.")
OF_TABLE = [STATUS, REQUESTED_BY, SINCE, UNTIL]


class NewLimit(Body):
    """A bound on what a dispatch runs."""

    type = serializers.ChoiceField(["rows"])
    max = Whole(min_value=1)


class NewCaps(Body):
    """What pauses a dispatch by itself. Cells in flight when a cap is reached still end, and may exceed it."""

    rows = Whole(required=False, allow_null=True, min_value=1, help_text="Rows run.")
    errors = Whole(  # type: ignore[assignment]
        required=False, allow_null=True, min_value=1, help_text="Cells that failed."
    )
    error_share = Number(
        required=False,
        allow_null=True,
        max_value=1,
        help_text=f"Part of the ended cells that failed, above 0; judged from {caps.LEAST_ENDED} ended cells on.",
    )
    minutes = Number(required=False, allow_null=True, help_text="Time of dispatching, pauses not counted; above 0.")


class NewDispatch(Body):
    """What to run; without any field, what is not complete of the whole table."""

    groups = Ids(required=False, help_text="Workflow columns; all when absent.")
    mode = serializers.ChoiceField(MODES, required=False, default=Mode.INCOMPLETE.value)
    rows = Ids(required=False, help_text="These rows only.")
    filter = Object(required=False, help_text="The rows that this filter names only.")
    exclude_rows = Ids(required=False, help_text="Not in these rows, whatever the other fields name.")
    limit = NewLimit(required=False, allow_null=True, help_text="It completes when so many were run.")
    caps = NewCaps(required=False, allow_null=True, help_text="It pauses when one is reached.")


class DispatchChanges(Body):
    """What to change of a dispatch: its caps. Those not named stay, one that is null is taken away."""

    caps = NewCaps(allow_null=True, help_text="Null: all are taken away.")


class OfGroups(Body):
    """Whose dispatches are meant; without any field, all of the table."""

    groups = Ids(required=False, help_text="Workflow columns.")


class CancelRuns(Body):
    """What to cancel; without any field, all that runs in the table."""

    groups = Ids(required=False)
    rows = Ids(required=False)
    filter = Object(required=False)
    exclude_rows = Ids(required=False, help_text="Not in these rows, whatever the other fields name.")


class TableDispatches(APIView):
    """The dispatches of a table."""

    pagination_class = Pages

    @extend_schema(parameters=OF_TABLE, responses=shapes.Dispatch(many=True))
    def get(self, request: Request, table_id: int) -> Response:
        """What was asked to run in the table, the newest first."""
        return _listed(request, access.table(request, table_id).pk)

    @extend_schema(request=NewDispatch, responses={202: shapes.Dispatch})
    @once
    def post(self, request: Request, table_id: int) -> Response:
        """Run workflow columns over rows. It answers at once, however many rows there are."""
        table = access.editable_table(request, table_id)
        body: dict[str, Any] = NewDispatch.read(request)
        limit = body.pop("limit", None)
        made = begin.begin(table.pk, **body, limit=limit["max"] if limit else None, user=access.user(request))
        return Response(answers.dispatch(made), status=status.HTTP_202_ACCEPTED)


class Dispatches(APIView):
    """The dispatches of all tables that the caller may see."""

    pagination_class = Pages

    @extend_schema(parameters=[TABLE, *OF_TABLE], responses=shapes.Dispatch(many=True))
    def get(self, request: Request) -> Response:
        """What was asked to run anywhere, the newest first."""
        return _listed(request, query.number(request, "table", 0, 1, MAX_ID) or None)


class DispatchDetail(APIView):
    """One dispatch."""

    @extend_schema(responses=shapes.Dispatch)
    def get(self, request: Request, dispatch_id: int) -> Response:
        """The dispatch and how far it is."""
        return Response(answers.dispatch(access.dispatch(request, dispatch_id)))

    @extend_schema(request=DispatchChanges, responses=shapes.Dispatch)
    def patch(self, request: Request, dispatch_id: int) -> Response:
        """Set its caps. It goes on when it is resumed. 409 when it has ended."""
        seen = _editable(request, dispatch_id)
        return Response(answers.dispatch(caps.change(seen.pk, DispatchChanges.read(request)["caps"])))


class DispatchWindows(APIView):
    """The windows of a dispatch."""

    pagination_class = Pages

    @extend_schema(responses=shapes.Window(many=True))
    def get(self, request: Request, dispatch_id: int) -> Response:
        """The slices of rows in which it went down its table, the newest first."""
        return paged(request, findings.windows_of(access.dispatch(request, dispatch_id)), answers.windows)


class DispatchErrors(APIView):
    """The errors of a dispatch."""

    @extend_schema(responses=shapes.DispatchErrors)
    def get(self, request: Request, dispatch_id: int) -> Response:
        """The messages of its failed cells, the most frequent first: at most 20. A cell that another dispatch has run
        since is not among them. Where very many failed, they are those of the newest 20,000 cells or so: see `is_all`.

        A dispatch of mode `failed` with this group and the filter `{"field": "@<group>.error", "op": "eq", "value":
        message}` runs them again, and the cells that failed with the same message in other dispatches.
        """
        seen = access.dispatch(request, dispatch_id)
        return Response(answers.dispatch_errors(seen, findings.errors_of(seen)))


class DispatchSlowest(APIView):
    """The slow cells of a dispatch."""

    @extend_schema(responses=shapes.SlowestCells)
    def get(self, request: Request, dispatch_id: int) -> Response:
        """The 20 cells that took longest, or take longest until now, of the 20,000 or so that it came to last."""
        seen = access.dispatch(request, dispatch_id)
        return Response(answers.slowest(seen, findings.slowest_of(seen)))


class DispatchCancel(APIView):
    """The end of a dispatch before its time."""

    @extend_schema(request=None, responses=shapes.Dispatch)
    def post(self, request: Request, dispatch_id: int) -> Response:
        """Cancel it: when this has answered, nothing of it writes or starts. 409 when it was complete already."""
        return Response(answers.dispatch(cancel.cancel_dispatch(_editable(request, dispatch_id).pk)))


class DispatchPause(APIView):
    """A halt of a dispatch."""

    @extend_schema(request=None, responses=shapes.Dispatch)
    def post(self, request: Request, dispatch_id: int) -> Response:
        """Pause it: when this has answered, what runs goes on to its end and nothing else starts. 409 when it ended."""
        seen = _editable(request, dispatch_id)
        return Response(answers.dispatch(pausing.pause_dispatch(seen.pk, by=request.user.get_username())))


class DispatchResume(APIView):
    """The end of a halt."""

    @extend_schema(request=None, responses=shapes.Dispatch)
    @once
    def post(self, request: Request, dispatch_id: int) -> Response:
        """Let it go on where it stopped. 409 when it has ended, or when a cap is reached: raise that first."""
        return Response(answers.dispatch(pausing.resume_dispatch(_editable(request, dispatch_id).pk)))


class DispatchRunFailed(APIView):
    """What failed, once more."""

    @extend_schema(request=None, responses={202: shapes.Dispatch})
    @once
    def post(self, request: Request, dispatch_id: int) -> Response:
        """Run what failed in its workflow columns and rows, in whichever dispatch it failed, as a new dispatch of mode
        `failed`. Columns and rows that are gone are left out; 409 when nothing is left.
        """
        made = again.run_failed(_editable(request, dispatch_id), access.user(request))
        return Response(answers.dispatch(made), status=status.HTTP_202_ACCEPTED)


class TableCancelRuns(APIView):
    """The end of what runs in a part of a table."""

    @extend_schema(request=CancelRuns, responses=shapes.Cancelled)
    def post(self, request: Request, table_id: int) -> Response:
        """Cancel what runs, or is about to, in these rows and workflow columns, whichever dispatch asked for it.

        `cancelled` counts the cells in flight. What the dispatches had not reached is left out by them and not
        counted: `dispatches` says how many of them that concerned.
        """
        table = access.editable_table(request, table_id)
        cut = cancel.cut(table.pk, **CancelRuns.read(request))
        return Response({"cancelled": cut.cells, "dispatches": cut.dispatches})


class TablePauseRuns(APIView):
    """A halt of what runs in a table."""

    @extend_schema(request=OfGroups, responses=shapes.PausedRuns)
    def post(self, request: Request, table_id: int) -> Response:
        """Pause all dispatches that go on in the table, or in these workflow columns of it, at one moment. Each pauses
        as a whole, also in its other columns. What runs goes on to its end.
        """
        table = access.editable_table(request, table_id)
        paused = pausing.pause_runs(table.pk, **OfGroups.read(request), by=request.user.get_username())
        return Response({"paused": paused})


class TableResumeRuns(APIView):
    """The end of a halt of what runs in a table."""

    @extend_schema(request=OfGroups, responses=shapes.ResumedRuns)
    @once
    def post(self, request: Request, table_id: int) -> Response:
        """Let all paused dispatches of the table, or of these workflow columns, go on. One of which a cap is reached
        stays paused: raise its cap first.
        """
        table = access.editable_table(request, table_id)
        found = pausing.resume_runs(table.pk, **OfGroups.read(request))
        refused = [{"dispatch": dispatch, "detail": detail} for dispatch, detail in found.refused.items()]
        return Response({"resumed": found.gone_on, "refused": refused})


class TableRunState(APIView):
    """What runs in a table."""

    @extend_schema(responses=shapes.RunState)
    def get(self, request: Request, table_id: int) -> Response:
        """The dispatches that have not ended, and the cells in flight."""
        return Response(answers.run_state(progress.run_state(access.table(request, table_id).pk)))


class CellExecution(APIView):
    """What ran in a cell."""

    @extend_schema(
        parameters=[OpenApiParameter("attempts", enum=["all"], description="The history, newest first.")],
        responses=shapes.ATTEMPTS,
    )
    def get(self, request: Request, table_id: int, row_id: int, group_id: int) -> Response:
        """The latest attempt with its trace, or all of them. 404 for a cell that never ran."""
        table = access.table(request, table_id)
        row, group = access.row(table, row_id), access.group(table, group_id)
        if query.choice(request, "attempts", ("all",)):
            return paged(request, traces.history(row.pk, group.pk), list)
        latest = traces.latest(row.pk, group.pk)
        if latest is None:
            raise NotFound("This cell has never run.")
        return Response(latest)


def _editable(request: Request, dispatch_id: int) -> Dispatch:
    """A dispatch that the caller may change."""
    seen = access.dispatch(request, dispatch_id)
    access.editable_table(request, seen.table_id)
    return seen


def _listed(request: Request, table_id: int | None) -> Response:
    """A page of the dispatches that the query asks for."""
    found = listing.asked(
        access.user(request),
        status=query.choice(request, "status", listing.STATUSES),
        table=table_id,
        by=query.text(request, "requested_by"),
        since=query.moment(request, "since", listing.begin_of),
        until=query.moment(request, "until", listing.end_of),
    )
    return paged(request, found, answers.dispatches)


urlpatterns = [
    path("tables/<int:table_id>/dispatches/", TableDispatches.as_view(), name="table-dispatches"),
    path("tables/<int:table_id>/cancel-runs/", TableCancelRuns.as_view(), name="cancel-runs"),
    path("tables/<int:table_id>/pause-runs/", TablePauseRuns.as_view(), name="pause-runs"),
    path("tables/<int:table_id>/resume-runs/", TableResumeRuns.as_view(), name="resume-runs"),
    path("tables/<int:table_id>/run-state/", TableRunState.as_view(), name="run-state"),
    path(
        "tables/<int:table_id>/rows/<int:row_id>/executions/<int:group_id>/",
        CellExecution.as_view(),
        name="execution",
    ),
    path("dispatches/", Dispatches.as_view(), name="dispatches"),
    path("dispatches/<int:dispatch_id>/", DispatchDetail.as_view(), name="dispatch"),
    path("dispatches/<int:dispatch_id>/windows/", DispatchWindows.as_view(), name="dispatch-windows"),
    path("dispatches/<int:dispatch_id>/errors/", DispatchErrors.as_view(), name="dispatch-errors"),
    path("dispatches/<int:dispatch_id>/slowest/", DispatchSlowest.as_view(), name="dispatch-slowest"),
    path("dispatches/<int:dispatch_id>/cancel/", DispatchCancel.as_view(), name="dispatch-cancel"),
    path("dispatches/<int:dispatch_id>/pause/", DispatchPause.as_view(), name="dispatch-pause"),
    path("dispatches/<int:dispatch_id>/resume/", DispatchResume.as_view(), name="dispatch-resume"),
    path("dispatches/<int:dispatch_id>/run-failed/", DispatchRunFailed.as_view(), name="dispatch-run-failed"),
]
