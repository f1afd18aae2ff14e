"""Domains of addresses, by the Public Suffix List that tldextract carries."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING

from cells.functions.lazy import once
from cells.functions.registry import function

if TYPE_CHECKING:
    from tldextract import TLDExtract

_MOST_CHARACTERS = 2_000


@function(title="Domain of a URL or e-mail address")
def domain(address: str) -> str | None:
    """The registered domain of a URL or an e-mail address: `bbc.co.uk` for `https://news.bbc.co.uk/world`.

    Empty when the text holds no such domain, as in `localhost`, an IP address or plain words.
    """
    host = _host(address.strip()[:_MOST_CHARACTERS])
    if any(character.isspace() for character in host):
        return None
    return _suffixes().extract_str(host).top_domain_under_public_suffix.lower() or None


def _host(address: str) -> str:
    """What tldextract reads: a URL as it is, an e-mail address without a display name and `mailto:`."""
    if "://" in address or "@" not in address:
        return address
    return parseaddr(address.removeprefix("mailto:").partition("?")[0])[1]


@once
def _suffixes() -> TLDExtract:
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None)
