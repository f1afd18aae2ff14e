from __future__ import annotations

import pytest

from cells.functions.domains import domain


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://news.bbc.co.uk/world?x=1", "bbc.co.uk"),
        ("HTTPS://WWW.EXAMPLE.ORG", "example.org"),
        ("www.example.org/path", "example.org"),
        ("jo@mail.example.com", "example.com"),
        ("Jo Lee <jo@mail.example.com>", "example.com"),
        ("mailto:jo@example.de?subject=hello", "example.de"),
        ("http://user:secret@example.com/a@b", "example.com"),
        ("  example.com  ", "example.com"),
    ],
)
def test_a_domain_is_read_out_of_urls_and_addresses(address: str, expected: str) -> None:
    assert domain(address) == expected


@pytest.mark.parametrize("address", ["", "localhost", "http://127.0.0.1:8000/", "plain words here", "@", "co.uk", "\0"])
def test_what_holds_no_domain_gives_none(address: str) -> None:
    assert domain(address) is None


def test_a_very_long_address_is_cut_before_it_is_read() -> None:
    assert domain("x@" * 1_000_000) is None
