"""Where the server is, and who asks: from the command line, else from the environment."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tableflow import env
from tableflow.supervisor import ready


class NoAddress(Exception):
    """Neither command line nor environment say where to ask, or with which token; the message says what to do."""


@dataclass(frozen=True)
class Server:
    """A server's address without a slash at its end, and the API token to ask it with."""

    url: str
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What every request bears."""
        return {"Authorization": f"Bearer {self.token}"}


def add_arguments(parser: ArgumentParser) -> None:
    """The options that name the server."""
    parser.add_argument("--url", help="the server's address; else TABLEFLOW_URL, else this installation's")
    parser.add_argument("--token", help="an API token; else TABLEFLOW_TOKEN, which other users do not see in `ps`")


def server(url: str | None = None, token: str | None = None) -> Server:
    """The server to ask. The address: the one given, TABLEFLOW_URL, or where this installation's web process is.

    The token: the one given, or TABLEFLOW_TOKEN. NoAddress when there is none, or when one of them cannot be.
    """
    found = (url or env.text("TABLEFLOW_URL") or ready.Address.from_environment().shown).rstrip("/")
    return Server(_checked_url(found), _checked_token(token or env.text("TABLEFLOW_TOKEN")))


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if usable and "@" in parts.netloc:
        raise NoAddress("This is no address of a server alone, it names a user: the token says who asks (--token)")
    if not usable or parts.query or parts.fragment:
        raise NoAddress(f"{url!r} is no address of a server: give one such as --url http://127.0.0.1:8000")
    return url


def _checked_token(token: str) -> str:
    if not token:
        raise NoAddress(
            "No token: give --token, or set TABLEFLOW_TOKEN. "
            "On the machine that runs the server, `python manage.py createtoken USER` prints one."
        )
    if not (token.isascii() and token.isalnum()):
        raise NoAddress("This is no API token: one is letters and digits, as `python manage.py createtoken` prints it.")
    return token
