"""POSTs that may be sent twice: the same key and body within a day give the first answer again.

The key is written first, in the transaction of the work itself: work and answer are committed together or not at all.
A second request with the key waits at the unique index for the first one's commit; an error leaves no key behind.

What calls other servers has no transaction: its key is committed first, and holds for as long as such work may take.
A second request is told meanwhile that the first is under way.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from psycopg.errors import LockNotAvailable
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tableflow.api.models import IdempotencyKey
from tableflow.errors import Conflict, InvalidInput

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
LONGEST_WORK = timedelta(minutes=5)
"""A key whose work has given no answer for so long belongs to a process that died."""
PATIENCE_SECONDS = 20
MAX_KEY_LENGTH = 255

Post = Callable[..., Response]


def once(post: Post) -> Callable[..., HttpResponseBase]:
    """For a view's `post`, or `put`, that makes something: honours the header where it is given."""
    return _honouring(post, _once)


def once_outside(post: Post) -> Callable[..., HttpResponseBase]:
    """The same for a `post` that calls other servers: it runs in no transaction, and for minutes maybe."""
    return _honouring(post, _once_outside)


def purge() -> int:
    """Forget the answers that are older than a day; gives how many they were."""
    return IdempotencyKey.objects.filter(created_at__lt=Now() - KEPT).delete()[0]


def _honouring(
    post: Post, once_: Callable[[Request, str, Callable[[], Response]], HttpResponse]
) -> Callable[..., HttpResponseBase]:
    @functools.wraps(post)
    def answer(view: APIView, request: Request, **kwargs: Any) -> HttpResponseBase:
        key = request.headers.get(HEADER)
        if key is None:
            return post(view, request, **kwargs)
        return once_(request, _checked(key), lambda: post(view, request, **kwargs))

    answer.is_idempotent = True  # type: ignore[attr-defined]  # for the OpenAPI document
    return answer


def _checked(key: str) -> str:
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise InvalidInput.at(HEADER, f"The key is 1 to {MAX_KEY_LENGTH} printable characters of ASCII.")
    return key


def _once(request: Request, key: str, work: Callable[[], Response]) -> HttpResponse:
    place = {"user": request.user, "key": key, "path": f"{request.method} {request.path}"}
    digest = _digest(request)
    IdempotencyKey.objects.filter(**place, created_at__lt=Now() - KEPT).delete()
    with transaction.atomic():
        record = _first(place, digest)
        if record is not None:
            return _answered(record, work())
    return _replayed(IdempotencyKey.objects.get(**place), digest)


def _once_outside(request: Request, key: str, work: Callable[[], Response]) -> HttpResponse:
    place = {"user": request.user, "key": key, "path": f"{request.method} {request.path}"}
    digest = _digest(request)
    abandoned = Q(response_status=None, created_at__lt=Now() - LONGEST_WORK)
    IdempotencyKey.objects.filter(abandoned | Q(created_at__lt=Now() - KEPT), **place).delete()
    record = _first(place, digest)
    if record is None:
        return _replayed_outside(place, digest)
    with ExitStack() as undo:
        undo.callback(record.delete)
        response = _answered(record, work())
        undo.pop_all()
    return response


def _replayed_outside(place: dict[str, Any], digest: str) -> HttpResponse:
    found = IdempotencyKey.objects.filter(**place).first()
    if found is None or (found.response_status is None and found.request_hash == digest):
        raise _under_way()
    return _replayed(found, digest)


def _answered(record: IdempotencyKey, response: Response) -> HttpResponse:
    record.response_status = response.status_code
    record.response_body = JSONRenderer().render(response.data).decode()
    record.save(update_fields=["response_status", "response_body"])
    return _given(record)


def _under_way() -> Conflict:
    return Conflict("A request with this key is still under way; ask again in a moment.", "in_progress")


def _first(place: dict[str, Any], digest: str) -> IdempotencyKey | None:
    """The record of this request, when it is the first with its key; it waits for another that is under way."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE_SECONDS}s'")
            record = IdempotencyKey.objects.create(**place, request_hash=digest, created_at=Now())
            cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
            return record
    except IntegrityError:
        return None
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise _under_way() from error
        raise


def _replayed(record: IdempotencyKey, digest: str) -> HttpResponse:
    if record.request_hash != digest:
        raise Conflict("This key was used with another body; use a new key for a new request.", "key_reused")
    response = _given(record)
    response[REPLAYED_HEADER] = "true"
    return response


def _given(record: IdempotencyKey) -> HttpResponse:
    return HttpResponse(record.response_body, status=record.response_status, content_type="application/json")


def _digest(request: Request) -> str:
    """SHA-256 of what is asked: the values of a body, however they are written, and the bytes of its files."""
    digest = hashlib.sha256()
    if not request.FILES or not isinstance(request.data, dict):
        digest.update(json.dumps(request.data, sort_keys=True).encode())
        return digest.hexdigest()
    for name, value in sorted(request.data.items(), key=lambda field: field[0]):
        if isinstance(value, UploadedFile):
            _add_file(digest, name, value)
        else:
            digest.update(json.dumps([name, value]).encode())
    return digest.hexdigest()


def _add_file(digest: Any, name: str, file: UploadedFile[Any]) -> None:
    digest.update(json.dumps([name, file.name, file.size]).encode())
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
