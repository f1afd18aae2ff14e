"""The llm step through the official client against a real server that speaks the API."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pytest_django import Settings

from cells import network
from cells.workflows.definition import check, compile_program
from cells.workflows.run import Completed, Failed, Result, run
from tableflow.errors import InvalidInput
from tests.web import Asked, Served, Told, serving

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def answer(content: str | None, **more: Any) -> Told:
    """A chat completion."""
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": more.pop("finish_reason", "stop")}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **more}
    return Told(200, json.dumps(body).encode(), {"content-type": "application/json"})


USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def ask(config: dict[str, Any], row: dict[str, Any] | None = None, **step: Any) -> Result:
    """Run a workflow of one llm step, whose output is the step's."""
    definition = {"id": "ask", "type": "llm", "config": {"model": "m", "prompt": "p", **config}, **step}
    check([], [definition], {"out": "{{ steps.ask }}"})
    program = compile_program([], [definition], {"out": "{{ steps.ask }}"})

    async def once() -> Result:
        try:
            return await run(program, {}, row or {})
        finally:
            await network.close()

    return asyncio.run(once())


def output(result: Result) -> Any:
    assert isinstance(result, Completed), result
    return result.outputs["out"]


def error(result: Result) -> str:
    assert isinstance(result, Failed), result
    return result.error


@pytest.fixture(autouse=True)
def no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def provide(monkeypatch: pytest.MonkeyPatch, server: Served, key: str = "k-123") -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/v1")
    monkeypatch.setenv("OPENAI_API_KEY", key)


def test_a_question_goes_to_the_operators_provider_and_the_tokens_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: answer("Paris", usage=USAGE)) as server:
        provide(monkeypatch, server)
        config = {"system": "Be short.", "prompt": "Capital of {{ row.c }}?", "temperature": 0, "max_tokens": 5}
        result = ask(config, {"c": "France"})
    assert output(result) == {
        "text": "Paris",
        "data": None,
        "usage": {"input_tokens": 11, "output_tokens": 7, "cost": None},
    }
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["authorization"]) == (
        "POST",
        "/v1/chat/completions",
        "Bearer k-123",
    )
    assert json.loads(asked.body) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": "Capital of France?"},
        ],
        "temperature": 0,
        "max_tokens": 5,
    }
    assert "k-123" not in json.dumps(result.trace)


def test_an_answer_by_a_schema_is_data(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: answer('{"city": "Paris"}')) as server:
        provide(monkeypatch, server)
        out = output(ask({"schema": CITY}))
    assert out["data"] == {"city": "Paris"}
    assert out["usage"] == {"input_tokens": None, "output_tokens": None, "cost": None}
    sent = json.loads(server.asked[0].body)["response_format"]
    assert sent == {"type": "json_schema", "json_schema": {"name": "answer", "schema": CITY}}


def test_an_answer_that_does_not_fit_the_schema_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([answer('{"town": 1}'), answer("Paris!"), answer('{"city": "Paris"}')])
    with serving(lambda _: next(answers)) as server:
        provide(monkeypatch, server)
        result = ask({"schema": CITY}, retry={"attempts": 3, "backoff_seconds": 0})
    assert output(result)["data"] == {"city": "Paris"}
    errors = [retry["error"] for retry in result.trace[0]["retries"]]
    assert "does not fit the schema: data.city: 'city' is required" in errors[0]
    assert "is no JSON" in errors[1]


def test_a_pattern_of_a_schema_cannot_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"type": "string", "pattern": "^(a+)+$"}
    with serving(lambda _: answer(json.dumps("a" * 60 + "!"))) as server:
        provide(monkeypatch, server)
        assert output(ask({"schema": schema}, timeout=20))["data"] == "a" * 60 + "!"


def test_an_answer_that_was_cut_off_says_so_and_is_kept_in_the_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: answer('{"city": "Pa', finish_reason="length", usage=USAGE)) as server:
        provide(monkeypatch, server)
        result = ask({"schema": CITY})
    assert "raise max_tokens" in error(result)
    assert result.trace[0]["output"]["text"] == '{"city": "Pa'
    assert result.trace[0]["output"]["usage"]["output_tokens"] == 7


def test_a_429_is_tried_again_after_what_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Told(
        429, b'{"error": {"message": "slow down"}}', {"content-type": "application/json", "retry-after": "0.01"}
    )
    waited = Told(429, b"busy", {"retry-after": "0"})
    answers = iter([refused, waited, answer("yes")])
    with serving(lambda _: next(answers)) as server:
        provide(monkeypatch, server)
        result = ask({}, retry={"attempts": 3, "backoff_seconds": 0})
    assert output(result)["text"] == "yes"
    assert "answered 429: slow down" in result.trace[0]["retries"][0]["error"]
    assert len(server.asked) == 3


def test_an_empty_purse_and_a_bad_key_are_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    poor = b'{"error": {"message": "no money", "code": "insufficient_quota"}}'
    answers = iter([Told(429, poor, {"content-type": "application/json"}), Told(401, b"{}")])
    with serving(lambda _: next(answers)) as server:
        provide(monkeypatch, server)
        assert "no money" in error(ask({}, retry={"attempts": 3, "backoff_seconds": 0}))
        assert "answered 401" in error(ask({}, retry={"attempts": 3, "backoff_seconds": 0}))
    assert len(server.asked) == 2


def test_a_refusal_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: answer(None, message={"refusal": "I would rather not."})) as server:
        provide(monkeypatch, server)
        assert "I would rather not." in error(ask({}))


@pytest.mark.parametrize(
    "body", [b"not json", b"{}", b'{"choices": []}', b"[]", b'"text"', b'{"choices": [{}]}', b'{"choices": {}}']
)
def test_an_answer_of_another_kind_is_an_error_of_the_cell(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    with serving(lambda _: Told(200, body, {"content-type": "application/json"})) as server:
        provide(monkeypatch, server)
        result = ask({})
    assert "not that of a model" in error(result) or "cannot be read" in error(result)


def test_a_server_that_is_away_is_an_error_that_may_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: Told()) as server:
        provide(monkeypatch, server)
    result = ask({}, retry={"attempts": 2, "backoff_seconds": 0})
    assert "cannot be reached" in error(result)
    assert result.trace[0]["attempts"] == 2


def test_a_slow_model_is_stopped_at_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    release = threading.Event()

    def slow(_: Asked) -> Told:
        release.wait(30)
        return answer("late")

    with serving(slow) as server:
        provide(monkeypatch, server)
        result = ask({}, timeout=0.5)
        release.set()
    assert "timeout of 0.5 s" in error(result)


def test_without_a_provider_the_operator_is_told_what_to_set() -> None:
    message = error(ask({}))
    assert "OPENAI_API_KEY" in message
    assert "OPENAI_BASE_URL" in message


def test_the_demo_connection_is_this_servers_own(settings: Settings) -> None:
    with serving(lambda _: answer("demo says")) as server:
        settings.DEMO, settings.HOST, settings.PORT = True, "127.0.0.1", server.port
        assert output(ask({"connection": "demo"}))["text"] == "demo says"
    (asked,) = server.asked
    assert (asked.path, asked.headers["authorization"]) == ("/demo/v1/chat/completions", "Bearer demo")


@pytest.mark.parametrize(
    ("config", "attr"),
    [
        ({"schema": {"type": "nonsense"}}, "steps.0.config.schema"),
        ({"schema": {"$ref": "http://169.254.169.254/"}}, "steps.0.config.schema"),
        ({"schema": {"properties": {"a": {"$ref": "other.json"}}}}, "steps.0.config.schema"),
        ({"schema": {"patternProperties": {"(a+)+$": {}}}}, "steps.0.config.schema"),
        ({"connection": "nowhere"}, "steps.0.config.connection"),
        ({"prompt": "{{ x"}, "steps.0.config.prompt"),
        ({"temperature": 3}, "steps.0.config.temperature"),
        ({"max_tokens": 0}, "steps.0.config.max_tokens"),
        ({"top_p": 1}, "steps.0.config.top_p"),
    ],
)
def test_a_wrong_config_is_named_by_its_field(config: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ask(config)
    assert [problem.attr for problem in refused.value.problems] == [attr]
