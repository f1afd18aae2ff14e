"""Who asks: a program by its token, a page by its session."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

MAX_TOKEN_BYTES = 256


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]
    """`Authorization: Bearer TOKEN`. It stands first, so that a missing credential is a 401 that names Bearer."""

    def authenticate_credentials(self, token: bytes) -> Any:
        """The token's user. AuthenticationFailed for what cannot be a token, without asking the database."""
        if len(token) > MAX_TOKEN_BYTES or not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registration at definition
    """How the OpenAPI document describes it."""

    target_class = "tableflow.api.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:  # noqa: ARG002
        """An HTTP bearer scheme."""
        return dict(build_bearer_security_scheme_object("Authorization", "Bearer"))
