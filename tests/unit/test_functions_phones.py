from __future__ import annotations

import pytest

from cells.functions.phones import phone_number


def test_a_national_number_is_normalised_by_its_country() -> None:
    expected = {"number": "+442083661177", "country": "GB", "type": "fixed_line", "valid": True}
    assert phone_number("020 8366 1177", "gb") == expected


def test_an_international_number_needs_no_country() -> None:
    found = phone_number("+49 1511 2345678")
    assert (found["number"], found["country"], found["type"]) == ("+4915112345678", "DE", "mobile")


def test_a_number_outside_every_plan_is_normalised_and_called_invalid() -> None:
    found = phone_number("+1 200 000 0000")
    assert found["number"] == "+12000000000"
    assert found["valid"] is False


@pytest.mark.parametrize("text", ["", "hello", "020 8366 1177", "9" * 100_000])
def test_what_cannot_be_read_is_an_error_that_says_what_to_do(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be read as a phone number\. Start it with \+"):
        phone_number(text)


def test_an_unknown_country_is_an_error() -> None:
    with pytest.raises(ValueError, match="'England' is not a country's two-letter code"):
        phone_number("020 8366 1177", "England")
