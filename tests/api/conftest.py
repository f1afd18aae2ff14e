"""A client of the API that holds every answer against the OpenAPI document."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.contrib.auth.models import User
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from tableflow.tables.models import Table
from tests.factories import TableFactory, UserFactory

BASE = "/api/v1/"


@functools.cache
def document() -> dict[str, Any]:
    """The OpenAPI document, in which objects have no more keys than it names."""
    made: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True)))  # type: ignore[no-untyped-call]
    for component in made["components"]["schemas"].values():
        if "properties" in component:
            component.setdefault("additionalProperties", False)
    return made


@functools.cache
def operations() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """The pattern of each address, and its operations by method."""
    paths = document()["paths"].items()
    # Those without parameters first: rows/upsert/ is no row.
    ordered = sorted(paths, key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), methods) for path, methods in ordered]


def check_against_document(method: str, path: str, response: Any) -> None:
    """The answer is one that the document has for this operation."""
    found = next((methods for pattern, methods in operations() if pattern.fullmatch(path)), None)
    if found is None or method.lower() not in found:
        assert response.status_code in (404, 405), f"{method} {path} is not in the OpenAPI document"
        return
    described = found[method.lower()]["responses"]
    assert str(response.status_code) in described, f"{method} {path}: {response.status_code} {response.content[:300]!r}"
    contents = described[str(response.status_code)].get("content", {})
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    if media_type in contents and media_type != "application/json":
        return
    content = contents.get("application/json")
    if content is None:
        assert not response.streaming, "a stream is read by its own tests"
        assert response.content == b""
        return
    schema = {**content["schema"], "components": document()["components"]}
    problems = [f"{e.json_path}: {e.message}" for e in Draft202012Validator(schema).iter_errors(response.json())]
    assert not problems, f"{method} {path}: {problems[:5]}"


class Api:
    """Sends JSON to addresses, which are taken below /api/v1/ unless they begin with a slash; checks the answers."""

    def __init__(self, who: User | None) -> None:
        self._client = APIClient()
        if who is not None:
            self._client.force_authenticate(who)

    def generic(self, method: str, path: str, body: bytes, content_type: str, **extra: Any) -> Any:
        """A request with this very body."""
        url = _url(path)
        return _checked(method, url, self._client.generic(method, url, body, content_type, **extra))  # type: ignore[arg-type]

    def get(self, path: str, query: Mapping[str, Any] | None = None, **extra: Any) -> Any:
        """A GET with these parameters."""
        url = _url(path)
        return _checked("GET", url, self._client.get(url, query, **extra))

    def upload(self, path: str, fields: Mapping[str, Any], **extra: Any) -> Any:
        """A POST of a form with files."""
        url = _url(path)
        return _checked("POST", url, self._client.post(url, fields, format="multipart", **extra))

    def post(self, path: str, data: Any = None, **extra: Any) -> Any:
        """A POST."""
        return self._send("POST", path, data, **extra)

    def put(self, path: str, data: Any = None, **extra: Any) -> Any:
        """A PUT."""
        return self._send("PUT", path, data, **extra)

    def patch(self, path: str, data: Any = None, **extra: Any) -> Any:
        """A PATCH."""
        return self._send("PATCH", path, data, **extra)

    def delete(self, path: str, data: Any = None, **extra: Any) -> Any:
        """A DELETE."""
        return self._send("DELETE", path, data, **extra)

    def _send(self, method: str, path: str, data: Any, **extra: Any) -> Any:
        body = b"" if data is None else json.dumps(data).encode()
        return self.generic(method, path, body, "application/json", **extra)


def _url(path: str) -> str:
    return path if path.startswith("/") else BASE + path


def _checked(method: str, url: str, response: Any) -> Any:
    check_against_document(method, url.partition("?")[0], response)
    return response


@pytest.fixture
def user(db: None) -> User:
    """Whoever asks."""
    made: User = UserFactory()
    return made


@pytest.fixture
def api_of() -> Callable[[User | None], Api]:
    """`api_of(user)`: a client that asks as this user; None: as nobody."""
    return Api


@pytest.fixture
def api(user: User, api_of: Callable[[User | None], Api]) -> Api:
    """A client that asks as the user."""
    return api_of(user)


@pytest.fixture
def people(user: User) -> Table:
    """A table of the user's with a text, a number and a boolean column."""
    made: Table = TableFactory(owner=user, name="People", columns={"name": "text", "age": "number", "vip": "boolean"})
    return made


def errors(response: Any) -> dict[str | None, str]:
    """The codes of an error's problems by attr; the answer is in the one shape."""
    body = response.json()
    assert set(body) == {"type", "errors"}, body
    assert body["type"] == ("server_error" if response.status_code >= 500 else body["type"])
    assert body["errors"]
    for problem in body["errors"]:
        assert set(problem) == {"code", "detail", "attr"}, problem
    return {problem["attr"]: problem["code"] for problem in body["errors"]}
