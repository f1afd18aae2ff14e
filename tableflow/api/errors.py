"""Every error in the one shape: `{"type", "errors": [{"code", "detail", "attr"}]}`."""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.http.request import UnreadablePostError
from django.views import defaults
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import exceptions, status
from rest_framework.exceptions import ErrorDetail
from rest_framework.settings import api_settings

from tableflow import errors
from tableflow.api.parsing import TooLarge

logger = logging.getLogger(__name__)

PREFIX = "/api/"


class ConflictAnswer(exceptions.APIException):
    """409: the state does not allow it."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class ErrorHandler(ExceptionHandler):
    """Turns what views and the floors below raise into answers; all that is unknown is a 500, and logged."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """The APIException for an error of the domain or of Django; anything else as it is."""
        match exc:
            case errors.InvalidInput():
                return exceptions.ValidationError(_details(exc.problems))
            case errors.NotFound():
                return exceptions.NotFound(str(exc) or None)
            case errors.Conflict():
                return ConflictAnswer(_details(exc.problems))
            case RequestDataTooBig():
                return TooLarge("The body is too large.")
            case SuspiciousOperation() | UnreadablePostError():
                return exceptions.ParseError("The request cannot be read.")
            case DataError():
                # What the checks let through and PostgreSQL refused: the data's fault by its definition.
                logger.warning("PostgreSQL refused a value that no check had refused", exc_info=exc)
                return exceptions.ValidationError("A value cannot be stored.")
        return super().convert_known_exceptions(exc)

    def format_exception(self, exc: exceptions.APIException) -> dict[str, Any]:
        """The answer's body. What is wrong with a value as a whole is at the value: `caps`; null for the whole body."""
        body: dict[str, Any] = super().format_exception(exc)
        for problem in body["errors"]:
            problem["attr"] = _place(problem["attr"])
        return body


def _place(attr: str | None) -> str | None:
    whole = api_settings.NON_FIELD_ERRORS_KEY
    if attr is None or attr == whole:
        return None
    return attr.removesuffix(f".{whole}") or None


def _details(problems: list[errors.Problem]) -> dict[str, list[ErrorDetail]]:
    details = defaultdict(list)
    for problem in problems:
        details[problem.attr or api_settings.NON_FIELD_ERRORS_KEY].append(ErrorDetail(problem.detail, problem.code))
    return dict(details)


def _answer(status_code: int, type_: str, code: str, detail: str) -> JsonResponse:
    problem = {"code": code, "detail": detail, "attr": None}
    return JsonResponse({"type": type_, "errors": [problem]}, status=status_code)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """What Django itself refuses, such as an unknown host."""
    if request.path.startswith(PREFIX):
        return _answer(400, "client_error", "bad_request", "The request cannot be read.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """What Django itself does not allow."""
    if request.path.startswith(PREFIX):
        return _answer(403, "client_error", "permission_denied", "You may not do this.")
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """An address that does not exist."""
    if request.path.startswith(PREFIX):
        return _answer(404, "client_error", "not_found", "There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """A failure outside of any API view."""
    if request.path.startswith(PREFIX):
        return _answer(500, "server_error", "error", "Server Error (500)")
    return defaults.server_error(request)
