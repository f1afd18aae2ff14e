"""Imports over HTTP: upload a file, watch it load, cancel it."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tableflow.api import access
from tableflow.api.idempotency import once
from tableflow.api.parsing import TooLarge
from tableflow.errors import Conflict, NotFound
from tableflow.tables.imports import detect, lifecycle, upload
from tableflow.tables.models import Import, Table

# What a multipart body may have besides the file: the fields and the boundaries.
_ENVELOPE_BYTES = 4 * 1024 * 1024


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
        help_text="The first 1,000 rejected lines; `rejected` counts all."
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
        """As they were recorded."""
        return source.errors


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


class ImportRequest(serializers.Serializer[Any]):
    """A file and what to do with it."""

    file = serializers.FileField(help_text="csv, tsv or jsonl, at most 2 GiB, in any common encoding.")
    mapping = Mapping(default=dict, help_text="JSON object: name in the file → column key, or null to leave it out.")
    create_columns = serializers.BooleanField(
        default=True, help_text="Make a column for what has none; otherwise such a file is refused."
    )
    mode = serializers.ChoiceField(choices=Import.Mode.choices, default=Import.Mode.APPEND)


class NewTableImportRequest(ImportRequest):
    """A file for a new table."""

    name = serializers.CharField(max_length=128, default="", allow_blank=True, help_text="The file's name when absent.")


class _Upload(APIView):
    parser_classes = (MultiPartParser,)

    def receive(self, request: Request, body: type[ImportRequest], table: Table | None) -> Response:
        """202 with the pending import; 400, 413 or 415 with nothing written."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > upload.MAX_FILE_BYTES + _ENVELOPE_BYTES:
            raise TooLarge("The file is too large; at most 2 GiB can be imported at once.")
        wanted = body(data=request.data)
        wanted.is_valid(raise_exception=True)
        file = wanted.validated_data.pop("file")
        try:
            source = upload.receive(
                file,
                file.name,
                user=cast("AbstractBaseUser", request.user),
                table=table,
                wish=upload.Wish(**wanted.validated_data),
            )
        except detect.UnsupportedFormat as error:
            raise UnsupportedMediaType(file.content_type or "", detail=error.problems[0].detail) from error
        except upload.TooLarge as error:
            raise TooLarge(str(error)) from error
        return Response(ImportSerializer(source).data, status=status.HTTP_202_ACCEPTED)


class NewTableImports(_Upload):
    """Files into new tables."""

    @extend_schema(request={"multipart/form-data": NewTableImportRequest}, responses={202: ImportSerializer})
    @once
    def post(self, request: Request) -> Response:
        """Make a table out of a file: its header names the columns, their types are told from the first 1,000 lines."""
        return self.receive(request, NewTableImportRequest, None)


class TableImports(_Upload):
    """Files into a table that is there."""

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


def _visible(request: Request, import_id: int) -> Import:
    seen = Import.objects.filter(table__in=Table.objects.visible_to(request.user), pk=import_id).first()
    if seen is None:
        raise NotFound("There is no such import.")
    return seen


urlpatterns = [
    path("imports/", NewTableImports.as_view(), name="imports"),
    path("tables/<int:table_id>/imports/", TableImports.as_view(), name="table-imports"),
    path("imports/<int:import_id>/", ImportDetail.as_view(), name="import"),
    path("imports/<int:import_id>/cancel/", ImportCancel.as_view(), name="import-cancel"),
]
