"""Logging in and out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from tableflow.grid.access import strict


class Login(LoginView):
    """The log-in page; who has logged in already goes on."""

    template_name = "grid/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        return strict(response) if isinstance(response, HttpResponse) else response
