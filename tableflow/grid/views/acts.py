"""What the buttons of the live pages ask for: POST forms, sent by htmx or, without scripts, by the browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh, trigger_client_event

from tableflow.errors import Conflict, InvalidInput, NotFound
from tableflow.grid.access import SignedIn, strict

P = ParamSpec("P")
REFUSALS: dict[type[Exception], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    PermissionDenied: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
}


@dataclass(frozen=True)
class Said:
    """What is to be said of an act, with a link to what came of it."""

    text: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True)
class Question:
    """What is asked before an act: `yes` is what the button says, `text` what the act will touch.

    `fields` are those of the form that the act needs again.
    """

    title: str
    text: str
    yes: str
    fields: Mapping[str, str] = field(default_factory=dict)


def act(
    does: Callable[Concatenate[SignedIn, P], str | Said],
    asks: Callable[Concatenate[SignedIn, P], Question] | None = None,
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """A view of a POST. `does` gives what is to be said of what it has done, or raises what it refuses.

    htmx is told by the events `told` and `refetch`, with the status of a refusal. Without scripts the answer leads
    back to where the form's field `next` says, and the page there says it; `asks` gives what a page asks before, in
    place of the question that scripts ask.
    """

    @wraps(does)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return HttpResponseClientRefresh() if _by_htmx(request) else redirect_to_login(_back(request))
        try:
            if asks is not None and not _by_htmx(request) and "sure" not in request.POST:
                question = asks(request, *args, **kwargs)  # type: ignore[arg-type]  # somebody has logged in
                return strict(render(request, "grid/sure.html", {"question": question, "back": _back(request)}))
            said = does(request, *args, **kwargs)  # type: ignore[arg-type]  # the same
        except tuple(REFUSALS) as refusal:
            status = next(status for kind, status in REFUSALS.items() if isinstance(refusal, kind))
            return _answer(request, Said(str(refusal)), status)
        return _answer(request, said if isinstance(said, Said) else Said(said), HTTPStatus.NO_CONTENT)

    return require_POST(guarded)


def _answer(request: HttpRequest, said: Said, status: HTTPStatus) -> HttpResponse:
    level = messages.ERROR if status >= HTTPStatus.BAD_REQUEST else messages.SUCCESS
    if not _by_htmx(request):
        link = format_html(' <a href="{}">{}</a>', said.href, said.link) if said.href else ""
        messages.add_message(request, level, format_html("{}{}", said.text, link))
        return HttpResponseRedirect(_back(request))
    response = HttpResponse(status=status)
    trigger_client_event(response, "told", {**asdict(said), "level": messages.DEFAULT_TAGS[level]})
    return trigger_client_event(response, "refetch")


def _by_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, {request.get_host()}) else reverse("grid:runs")
