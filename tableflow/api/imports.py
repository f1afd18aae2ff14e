"""Imports over HTTP: look at a file before, upload it, watch it load, cancel it, fetch what was rejected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import PurePath
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpResponse
from django.urls import path
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tableflow.api import access, query
from tableflow.api.idempotency import once
from tableflow.api.negotiation import JsonAnyway
from tableflow.api.pagination import Pages, paged
from tableflow.api.parsing import TooLarge
from tableflow.errors import Conflict, NotFound
from tableflow.tables.imports import detect, lifecycle, preview, rejects, upload
from tableflow.tables.models import Import, Table
from tableflow.tables.types import TYPES

# What a multipart body may have besides the file: the fields and the boundaries.
_ENVELOPE_BYTES = 4 * 1024 * 1024
_ERRORS_IN_A_LIST = 20

RejectedLine = inline_serializer(
    "RejectedLine",
    {
        "line": serializers.IntegerField(allow_null=True, help_text="The line in the file; null: the whole import."),
        "attr": serializers.CharField(allow_null=True, help_text="The column's key; null: the line as a whole."),
        "detail": serializers.CharField(),
    },
    many=True,
)


class ImportSerializer(serializers.ModelSerializer[Import]):
    """An import and how far it is."""

    rows_total = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="An estimate by the file's line ends until the import is complete."
    )
    errors = serializers.SerializerMethodField(  # type: ignore[assignment]  # the contract's name; DRF allows it
        help_text="The first 1,000 rejected lines, in a list of imports the first 20; `rejected` counts all."
    )

    class Meta:
        model = Import
        fields = (
            "id",
            "status",
            "table",
            "file_name",
            "format",
            "mode",
            "rows_done",
            "rows_total",
            "rejected",
            "errors",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields

    @extend_schema_field(RejectedLine)
    def get_errors(self, source: Import) -> Any:
        """As they were recorded, as many of them as `most_errors` in the context says."""
        return source.errors[: self.context.get("most_errors")]


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "nullable": True}})
class Mapping(serializers.JSONField):
    """A JSON object of texts and nulls, written as text."""

    default_error_messages = {"shape": "Give a JSON object: name in the file → column key, or null."}

    def to_internal_value(self, data: Any) -> dict[str, str | None]:
        try:
            mapping = super().to_internal_value(data)
        except RecursionError:
            self.fail("shape")
        if not isinstance(mapping, dict) or not all(key is None or isinstance(key, str) for key in mapping.values()):
            self.fail("shape")
        return mapping


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string", "enum": list(TYPES)}})
class Types(serializers.JSONField):
    """A JSON object of column types, written as text."""

    default_error_messages = {"shape": "Give a JSON object: name in the file → column type."}

    def to_internal_value(self, data: Any) -> dict[str, str]:
        try:
            wanted = super().to_internal_value(data)
        except RecursionError:
            self.fail("shape")
        if not isinstance(wanted, dict) or not all(isinstance(type_, str) for type_ in wanted.values()):
            self.fail("shape")
        return wanted


class PreviewRequest(serializers.Serializer[Any]):
    """The beginning of a file, and what would be done with the file."""

    file = serializers.FileField(
        help_text="The first bytes of a csv, tsv or jsonl file, at most 1 MiB; or a whole xlsx of at most 16 MiB."
    )
    mapping = Mapping(default=dict, help_text="As for an import.")
    types = Types(default=dict, help_text="As for an import.")
    create_columns = serializers.BooleanField(default=True)
    sheet = serializers.CharField(default="", allow_blank=True, max_length=255)


class ImportRequest(serializers.Serializer[Any]):
    """A file and what to do with it."""

    file = serializers.FileField(help_text="csv, tsv, jsonl or xlsx, at most 2 GiB, in any common encoding.")
    mapping = Mapping(default=dict, help_text="JSON object: name in the file → column key, or null to leave it out.")
    create_columns = serializers.BooleanField(
        default=True, help_text="Make a column for what has none; otherwise such a file is refused."
    )
    types = Types(
        default=dict,
        help_text="JSON object: name in the file → type of the new column that is made for it, also where a column of "
        "that name is there. Without one the type is told from the first 1,000 lines.",
    )
    sheet = serializers.CharField(
        default="", allow_blank=True, max_length=255, help_text="Of a workbook (xlsx): its first sheet when absent."
    )
    mode = serializers.ChoiceField(choices=Import.Mode.choices, default=Import.Mode.APPEND)


class NewTableImportRequest(ImportRequest):
    """A file for a new table."""

    name = serializers.CharField(max_length=128, default="", allow_blank=True, help_text="The file's name when absent.")


PreviewedColumns = inline_serializer(
    "PreviewedColumn",
    {
        "header": serializers.CharField(help_text="The field's name in the file, made usable."),
        "type": serializers.CharField(help_text="What a new column would be: as wished, else as its values tell."),
        "column": serializers.CharField(allow_null=True, help_text="The key of the column that it would go to."),
        "create": serializers.BooleanField(help_text="A new column would be made. False without a column: left out."),
        "samples": serializers.ListField(child=serializers.CharField()),
    },
    many=True,
)
Previewed = inline_serializer(
    "ImportPreview",
    {
        "format": serializers.ChoiceField(choices=Import.Format.choices),
        "encoding": serializers.CharField(),
        "delimiter": serializers.CharField(allow_null=True),
        "sheet": serializers.CharField(allow_null=True, help_text="The sheet of a workbook that would be read."),
        "sheets": serializers.ListField(child=serializers.CharField()),
        "rows_total": serializers.IntegerField(allow_null=True, help_text="What a workbook says that it has."),
        "columns": PreviewedColumns,
        "rows": serializers.ListField(
            child=serializers.ListField(child=serializers.CharField(allow_null=True)),
            help_text="The first 20, as texts.",
        ),
        "sampled": serializers.IntegerField(help_text="How many records were tried."),
        "rejected": serializers.IntegerField(help_text="How many of them would be rejected."),
        "problems": inline_serializer(
            "ImportPreviewProblem",
            {
                "line": serializers.IntegerField(allow_null=True, help_text="null: what is asked for cannot be done."),
                "attr": serializers.CharField(allow_null=True, help_text="The name in the file, or what was asked."),
                "detail": serializers.CharField(),
            },
            many=True,
        ),
    },
)


class _Upload(APIView):
    parser_classes = (MultiPartParser,)

    def receive(self, request: Request, body: type[ImportRequest], table: Table | None) -> Response:
        """202 with the pending import; 400, 413 or 415 with nothing written."""
        file, wish = self._sent(request, body, upload.MAX_FILE_BYTES, "at most 2 GiB can be imported at once")
        user = cast("AbstractBaseUser", request.user)
        with _refusals(file):
            source = upload.receive(file, file.name, user=user, table=table, wish=wish)
        return Response(ImportSerializer(source).data, status=status.HTTP_202_ACCEPTED)

    def preview(self, request: Request, table: Table | None) -> Response:
        """What an import would do; 400, 413 or 415 where there would be none."""
        most = preview.MAX_WORKBOOK_BYTES
        file, wish = self._sent(request, PreviewRequest, most, "give its first MiB, or a workbook of at most 16 MiB")
        with _refusals(file):
            return Response(asdict(preview.preview(file, file.name, table=table, wish=wish)))

    def _sent(
        self, request: Request, body: type[serializers.Serializer[Any]], most_bytes: int, what: str
    ) -> tuple[Any, upload.Wish]:
        """The file of a request, and the wish."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > most_bytes + _ENVELOPE_BYTES:
            raise TooLarge(f"The file is too large; {what}.")
        wanted = body(data=request.data)
        wanted.is_valid(raise_exception=True)
        return wanted.validated_data.pop("file"), upload.Wish(**wanted.validated_data)


@contextmanager
def _refusals(file: Any) -> Iterator[None]:
    """What is refused of a file, as the API says it."""
    try:
        yield
    except detect.UnsupportedFormat as error:
        raise UnsupportedMediaType(file.content_type or "", detail=error.problems[0].detail) from error
    except upload.TooLarge as error:
        raise TooLarge(str(error)) from error


class NewTableImports(_Upload):
    """Files into new tables."""

    @extend_schema(request={"multipart/form-data": NewTableImportRequest}, responses={202: ImportSerializer})
    @once
    def post(self, request: Request) -> Response:
        """Make a table out of a file: its header names the columns, their types are told from the first 1,000 lines."""
        return self.receive(request, NewTableImportRequest, None)


class NewTablePreview(_Upload):
    """Files that could become tables."""

    @extend_schema(request={"multipart/form-data": PreviewRequest}, responses=Previewed)
    def post(self, request: Request) -> Response:
        """Say what a new table out of the file would be. Nothing is kept."""
        return self.preview(request, None)


class TablePreview(_Upload):
    """Files that could go into a table."""

    @extend_schema(request={"multipart/form-data": PreviewRequest}, responses=Previewed)
    def post(self, request: Request, table_id: int) -> Response:
        """Say what an import of the file into the table would do. Nothing is kept."""
        return self.preview(request, access.editable_table(request, table_id))


class TableImports(_Upload):
    """Files into a table that is there."""

    pagination_class = Pages

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "status", enum=["active", *Import.Status.values], description="active: pending or running."
            )
        ],
        responses=ImportSerializer(many=True),
        operation_id="table_imports_list",
    )
    def get(self, request: Request, table_id: int) -> Response:
        """The imports into the table, the newest first."""
        access.table(request, table_id)
        found = Import.objects.filter(table=table_id).order_by("-pk")
        wanted = query.choice(request, "status", ["active", *Import.Status.values])
        if wanted:
            found = found.filter(status__in=lifecycle.ACTIVE if wanted == "active" else [wanted])
        context = {"most_errors": _ERRORS_IN_A_LIST}
        return paged(request, found, lambda page: list(ImportSerializer(page, many=True, context=context).data))

    @extend_schema(request={"multipart/form-data": ImportRequest}, responses={202: ImportSerializer})
    @once
    def post(self, request: Request, table_id: int) -> Response:
        """Add a file's lines to the table as rows, or put them in the place of its rows (`mode=replace`).

        A field goes to the column that the mapping names, else to the one of that key or name, else to a new one.
        """
        return self.receive(request, ImportRequest, access.editable_table(request, table_id))


class ImportDetail(APIView):
    """One import."""

    @extend_schema(responses=ImportSerializer)
    def get(self, request: Request, import_id: int) -> Response:
        """How far the import is, and which lines were rejected."""
        return Response(ImportSerializer(_visible(request, import_id)).data)


class ImportCancel(APIView):
    """The end of an import before its time."""

    @extend_schema(request=None, responses=ImportSerializer)
    def post(self, request: Request, import_id: int) -> Response:
        """Stop the import: when this has answered, it adds no row.

        Rows already added stay; with `mode=replace` they go again, and the table keeps its old rows. Cancelling twice
        changes nothing; an import that has ended answers 409.
        """
        source = _visible(request, import_id)
        access.editable_table(request, source.table_id or 0)
        if not lifecycle.cancel(import_id):
            source.refresh_from_db()
            if source.status != Import.Status.CANCELLED:
                raise Conflict(f"The import has ended already: it is {source.status}.", "ended")
        source.refresh_from_db()
        return Response(ImportSerializer(source).data)


class ImportRejected(APIView):
    """The lines that an import rejected."""

    # `format` is the file's here, and not the name of a renderer.
    content_negotiation_class = JsonAnyway

    @extend_schema(
        parameters=[OpenApiParameter("format", enum=["csv"], default="csv")],
        responses={(200, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, import_id: int) -> HttpResponse:
        """The rejected lines as they stood in the file, to be mended and imported again: its columns, then `error`.

        The first 1,000 are kept, of their texts 1 MiB: the header `X-Rejected` says how many there were, and
        `X-Rejected-Kept` how many are here. For the import of the mended file leave the column `error` out:
        `mapping={"error": null}`.
        """
        source = _visible(request, import_id)
        query.choice(request, "format", ["csv"])
        stem = PurePath(source.file_name).stem or "import"
        name = content_disposition_header(as_attachment=True, filename=f"{stem}-rejected.csv") or "attachment"
        counts = {"X-Rejected": str(source.rejected), "X-Rejected-Kept": str(source.rejects.count())}
        headers = {"Content-Disposition": name, **counts}
        return HttpResponse(b"".join(rejects.as_csv(source)), content_type="text/csv; charset=utf-8", headers=headers)


def _visible(request: Request, import_id: int) -> Import:
    seen = Import.objects.filter(table__in=Table.objects.visible_to(request.user), pk=import_id).first()
    if seen is None:
        raise NotFound("There is no such import.")
    return seen


urlpatterns = [
    path("imports/", NewTableImports.as_view(), name="imports"),
    path("imports/preview/", NewTablePreview.as_view(), name="import-preview"),
    path("tables/<int:table_id>/imports/preview/", TablePreview.as_view(), name="table-import-preview"),
    path("tables/<int:table_id>/imports/", TableImports.as_view(), name="table-imports"),
    path("imports/<int:import_id>/", ImportDetail.as_view(), name="import"),
    path("imports/<int:import_id>/rejected/", ImportRejected.as_view(), name="import-rejected"),
    path("imports/<int:import_id>/cancel/", ImportCancel.as_view(), name="import-cancel"),
]
