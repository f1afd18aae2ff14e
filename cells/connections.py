"""Connections: the named places, outside the workflow, that steps call.

There are two: `demo`, this server's own demo provider, while demo is on; and, for models, the provider that the
operator's environment names (OPENAI_BASE_URL, OPENAI_API_KEY). Both are trusted: they may be at a private address.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from cells.network import Origin
from cells.steps.step import StepFailed
from tableflow import env
from tableflow.errors import InvalidInput

DEMO = "demo"

_OPENAI_URL = "https://api.openai.com/v1/"
_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1", "": "127.0.0.1"}  # noqa: S104
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Connection:
    """A place to call. `base_url` ends with a slash; requests stay below it, wherever its host is."""

    name: str
    base_url: str
    api_key: str

    @property
    def origin(self) -> Origin:
        """The host and port of the base."""
        parts = urlsplit(self.base_url)
        return parts.hostname or "", parts.port or _PORTS[parts.scheme]


def check(name: str | None, attr: str) -> None:
    """Raises InvalidInput at `attr` for a connection that is not there. None is none, and always well."""
    if name is not None and name not in _names():
        known = ", ".join(_names()) or "none"
        raise InvalidInput.at(attr, f"There is no connection {name!r}; there are: {known}.", "unknown")


def resolve(name: str) -> Connection:
    """The connection of an http step. Raises StepFailed when it is not there (any more)."""
    _require(name)
    return Connection(DEMO, _demo_url(), DEMO)


def resolve_model(name: str | None) -> Connection:
    """The connection of an llm step; without a name the operator's provider. Raises StepFailed."""
    if name is not None:
        _require(name)
        return Connection(DEMO, _demo_url() + "v1/", DEMO)
    base_url, key = env.text("OPENAI_BASE_URL"), env.text("OPENAI_API_KEY")
    if not base_url and not key:
        raise StepFailed(
            "No model provider is set up. The operator must set OPENAI_API_KEY, and OPENAI_BASE_URL for a provider "
            "other than OpenAI, in the environment of the workers."
        )
    if base_url and urlsplit(base_url).scheme not in _PORTS:
        raise StepFailed("OPENAI_BASE_URL is no http or https address; the operator must correct it.")
    return Connection("openai", (base_url or _OPENAI_URL).rstrip("/") + "/", key or "none")


def _names() -> tuple[str, ...]:
    return (DEMO,) if settings.DEMO else ()


def _require(name: str) -> None:
    if name not in _names():
        hint = " The demo is off: the operator can set TABLEFLOW_DEMO=1." if name == DEMO else ""
        raise StepFailed(f"There is no connection {name!r}.{hint}")


def _demo_url() -> str:
    host = _EVERY_INTERFACE.get(settings.HOST, settings.HOST).strip("[]")
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}/demo/"
