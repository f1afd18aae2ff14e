"""The way out of a worker: HTTP clients that refuse addresses which are not for workflows to reach.

A host's name is resolved once for each connection, every address it has is checked, and the connection goes to a
checked address: a name that answers differently the second time gains nothing. Proxies of the environment are
ignored, and no client follows redirects by itself.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from weakref import WeakKeyDictionary

import httpcore2
import httpx2
from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Origin = tuple[str, int]

CONNECTIONS_LIMIT = 200
CONNECT_SECONDS = 10.0
KEPT_SECONDS = 3.0
"""How long an idle connection is used again. Many servers close theirs after five seconds, and then it breaks."""

METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(Exception):
    """The host is at an address that workflows may not reach; the message says what the operator can set."""


# Names are resolved in threads of their own: slow functions of other cells must not hold up requests.
_resolvers = ThreadPoolExecutor(16, thread_name_prefix="resolver")
_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Origin | None, httpx2.AsyncClient]] = WeakKeyDictionary()


def client(trusted: Origin | None = None) -> httpx2.AsyncClient:
    """The running loop's pooled client. `trusted` is a host and port that it may reach wherever they are; such a
    client's connections are never those of another.
    """
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if trusted not in clients:
        clients[trusted] = httpx2.AsyncClient(
            transport=_GuardedTransport(trusted),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # Cookies of one cell are not another's.
            trust_env=False,
            follow_redirects=False,
            timeout=None,
        )
    return clients[trusted]


async def close() -> None:
    """Close the running loop's clients, before the loop ends."""
    for open_client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await open_client.aclose()


def refusal(host: str, address: Address) -> str | None:
    """Why a workflow may not reach this address of the host; None when it may."""
    allowed = {name.lower().strip("[]") for name in settings.HTTP_ALLOWED_HOSTS}
    reached = _embedded(address)
    if reached in METADATA:
        if {str(reached), str(address)} & allowed:
            return None
        return (
            f"{host} is the metadata address of a cloud machine ({reached}), which workflows may not reach. "
            f"The operator can allow it by adding {reached} to HTTP_ALLOWED_HOSTS."
        )
    if settings.HTTP_ALLOW_PRIVATE_NETWORKS or host.lower().strip("[]") in allowed or _is_public(reached):
        return None
    return (
        f"{host} is at the private or reserved address {address}, which workflows may not reach. "
        f"The operator can add {host} to HTTP_ALLOWED_HOSTS, or set HTTP_ALLOW_PRIVATE_NETWORKS=1."
    )


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, Teredo, NAT64); else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: Address) -> bool:
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    local = address.is_private or address.is_link_local or getattr(address, "is_site_local", False)
    return address.is_global and not special and not local


async def checked_addresses(host: str, port: int) -> list[str]:
    """The host's addresses, all of them fit to be reached. Raises AddressRefused, and OSError for an unknown host."""
    ask = functools.partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_resolvers, ask)
    addresses = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    for address in addresses:
        if reason := refusal(host, ipaddress.ip_address(address)):
            raise AddressRefused(reason)
    return addresses


class _GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to checked addresses only, but for the one trusted host and port."""

    def __init__(self, trusted: Origin | None) -> None:
        self._trusted = trusted
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (httpcore's signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        limit = CONNECT_SECONDS if timeout is None else timeout
        if (host, port) == self._trusted:
            return await self._backend.connect_tcp(host, port, limit, local_address, socket_options)
        try:
            addresses = await checked_addresses(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(f"The host {host} is not known: {error.strerror or error}") from error
        return await self._first(addresses, port, limit, local_address, socket_options)

    async def _first(self, addresses: list[str], port: int, limit: float, *how: Any) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address that takes one."""
        failure: Exception = httpcore2.ConnectError("The host has no address.")
        for address in addresses:
            try:
                return await self._backend.connect_tcp(address, port, limit / len(addresses), *how)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _GuardedTransport(httpx2.AsyncHTTPTransport):
    """httpx's transport over a pool whose connections are guarded."""

    def __init__(self, trusted: Origin | None) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=CONNECTIONS_LIMIT,
            max_keepalive_connections=CONNECTIONS_LIMIT // 2,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=_GuardedBackend(trusted),
        )
