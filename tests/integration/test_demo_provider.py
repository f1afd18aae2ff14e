from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import openai
import pytest
from django.test import AsyncClient, override_settings
from django.urls import clear_url_caches

import tableflow.urls
from tableflow.demo import meters
from tableflow.demo.completions import MODEL
from tableflow.demo.door import with_demo
from tableflow.demo.views import MOST_BYTES
from tests.conftest import Web

MOMENT = {"latency_ms": "0", "fail": "none"}
PARIS = {"city": "Paris", "latitude": "48.85", "longitude": "2.35", **MOMENT}
PROMPT = "City: Paris\nCountry: France"


async def elsewhere(scope: Any, _: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"elsewhere"})


def ask(*requests: Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]) -> list[httpx2.Response]:
    """The answers to requests that are made at once."""

    async def all_of_them() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=with_demo(elsewhere))
        async with httpx2.AsyncClient(transport=transport, base_url="http://demo") as client:
            return list(await asyncio.gather(*(request(client) for request in requests)))

    return asyncio.run(all_of_them())


def get(path: str, **query: str) -> httpx2.Response:
    return ask(lambda client: client.get(path, params=query))[0]


def complete(**changes: Any) -> httpx2.Response:
    body = {
        "model": f"{MODEL}?latency_ms=0&fail=none",
        "messages": [{"role": "user", "content": PROMPT}],
        **changes,
    }
    return ask(lambda client: client.post("/demo/v1/chat/completions", json=body))[0]


def test_the_climate_is_an_estimate_and_says_so() -> None:
    response = get("/demo/climate", **PARIS)
    assert response.status_code == 200
    answer = response.json()
    assert (answer["city"], answer["climate_zone"], answer["source"]) == ("Paris", "temperate", "demo")
    assert "not measured weather" in answer["note"]
    assert answer == get("/demo/climate", **PARIS).json()


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"city": ""}, "city"),
        ({"city": "x" * 201}, "city"),
        ({"latitude": "north"}, "latitude"),
        ({"latitude": "91"}, "latitude"),
        ({"latitude": "nan"}, "latitude"),
        ({"longitude": "-180.5"}, "longitude"),
        ({"latency_ms": "99999"}, "latency_ms"),
        ({"fail": "perhaps"}, "fail"),
    ],
)
def test_bad_input_is_a_400_that_names_the_parameter(changes: dict[str, str], param: str) -> None:
    response = get("/demo/climate", **{**PARIS, **changes})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_a_failure_can_be_asked_for() -> None:
    for status in (401, 404, 429, 500, 503):
        response = get("/demo/climate", **{**PARIS, "fail": str(status)})
        assert response.status_code == status
        assert response.json()["error"]["message"].startswith("Demo failure")
    assert get("/demo/climate", **{**PARIS, "fail": "429", "retry_after": "3"}).headers["retry-after"] == "3"


def test_a_request_that_was_turned_away_once_succeeds_when_tried_again() -> None:
    query = {**PARIS, "fail": "once", "meter": uuid4().hex}
    assert [get("/demo/climate", **query).status_code for _ in range(2)] == [429, 200]


def test_requests_at_once_are_counted_by_meter() -> None:
    meter = uuid4().hex
    query = {**PARIS, "latency_ms": "50", "meter": meter}
    ask(*[lambda client: client.get("/demo/climate", params=query)] * 40)
    stats = get("/demo/stats", meter=meter).json()
    assert (stats["requests"], stats["in_flight"], stats["most_in_flight"]) == (40, 0, 40)
    cleared = ask(lambda client: client.delete("/demo/stats", params={"meter": meter}))[0].json()
    assert (cleared["requests"], cleared["most_in_flight"]) == (0, 0)


def test_a_client_that_leaves_is_no_longer_waited_for() -> None:
    meter = uuid4().hex
    query = f"city=Paris&latitude=48&latency_ms=10000&meter={meter}"
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/demo/climate",
        "query_string": query.encode(),
        "headers": [],
    }
    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])
    in_flight = []

    async def receive() -> Any:
        in_flight.append(meters.reading(meter)["in_flight"])
        return next(messages)

    async def refuse(message: Any) -> None:
        raise AssertionError(f"Nobody is there to get {message}.")

    asyncio.run(asyncio.wait_for(with_demo(elsewhere)(scope, receive, refuse), 5))
    assert [*in_flight, meters.reading(meter)["in_flight"]] == [0, 1, 0]


def test_a_completion_has_the_shape_of_openais() -> None:
    answer = complete().json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"] == "Paris is a place in France."
    assert set(answer["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
        (b'{"model": NaN}', "body"),
        (b" " * (MOST_BYTES + 1), "body"),
        (json.dumps({"model": MODEL}).encode(), "messages"),
    ],
)
def test_a_bad_body_is_a_400(content: bytes, param: str) -> None:
    response = ask(lambda client: client.post("/demo/v1/chat/completions", content=content))[0]
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_an_unknown_model_is_a_404_as_openai_has_it() -> None:
    response = complete(model="gpt-0")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"


def test_the_models_and_the_parameters_are_listed() -> None:
    assert [model["id"] for model in get("/demo/v1/models").json()["data"]] == [MODEL]
    assert "latency_ms" in get("/demo/").json()["parameters"]


def test_unknown_addresses_and_methods_are_refused_in_json() -> None:
    assert get("/demo/nothing").status_code == 404
    assert "error" in get("/demo/v1/nothing/../x").json()
    refused = ask(lambda client: client.delete("/demo/climate"))[0]
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


def test_every_other_address_is_the_applications_own() -> None:
    assert [get(path).status_code for path in ("/", "/demos/climate", "/api/v1/tables/")] == [418, 418, 418]


@pytest.fixture
def without_demo() -> Iterator[None]:
    with override_settings(DEMO=False):
        importlib.reload(tableflow.urls)
        clear_url_caches()
        yield
    importlib.reload(tableflow.urls)
    clear_url_caches()


def test_the_provider_is_served_through_django_too() -> None:
    response = asyncio.run(AsyncClient().get("/demo/climate", PARIS))
    assert response.status_code == 200
    posted = asyncio.run(AsyncClient(enforce_csrf_checks=True).post("/demo/v1/chat/completions", {}))
    assert posted.status_code == 400


def test_without_demo_there_is_no_provider(without_demo: None) -> None:
    response = asyncio.run(AsyncClient().get("/demo/climate", PARIS))
    assert response.status_code == 404


def test_a_web_process_without_demo_has_no_provider(start_web: Callable[..., Web]) -> None:
    web = start_web(TABLEFLOW_DEMO="0")
    assert httpx2.get(f"{web.url}/demo/", timeout=10).status_code == 404


def test_openais_own_client_understands_the_web_process(live_web: Web) -> None:
    schema = {
        "type": "object",
        "properties": {"summary": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["summary", "tags"],
        "additionalProperties": False,
    }
    with openai.OpenAI(base_url=f"{live_web.url}/demo/v1", api_key="demo", max_retries=0, timeout=10) as client:
        answer = client.chat.completions.create(
            model=f"{MODEL}?latency_ms=0&fail=none",
            messages=[{"role": "user", "content": PROMPT}],
            response_format={"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}},
        )
        assert json.loads(answer.choices[0].message.content or "")["summary"] == "Paris is a place in France."
        assert answer.usage is not None
        assert answer.usage.completion_tokens > 0
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(
                model=f"{MODEL}?latency_ms=0&fail=429&retry_after=2", messages=[{"role": "user", "content": PROMPT}]
            )
        assert caught.value.response.headers["retry-after"] == "2"
        assert [model.id for model in client.models.list()] == [MODEL]
