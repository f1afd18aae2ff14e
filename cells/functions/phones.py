"""Phone numbers, by Google's numbering plans in `phonenumbers`."""

from __future__ import annotations

from typing import TypedDict

from cells.functions.registry import function

_MOST_CHARACTERS = 250


class Phone(TypedDict):
    """A phone number in E.164, its country (ISO 3166, two letters), its type, and whether such a number can exist."""

    number: str
    country: str | None
    type: str
    valid: bool


@function(title="Phone number, normalised")
def phone_number(text: str, country: str | None = None) -> Phone:
    """A phone number in the international form `+442083661177` (E.164), with its country and type.

    `country` is the two-letter code to read a number without `+` by, as `GB` for `020 8366 1177`. The type is
    `mobile`, `fixed_line`, `toll_free`, `unknown` and the like; `valid` says whether the country's plan has such
    a number. A text that is no phone number is an error.
    """
    import phonenumbers

    region = _region(country)
    try:
        parsed = phonenumbers.parse(text[:_MOST_CHARACTERS], region)
    except phonenumbers.NumberParseException as error:
        advice = "" if region else " Start it with + and the country's prefix, or give the country."
        raise ValueError(f"{text[:40]!r} cannot be read as a phone number.{advice}") from error
    return {
        "number": phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
        "country": phonenumbers.region_code_for_number(parsed),
        "type": phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(parsed)).lower(),
        "valid": phonenumbers.is_valid_number(parsed),
    }


def _region(country: str | None) -> str | None:
    """The country's code as phonenumbers wants it; ValueError for one that it does not know."""
    import phonenumbers

    if not country or not country.strip():
        return None
    region = country.strip().upper()
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{country[:40]!r} is not a country's two-letter code, such as GB or FR.")
    return region
