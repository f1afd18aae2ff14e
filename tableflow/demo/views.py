"""The demo provider: a small HTTP API and an OpenAI-compatible one. It stores nothing and asks for no key."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from tableflow.demo import climate as climates
from tableflow.demo import completions, controls, errors, meters
from tableflow.demo.conditions import Conditions, conditions
from tableflow.errors import InvalidInput

View = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponseBase]]

MOST_BYTES = 1024 * 1024
_MOST_NAME = 200
_HTTP_MEDIAN_MS = 120.0
_MODEL_MEDIAN_MS = 400.0
_NOTE = "A demo estimate, computed from the latitude by a rule; not measured weather."


def _endpoint(*methods: str) -> Callable[[View], View]:
    """An async view of these methods; what its input cannot be used for is a 4xx in JSON."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        async def checked(request: HttpRequest) -> HttpResponseBase:
            if request.method not in methods:
                response = errors.answer(405, "Method not allowed.", kind="invalid_request_error")
                response.headers["Allow"] = ", ".join(methods)
                return response
            try:
                return await view(request)
            except InvalidInput as error:
                return errors.invalid(error)

        return checked

    return decorate


@_endpoint("GET")
async def index(_: HttpRequest) -> JsonResponse:
    """What there is, and how its behaviour is controlled."""
    return JsonResponse(
        {
            "about": "The demo provider of tableflow. Every answer is made by rule from its input.",
            "endpoints": {
                "GET /demo/climate": "city, latitude, longitude? → an estimate of the climate.",
                "POST /demo/v1/chat/completions": f"OpenAI-compatible; the model is {completions.MODEL}.",
                "GET /demo/v1/models": "The models.",
                "GET /demo/stats": "The requests of this web process; DELETE starts anew.",
            },
            "parameters": controls.PARAMETERS,
            "note": f"For the model they go behind its name: {completions.MODEL}?latency_ms=0&fail=none.",
        }
    )


@_endpoint("GET")
async def climate(request: HttpRequest) -> JsonResponse:
    """An estimate of a city's climate by its latitude."""
    asked = controls.read(request.GET.dict())
    city = _name(request, "city")
    latitude = _degrees(request, "latitude", 90)
    longitude = _degrees(request, "longitude", 180) if "longitude" in request.GET else None
    key = f"{city}\x1f{latitude}\x1f{longitude}"
    expected = conditions(asked, key, median_ms=_HTTP_MEDIAN_MS, failures=(500, 404), now=time.time())
    place = {"city": city, "latitude": latitude, "longitude": longitude}
    return await _served(
        asked, expected, lambda: {**place, **climates.estimate(latitude), "source": "demo", "note": _NOTE}
    )


@_endpoint("POST")
async def chat_completions(request: HttpRequest) -> JsonResponse:
    """One answer to a conversation."""
    asked = completions.check(_json(request))
    now = time.time()
    key = "\x1f".join(asked.messages)
    expected = conditions(asked.controls, key, median_ms=_MODEL_MEDIAN_MS, failures=(500, 503), now=now)
    return await _served(asked.controls, expected, lambda: completions.answer(asked, now))


@_endpoint("GET")
async def models(_: HttpRequest) -> JsonResponse:
    """The one model."""
    model = {"id": completions.MODEL, "object": "model", "created": 0, "owned_by": "tableflow-demo"}
    return JsonResponse({"object": "list", "data": [model]})


@_endpoint("GET", "DELETE")
async def stats(request: HttpRequest) -> JsonResponse:
    """The counts of this process, of all requests or of those under `meter`."""
    name = controls.read(request.GET.dict()).meter
    if request.method == "DELETE":
        meters.reset(name)
    return JsonResponse({"meter": name, "process": os.getpid(), **meters.reading(name)})


async def _served(asked: controls.Controls, expected: Conditions, answer: Callable[[], dict[str, Any]]) -> JsonResponse:
    """The answer after its latency, counted as in flight until then."""
    with meters.counted(asked.meter):
        await asyncio.sleep(expected.latency_seconds)
        if expected.status is not None:
            return errors.failure(expected.status, expected)
        return JsonResponse(answer())


def _name(request: HttpRequest, parameter: str) -> str:
    value = request.GET.get(parameter, "").strip()
    if not 1 <= len(value) <= _MOST_NAME:
        raise InvalidInput.at(parameter, f"{parameter} must be given, with 1 to {_MOST_NAME} characters.", "required")
    return value


def _degrees(request: HttpRequest, parameter: str, most: int) -> float:
    try:
        value = float(request.GET.get(parameter, ""))
    except ValueError:
        value = most + 1.0
    if not -most <= value <= most:
        raise InvalidInput.at(parameter, f"{parameter} must be given in degrees, from -{most} to {most}.")
    return value


def _json(request: HttpRequest) -> Any:
    if len(request.body) > MOST_BYTES:
        raise InvalidInput.at("body", f"The body must not be larger than {MOST_BYTES} bytes.")
    try:
        return json.loads(request.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput.at("body", "The body is not JSON.") from error


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON.")
