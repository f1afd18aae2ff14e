"""JSON bodies, checked as a whole before anyone reads a field of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.status import HTTP_413_REQUEST_ENTITY_TOO_LARGE

from tableflow.errors import InvalidInput

MAX_DEPTH = 100


class TooLarge(APIException):
    """413: the body is larger than a body may be."""

    status_code = HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class JsonBody(JSONParser):
    """Strict JSON in UTF-8, no larger than settings say, with nothing in it that no database can hold."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """The body. ParseError, InvalidInput or TooLarge otherwise."""
        value = _decoded(_read(stream))
        check_value(value)
        # A body that is no object goes on as it is: the serializers say what they want in its place.
        return value  # type: ignore[no-any-return]


def _read(stream: IO[Any]) -> bytes:
    most = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
    body: bytes = stream.read(most + 1)
    if len(body) > most:
        raise TooLarge(f"The body is larger than {most // 2**20} MiB, which is the most.")
    return body


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refused)
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}") from error
    except RecursionError as error:
        raise ParseError(f"The body is nested more than {MAX_DEPTH} levels deep.") from error


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON value")


def check_value(value: Any) -> None:
    """InvalidInput, naming the place, when a text or number cannot be stored or the value is nested too deep."""
    pending: list[tuple[str, int, Any]] = [("", 0, value)]
    while pending:
        attr, depth, item = pending.pop()
        if isinstance(item, str):
            _check_text(attr, item)
        elif isinstance(item, dict | list):
            if depth >= MAX_DEPTH:
                raise InvalidInput.at(attr, f"The value is nested more than {MAX_DEPTH} levels deep.", "too_deep")
            members = item.items() if isinstance(item, dict) else enumerate(item)
            for key, member in members:
                place = f"{attr}.{key}" if attr else str(key)
                if isinstance(key, str):
                    _check_text(attr or "body", key)
                if isinstance(member, str | dict | list):
                    pending.append((place, depth + 1, member))
                elif isinstance(member, float) and not math.isfinite(member):
                    raise InvalidInput.at(place, "The number is too large to be stored.", "out_of_range")


def _check_text(attr: str, text: str) -> None:
    if "\x00" in text:
        raise InvalidInput.at(attr, "A NUL character cannot be stored; remove it.", "null_characters_not_allowed")
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput.at(attr, "The text has half of a surrogate pair in it, which is no character.") from error
