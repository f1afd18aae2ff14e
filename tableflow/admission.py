"""What lets somebody into a stream, and still does: the session of a page, or a program's token."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from knox.models import get_token_model
from rest_framework.request import Request

from tableflow.live.passes import Pass, View
from tableflow.tables.models import Table


@dataclass(frozen=True)
class SessionPass:
    """The session of somebody who has logged in; it counts until they log out or change their password."""

    user_id: int
    session_key: str

    def look(self) -> View | None:
        """The tables of the session's user; None when it is nobody's any more."""
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(self.session_key)
        user = get_user(request)
        return _tables_of(user) if user.pk == self.user_id else None


@dataclass(frozen=True)
class TokenPass:
    """A token; it counts until it is revoked or has expired."""

    user_id: int
    digest: str

    def look(self) -> View | None:
        """The tables of the token's user; None when it is good no more."""
        good = Q(expiry=None) | Q(expiry__gt=timezone.now())
        token = get_token_model().objects.filter(good, pk=self.digest).select_related("user").first()
        return _tables_of(token.user) if token is not None else None


def of(request: Request) -> Pass:
    """What the caller of a view came in by."""
    user = cast("User", request.user)
    if request.auth is not None:
        return TokenPass(user.pk, request.auth.pk)
    session: Any = request._request.session  # noqa: SLF001  (DRF has no other way to it)
    return SessionPass(user.pk, session.session_key)


def _tables_of(user: AbstractBaseUser | AnonymousUser) -> View | None:
    if not user.is_active:
        return None
    return dict(Table.objects.visible_to(user).values_list("pk", "name"))
