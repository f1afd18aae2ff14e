"""Error answers, in the shape of OpenAI's API, for all of the provider."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse

from tableflow.demo.conditions import Conditions
from tableflow.errors import InvalidInput

_MESSAGES = {
    401: ("invalid_request_error", "invalid_api_key", "Demo failure: the key is not accepted."),
    404: ("invalid_request_error", "not_found", "Demo failure: nothing is known about this input."),
    429: ("requests", "rate_limit_exceeded", "Demo failure: too many requests. Try again after Retry-After seconds."),
}


def answer(status: int, detail: str, *, kind: str, param: str | None = None, code: str | None = None) -> JsonResponse:
    """An error with its HTTP status."""
    error: dict[str, Any] = {"message": detail, "type": kind, "param": param, "code": code}
    return JsonResponse({"error": error}, status=status)


def invalid(error: InvalidInput) -> JsonResponse:
    """400, or 404 for a model that does not exist."""
    problem = error.problems[0]
    status = 404 if problem.code == "model_not_found" else 400
    return answer(status, problem.detail, kind="invalid_request_error", param=problem.attr, code=problem.code)


def failure(status: int, conditions: Conditions) -> JsonResponse:
    """A failure that the conditions asked for."""
    default = ("invalid_request_error", None, f"Demo failure: status {status}.")
    if status >= 500:
        default = ("server_error", None, "Demo failure: this input always fails.")
    kind, code, detail = _MESSAGES.get(status, default)
    response = answer(status, detail, kind=kind, code=code)
    if status == 429:
        response.headers["Retry-After"] = str(conditions.retry_after_seconds)
    return response
