"""`http`: one HTTP request. Private and metadata addresses are refused (cells/network.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from cells import connections
from cells.steps import shown
from cells.steps.http import requests
from cells.steps.http.requests import RETRYABLE, Answer, Outgoing
from cells.steps.step import StepFailed, StepType, WaitingStep
from cells.templates import Nested, Template, compile_value
from tableflow.errors import InvalidInput, Problem

TIMEOUT_SECONDS = 30.0
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_RENDERED = ("url", "query", "headers", "json", "body")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "accept-encoding", "expect"})
_SAID_OF_BODY = 300


@dataclass(frozen=True)
class HttpStep(WaitingStep):
    """A request whose url, query, headers and body are templates."""

    method: str
    given: Nested
    connection: str | None
    allowed: frozenset[int]
    templates: tuple[tuple[str, Template], ...]
    timeout_seconds: float

    def render(self, scope: Mapping[str, Any]) -> Any:
        config = {"method": self.method, **self.given.render(scope)}
        return {**config, "connection": self.connection} if self.connection else config

    def shown(self, config: Any) -> Any:
        parts = {name: shown.masked(config[name]) for name in ("headers", "query") if name in config}
        return {**config, "url": shown.masked_url(str(config["url"])), **parts}

    def shown_output(self, output: Any) -> Any:
        return {**output, "headers": shown.masked(output["headers"])}

    async def perform(self, config: Any) -> Any:
        outgoing = self._outgoing(config)
        answer = await requests.exchange(outgoing)
        output = {"status": answer.status, "headers": answer.headers, "body": answer.body}
        if answer.status >= 400 and answer.status not in self.allowed:
            raise StepFailed(
                _said(outgoing, answer),
                retryable=answer.status in RETRYABLE,
                retry_after=requests.retry_after(answer.headers),
                output=output,
            )
        return output

    def _outgoing(self, config: Mapping[str, Any]) -> Outgoing:
        connection = connections.resolve(self.connection) if self.connection else None
        try:
            base = httpx2.URL(connection.base_url) if connection else None
            url = base.join(str(config["url"]).lstrip("/")) if base else httpx2.URL(str(config["url"]).strip())
            url = url.copy_merge_params(_parameters(config.get("query", {}))) if config.get("query") else url
        except (httpx2.InvalidURL, TypeError, ValueError) as error:
            raise StepFailed(f"The url {str(config['url'])[:200]!r} cannot be used: {error}") from error
        requests.check_place(url, connection)
        headers = {name: _header(name, value) for name, value in config.get("headers", {}).items() if value is not None}
        if connection:
            headers = {"authorization": f"Bearer {connection.api_key}", **headers}
        content, media_type = _content(config)
        if media_type and "content-type" not in {name.lower() for name in headers}:
            headers["content-type"] = media_type
        return Outgoing(self.method, url, headers, content, connection)


def _parameters(query: Mapping[str, Any]) -> dict[str, Any]:
    """The query's values as text; null ones are left out, lists are repeated."""
    parameters: dict[str, Any] = {}
    for name, value in query.items():
        if isinstance(value, list):
            parameters[name] = [_parameter(item) for item in value]
        elif value is not None:
            parameters[name] = _parameter(value)
    return parameters


def _parameter(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _header(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if not text.isascii() or not text.isprintable():
        raise StepFailed(f"The header {name!r} may hold printable ASCII characters only.")
    return text.strip()


def _content(config: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
    """The body's bytes and media type. A `body` that is no text is sent as JSON."""
    if "json" in config or not isinstance(config.get("body", ""), str):
        value = config["json"] if "json" in config else config["body"]
        if value is None and "body" in config:
            return None, None
        return json.dumps(value, ensure_ascii=False).encode(), "application/json"
    body = config.get("body")
    return (body.encode(), "text/plain; charset=utf-8") if body else (None, None)


def _said(outgoing: Outgoing, answer: Answer) -> str:
    body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, ensure_ascii=False)
    said = f"{requests.said(outgoing)} answered {answer.status} {answer.reason}".strip()
    return said if answer.body is None else f"{said}: {' '.join(body[:_SAID_OF_BODY].split())}"


def _compile(config: Mapping[str, Any], attr: str) -> HttpStep:
    problems = [
        Problem(f"The header {name!r} is set by the request itself.", f"{attr}.headers.{name}")
        for name in config.get("headers", {})
        if name.lower() in _OURS
    ]
    if "json" in config and "body" in config:
        problems.append(Problem("A request has json or body, not both.", f"{attr}.body"))
    if problems:
        raise InvalidInput(problems)
    connections.check(config.get("connection"), f"{attr}.connection")
    given = compile_value({name: config[name] for name in _RENDERED if name in config}, attr)
    return HttpStep(
        method=config.get("method", "GET"),
        given=given,
        connection=config.get("connection"),
        allowed=frozenset(config.get("allow_status", [])),
        timeout_seconds=float(config.get("timeout", TIMEOUT_SECONDS)),
        templates=given.templates,
    )


def step_type() -> StepType:
    """The step type."""
    any_template = {"format": "template"}
    return StepType(
        type="http",
        title="HTTP request",
        description="Calls a web address. Answers of 400 and above are errors unless they are allowed.",
        config_schema={
            "type": "object",
            "properties": {
                "method": {"type": "string", "title": "Method", "enum": list(METHODS), "default": "GET"},
                "url": {
                    "type": "string",
                    "title": "URL",
                    "description": "http or https; with a connection, relative to its address.",
                    "format": "template",
                    "minLength": 1,
                },
                "query": {
                    "type": "object",
                    "title": "Query parameters",
                    "description": "By name. Empty (null) ones are left out.",
                    "additionalProperties": any_template,
                },
                "headers": {
                    "type": "object",
                    "title": "Headers",
                    "propertyNames": {"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$"},
                    "additionalProperties": {**any_template, "type": "string"},
                },
                "json": {**any_template, "title": "JSON body", "description": "Any JSON; its texts are templates."},
                "body": {"type": "string", "title": "Text body", "format": "template", "x-multiline": True},
                "timeout": {
                    "type": "number",
                    "title": "Timeout in seconds",
                    "exclusiveMinimum": 0,
                    "maximum": 3600,
                    "default": TIMEOUT_SECONDS,
                },
                "connection": {"type": "string", "title": "Connection", "description": "Whose address and key to use."},
                "allow_status": {
                    "type": "array",
                    "title": "Statuses that are no errors",
                    "items": {"type": "integer", "minimum": 400, "maximum": 599},
                    "maxItems": 100,
                },
            },
            "required": ["method", "url"],
            "additionalProperties": False,
        },
        output_schema={
            "type": "object",
            "properties": {
                "status": {"type": "integer", "title": "Status"},
                "headers": {"type": "object", "title": "Headers, by lower-case name"},
                "body": {"title": "Body, parsed where it is JSON"},
            },
        },
        compile=_compile,
    )
