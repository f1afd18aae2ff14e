"""The OpenAPI document: what spectacular reads off the views, and what is the same for all of them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from tableflow.api import idempotency

BODIES = ("POST", "PUT", "PATCH")
WRITES = (*BODIES, "DELETE")
MEANINGS = {
    "400": "The request is wrong; each error names the field.",
    "401": "No credential, or a wrong one.",
    "403": "You may see this, but not do it.",
    "404": "It does not exist, or not for you.",
    "409": "Its state does not allow it, a value is not the expected one, or the Idempotency-Key was used with another "
    "body.",
    "413": "The body is too large.",
    "415": "The body is of another media type than this takes.",
}


class Problem(serializers.Serializer[Any]):
    """One thing that is wrong."""

    code = serializers.CharField(help_text="A word for programs.")
    detail = serializers.CharField(help_text="A sentence for people: what is wrong and what to do.")
    attr = serializers.CharField(allow_null=True, help_text="Where it is wrong, dotted: rows.0.data.name")


class Error(serializers.Serializer[Any]):
    """The shape of every error."""

    type = serializers.ChoiceField(["validation_error", "client_error", "server_error"])
    errors = Problem(many=True)  # type: ignore[assignment]


class DescribedView(AutoSchema):
    """An operation with the errors that it can answer, and the header that makes it safe to send twice."""

    def get_override_parameters(self) -> list[Any]:
        """The Idempotency-Key, where the view honours it."""
        if not getattr(getattr(self.view, self.method.lower()), "is_idempotent", False):
            return []
        detail = "The same key and body within 24 hours give the first answer again; another body gives 409."
        return [OpenApiParameter(idempotency.HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, description=detail)]

    def get_tags(self) -> list[str]:
        """The module of the view: tables, columns, rows …"""
        return [type(self.view).__module__.rpartition(".")[2]]

    def _get_request_body(self, direction: Any = "request") -> Any:
        doomed = getattr(self.view, "body_of_delete", None)
        if self.method != "DELETE" or doomed is None:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        schema = self.resolve_serializer(doomed, direction).ref
        return {"content": {"application/json": {"schema": schema}}, "required": True}

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        if direction != "response":
            return bodies
        errors = {code: self._get_response_for_code(_error(code), code) for code in self._error_codes()}  # type: ignore[no-untyped-call]
        return {**errors, **bodies}

    def _error_codes(self) -> list[str]:
        is_write = self.method in WRITES
        parameters = {parameter["in"] for parameter in self._get_parameters()}
        is_open = not any(self.get_auth())
        answered = {
            "400": is_write or "query" in parameters,
            "401": not is_open,
            "403": is_write or getattr(self.view, "is_for_staff", False),
            "404": "path" in parameters,
            "409": is_write,
            "413": self.method in BODIES,
            "415": self.method in BODIES,
        }
        return [code for code, is_answered in answered.items() if is_answered]


def _error(code: str) -> OpenApiResponse:
    return OpenApiResponse(Error, MEANINGS[code])
