"""The address of the web process, and whether the system behind it is ready."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import closing
from dataclasses import dataclass

from tableflow import env
from tableflow.embedded.errors import CannotStart

ANYWHERE = "0.0.0.0"  # noqa: S104  (compared with, not bound to)


@dataclass(frozen=True)
class Address:
    """Where the web process listens, and what people are told."""

    host: str
    port: int
    shown: str

    @classmethod
    def from_environment(cls) -> Address:
        """HOST, PORT and PUBLIC_URL."""
        host, port = env.host(), env.port()
        if ":" in host:
            raise CannotStart(f"HOST={host!r} is an IPv6 address: give an IPv4 address or a name.")
        local = "127.0.0.1" if host == ANYWHERE else host
        return cls(host, port, env.text("PUBLIC_URL", f"http://{local}:{port}").rstrip("/"))

    def check_free(self) -> None:
        """Raises CannotStart when somebody else listens there."""
        try:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((self.host, self.port))
        except OSError as error:
            raise CannotStart(
                f"{self.host}:{self.port} cannot be used ({error.strerror}): stop what uses it, "
                f"or choose another port, for instance: PORT={self.port + 1} make up"
            ) from None

    def missing(self) -> str:
        """What `/readyz` misses, in plain words; empty when the system is ready."""
        local = "127.0.0.1" if self.host == ANYWHERE else self.host
        with closing(http.client.HTTPConnection(local, self.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/readyz", headers={"Host": "localhost"})
                response = connection.getresponse()
                body = response.read()
            except (OSError, http.client.HTTPException) as error:
                return f"the web process does not answer ({error})"
        if response.status == http.HTTPStatus.OK:
            return ""
        return _sentence(body)


def _sentence(body: bytes) -> str:
    try:
        missing = json.loads(body)["missing"]
    except (ValueError, KeyError, TypeError):
        return "the web process answers with an error"
    return "; ".join(f"{thing['part']}: {thing['detail']}" for thing in missing)
