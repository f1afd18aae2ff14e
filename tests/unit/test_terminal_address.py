"""Which server the terminal asks, and with which token."""

from __future__ import annotations

import pytest

from tableflow.terminal import address
from tableflow.terminal.address import NoAddress


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names nothing."""
    for name in ("TABLEFLOW_URL", "TABLEFLOW_TOKEN", "PUBLIC_URL", "HOST", "PORT"):
        monkeypatch.delenv(name, raising=False)


def test_the_command_line_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLEFLOW_URL", "http://elsewhere")
    monkeypatch.setenv("TABLEFLOW_TOKEN", "other")

    found = address.server("https://here/below/", "token")

    assert (found.url, found.token) == ("https://here/below", "token")
    assert found.headers == {"Authorization": "Bearer token"}
    assert "token" not in repr(found).replace("Server", "")


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"HOST": "0.0.0.0", "PORT": "9000"}, "http://127.0.0.1:9000"),  # noqa: S104
        ({"PORT": "9000", "PUBLIC_URL": "https://tables.example/"}, "https://tables.example"),
        ({"PUBLIC_URL": "https://tables.example", "TABLEFLOW_URL": "http://10.0.0.1:81/"}, "http://10.0.0.1:81"),
    ],
)
def test_else_the_environment_says_where(variables: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**variables, "TABLEFLOW_TOKEN": "token"}.items():
        monkeypatch.setenv(name, value)

    assert (address.server().url, address.server().token) == (url, "token")


def test_without_a_token_it_says_how_to_get_one() -> None:
    with pytest.raises(NoAddress, match=r"manage\.py createtoken"):
        address.server("http://here")


@pytest.mark.parametrize("token", ["to ken", "töken", "token\n", "a:b"])
def test_what_cannot_be_a_token_is_refused(token: str) -> None:
    with pytest.raises(NoAddress, match="no API token"):
        address.server("http://here", token)


@pytest.mark.parametrize(
    "url",
    ["here:8000", "ftp://here", "http://", "http://here:x", "http://here:99999", "http://here?a=b", "http://[::1"],
)
def test_what_cannot_be_an_address_is_refused(url: str) -> None:
    with pytest.raises(NoAddress, match="no address"):
        address.server(url, "token")


@pytest.mark.parametrize("url", ["http://ada@here", "http://ada:secret@here:8000/", "https://:secret@here"])
def test_an_address_that_names_somebody_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(NoAddress, match="no address") as refused:
        address.server(url, "token")
    assert "secret" not in str(refused.value)
