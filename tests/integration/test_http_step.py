"""The http step against real servers: what is sent, what comes back, what is refused."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from cells import network
from cells.network import refusal
from cells.steps.http.requests import BODY_LIMIT
from cells.workflows.definition import check, compile_program
from cells.workflows.run import Completed, Failed, Result, run
from tableflow.errors import InvalidInput
from tests.web import Asked, Told, serving


def call(config: dict[str, Any], row: dict[str, Any] | None = None, **step: Any) -> Result:
    """Run a workflow of one http step, whose output is the step's."""
    definition = {"id": "call", "type": "http", "config": {"method": "GET", **config}, **step}
    check([], [definition], {"out": "{{ steps.call }}"})
    program = compile_program([], [definition], {"out": "{{ steps.call }}"})

    async def once() -> Result:
        try:
            return await run(program, {}, row or {}, may_pause=False)
        finally:
            await network.close()

    return asyncio.run(once())


def output(result: Result) -> Any:
    assert isinstance(result, Completed), result
    return result.outputs["out"]


def error(result: Result) -> str:
    assert isinstance(result, Failed), result
    return result.error


@pytest.fixture
def allow_loopback(settings: Settings) -> None:
    settings.HTTP_ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.mark.usefixtures("allow_loopback")
def test_a_request_is_sent_as_its_templates_say() -> None:
    with serving(lambda _: Told(201, b'{"ok": [1, "\xc3\xa9"]}', {"content-type": "application/json"})) as server:
        result = call(
            {
                "method": "POST",
                "url": server.url + "/{{ row.place }}?a=1",
                "query": {"n": "{{ row.n }}", "none": "{{ row.none }}", "many": ["x", "y"], "yes": "{{ row.n == 2 }}"},
                "headers": {"X-Name": "{{ row.place }}"},
                "json": {"list": ["{{ row.n }}", "n={{ row.n }}"]},
            },
            {"place": "here", "n": 2, "none": None},
        )
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/here?a=1&n=2&many=x&many=y&yes=true")
    assert json.loads(asked.body) == {"list": [2, "n=2"]}
    assert asked.headers["x-name"] == "here"
    assert asked.headers["content-type"] == "application/json"
    out = output(result)
    assert (out["status"], out["body"]) == (201, {"ok": [1, "é"]})
    assert out["headers"]["content-type"] == "application/json"


@pytest.mark.usefixtures("allow_loopback")
@pytest.mark.parametrize(
    ("content", "content_type", "body"),
    [
        (b"plain", "text/plain", "plain"),
        (b"", "application/json", None),
        (b"{broken", "application/json", "{broken"),
        (b'{"a": 1}', "text/plain", {"a": 1}),
        (b'"text"', "application/problem+json", "text"),
        (b"caf\xe9", "text/plain; charset=latin-1", "café"),
        (b"caf\xc3\xa9", "text/plain; charset=no-such", "café"),
        (b"\xff\x00", "application/octet-stream", "\ufffd\ufffd"),
        (b'["\\ud83d", NaN]', "application/json", ["\ufffd", None]),
        (b"[" * 100_000, "application/json", "[" * 100_000),
    ],
)
def test_the_body_is_json_where_it_is_json_and_text_otherwise(content: bytes, content_type: str, body: Any) -> None:
    with serving(lambda _: Told(200, content, {"content-type": content_type})) as server:
        assert output(call({"url": server.url}))["body"] == body


@pytest.mark.usefixtures("allow_loopback")
def test_errors_say_the_status_and_keep_the_answer_in_the_trace() -> None:
    with serving(lambda _: Told(404, b"no such thing")) as server:
        result = call({"url": server.url + "/x?token=s3cret"})
    assert "answered 404" in error(result)
    assert "no such thing" in error(result)
    assert "s3cret" not in json.dumps([error(result), result.trace])
    assert result.trace[0]["output"]["status"] == 404


@pytest.mark.usefixtures("allow_loopback")
def test_an_allowed_status_is_no_error() -> None:
    with serving(lambda _: Told(404, b"no")) as server:
        assert output(call({"url": server.url, "allow_status": [404]}))["status"] == 404


@pytest.mark.usefixtures("allow_loopback")
def test_a_429_is_tried_again_after_what_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = record_waits(monkeypatch)
    answers = iter(
        [Told(429, headers={"retry-after": "7"}), Told(503, headers={"retry-after": "3600"}), Told(200, b"done")]
    )
    with serving(lambda _: next(answers)) as server:
        result = call({"url": server.url}, retry={"attempts": 3, "backoff_seconds": 0})
    assert output(result)["body"] == "done"
    assert waited == [7.0, 900.0]
    assert result.trace[0]["attempts"] == 3
    assert [retry["waited_s"] for retry in result.trace[0]["retries"]] == [7.0, 900.0]


@pytest.mark.usefixtures("allow_loopback")
def test_a_retry_after_that_is_a_date_of_the_past_asks_for_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = record_waits(monkeypatch)
    answers = iter([Told(429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), Told(200)])
    with serving(lambda _: next(answers)) as server:
        output(call({"url": server.url}, retry={"attempts": 2, "backoff_seconds": 0}))
    assert waited == [0.0]


def record_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the run would have waited, which it now does not."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("cells.workflows.run.asyncio.sleep", sleep)
    return waited


@pytest.mark.usefixtures("allow_loopback")
def test_a_400_is_not_tried_again() -> None:
    with serving(lambda _: Told(400)) as server:
        error(call({"url": server.url}, retry={"attempts": 3, "backoff_seconds": 0}))
    assert len(server.asked) == 1


@pytest.mark.usefixtures("allow_loopback")
def test_a_refused_connection_is_tried_again() -> None:
    with serving(lambda _: Told()) as server:
        pass
    result = call({"url": server.url}, retry={"attempts": 2, "backoff_seconds": 0})
    assert "no connection" in error(result)
    assert result.trace[0]["attempts"] == 2


@pytest.mark.usefixtures("allow_loopback")
def test_an_answer_that_is_too_big_is_cut_off_without_being_read() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with serving(lambda _: Told(chunks=endless)) as server:
        assert "bigger than 5 MB" in error(call({"url": server.url}))


@pytest.mark.usefixtures("allow_loopback")
def test_a_packed_answer_is_unpacked_and_a_packed_bomb_is_not() -> None:
    contents = iter([gzip.compress(b'{"a": 1}'), gzip.compress(b"x" * (BODY_LIMIT * 20))])
    with serving(lambda _: Told(200, next(contents), {"content-encoding": "gzip"})) as server:
        assert output(call({"url": server.url}))["body"] == {"a": 1}
        assert "bigger than 5 MB" in error(call({"url": server.url}))


@pytest.mark.usefixtures("allow_loopback")
def test_a_body_that_does_not_come_times_out() -> None:
    ended = threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"a"
        ended.wait(30)
        yield b"b"

    with serving(lambda _: Told(chunks=slow)) as server:
        result = call({"url": server.url, "timeout": 0.2})
        ended.set()
    assert "timeout of 0.2 s" in error(result)


@pytest.mark.usefixtures("allow_loopback")
def test_redirects_are_followed_and_a_circle_is_left() -> None:
    def answer(asked: Asked) -> Told:
        if asked.path == "/circle":
            return Told(302, headers={"location": "/circle"})
        if asked.path == "/from":
            return Told(303, headers={"location": "to?x=1"})
        return Told(200, b"arrived")

    with serving(answer) as server:
        assert output(call({"method": "POST", "url": server.url + "/from", "body": "b"}))["body"] == "arrived"
        assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [
            ("POST", "/from", b"b"),
            ("GET", "/to?x=1", b""),
        ]
        assert "more than 5 redirects" in error(call({"url": server.url + "/circle"}))


@pytest.mark.usefixtures("allow_loopback")
def test_a_307_keeps_the_method_and_body_but_no_secrets_for_another_origin() -> None:
    headers = {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "X-Kept": "yes"}
    with (
        serving(lambda _: Told(200)) as other,
        serving(lambda _: Told(307, headers={"location": other.url + "/x"})) as server,
    ):
        result = call({"method": "PUT", "url": server.url, "body": "b", "headers": headers})
    output(result)
    (asked,) = other.asked
    assert (asked.method, asked.body, asked.headers["x-kept"]) == ("PUT", b"b", "yes")
    assert "s3cret" not in str(asked.headers)
    assert "s3cret" not in json.dumps(result.trace)


def test_a_private_address_is_refused_and_the_operator_told_how_to_allow_it() -> None:
    with serving(lambda _: Told(200)) as server:
        message = error(call({"url": server.url}))
    assert "127.0.0.1" in message
    assert "HTTP_ALLOWED_HOSTS" in message
    assert server.asked == []


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]"],  # noqa: S104
)
def test_every_spelling_of_this_machine_is_refused(host: str) -> None:
    with serving(lambda _: Told(200)) as server:
        message = error(call({"url": f"http://{host}:{server.port}/"}))
    assert server.asked == []
    assert "may not reach" in message or "cannot be used" in message or "not known" in message


def test_a_redirect_to_a_private_address_is_refused(settings: Settings) -> None:
    settings.HTTP_ALLOWED_HOSTS = ["localhost"]
    with (
        serving(lambda _: Told(200)) as inner,
        serving(lambda _: Told(302, headers={"location": inner.url})) as outer,
    ):
        message = error(call({"url": f"http://localhost:{outer.port}/"}))
    assert "may not reach" in message
    assert (len(outer.asked), inner.asked) == (1, [])


@pytest.mark.usefixtures("allow_loopback")
@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"])
def test_a_redirect_to_something_else_than_http_is_refused(location: str) -> None:
    with serving(lambda _: Told(302, headers={"location": location})) as server:
        assert "no http or https address" in error(call({"url": server.url}))


def test_private_networks_can_be_allowed_as_a_whole(settings: Settings) -> None:
    settings.HTTP_ALLOW_PRIVATE_NETWORKS = True
    with serving(lambda _: Told(200, b"in")) as server:
        assert output(call({"url": server.url}))["body"] == "in"
        assert output(call({"url": f"http://localhost:{server.port}"}))["body"] == "in"


def test_the_proxy_of_the_environment_is_ignored(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.HTTP_ALLOW_PRIVATE_NETWORKS = True
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1/")
    with serving(lambda _: Told(200, b"direct")) as server:
        assert output(call({"url": server.url}))["body"] == "direct"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1",  # noqa: S104
        "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "2002:7f00:1::", "2002:a9fe:a9fe::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "::7f00:1",
        "fec0::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert refusal("host", ipaddress.ip_address(address)) is not None


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]
)
def test_public_addresses_are_not(address: str) -> None:
    assert refusal("host", ipaddress.ip_address(address)) is None


def test_the_metadata_address_stays_refused_until_it_is_named(settings: Settings) -> None:
    settings.HTTP_ALLOW_PRIVATE_NETWORKS = True
    settings.HTTP_ALLOWED_HOSTS = ["metadata.internal"]
    address = ipaddress.ip_address("169.254.169.254")
    assert "169.254.169.254" in (refusal("metadata.internal", address) or "")
    settings.HTTP_ALLOWED_HOSTS = ["169.254.169.254"]
    assert refusal("169.254.169.254", address) is None


def test_the_demo_connection_reaches_below_its_base_and_nowhere_else(settings: Settings) -> None:
    def answer(asked: Asked) -> Told:
        if asked.path == "/demo/out":
            return Told(302, headers={"location": "/admin/"})
        return Told(200, asked.headers.get("authorization", "").encode())

    with serving(answer) as server:
        settings.DEMO, settings.HOST, settings.PORT = True, "0.0.0.0", server.port  # noqa: S104
        assert output(call({"connection": "demo", "url": "/cities/1?q=2"}))["body"] == "Bearer demo"
        for url in ("../admin/", "%2e%2e/admin/", "out", "http://localhost/", "..%2fadmin"):
            assert "outside of the connection" in error(call({"connection": "demo", "url": url}))
        assert "may not reach" in error(call({"url": server.url + "/demo/"}))
    assert [asked.path for asked in server.asked] == ["/demo/cities/1?q=2", "/demo/out"]


def test_a_connection_that_is_not_there_is_named(settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(InvalidInput) as refused:
        call({"connection": "demo", "url": "x"})
    assert refused.value.problems[0].attr == "steps.0.config.connection"
    definition = {"id": "call", "type": "http", "config": {"method": "GET", "url": "x", "connection": "demo"}}
    result = asyncio.run(run(compile_program([], [definition], {}), {}, {}))
    assert "There is no connection 'demo'" in error(result)


@pytest.mark.parametrize(
    ("config", "attr"),
    [
        ({}, "steps.0.config.url"),
        ({"url": "{{ x"}, "steps.0.config.url"),
        ({"url": "u", "method": "TRACE"}, "steps.0.config.method"),
        ({"url": "u", "json": 1, "body": "b"}, "steps.0.config.body"),
        ({"url": "u", "headers": {"Host": "h"}}, "steps.0.config.headers.Host"),
        ({"url": "u", "headers": {"a b": "h"}}, "steps.0.config.headers"),
        ({"url": "u", "json": {"a": ["{{ x"]}}, "steps.0.config.json.a.0"),
        ({"url": "u", "timeout": 0}, "steps.0.config.timeout"),
        ({"url": "u", "verify": False}, "steps.0.config.verify"),
    ],
)
def test_a_wrong_config_is_named_by_its_field(config: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        call(config)
    assert [problem.attr for problem in refused.value.problems] == [attr]


@pytest.mark.parametrize(
    "url", ["", "not a url", "ftp://example.org/", "http://", "//example.org/", "http://[::1", "http://a..b/"]
)
def test_a_url_that_is_none_is_an_error_of_the_cell(url: str) -> None:
    message = error(call({"url": "{{ row.url }}"}, {"url": url}))
    assert "address" in message or "cannot be" in message


@pytest.mark.usefixtures("allow_loopback")
@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "é", "a\0"])
def test_a_header_cannot_carry_another_one(value: str) -> None:
    with serving(lambda _: Told(200)) as server:
        assert "printable" in error(call({"url": server.url, "headers": {"X": "{{ row.v }}"}}, {"v": value}))
    assert server.asked == []


@pytest.mark.usefixtures("allow_loopback")
def test_cookies_of_one_call_are_not_sent_with_another() -> None:
    with serving(lambda _: Told(200, headers={"set-cookie": "a=b"})) as server:
        steps = [{"id": id_, "type": "http", "config": {"method": "GET", "url": server.url}} for id_ in ("a", "b")]

        async def twice() -> Result:
            try:
                return await run(compile_program([], steps, {}), {}, {})
            finally:
                await network.close()

        result = asyncio.run(twice())
    assert [asked.headers.get("cookie") for asked in server.asked] == [None, None]
    assert result.trace[0]["output"]["headers"]["set-cookie"] != "a=b"
