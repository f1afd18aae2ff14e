"""The column types: what a value of each is, and how other values are turned into it. Pure: no database.

Values are stored as JSON: text, url, email, select and dates as strings (`2024-01-31`, `2024-01-31T12:00:00Z`, always
UTC), number and currency as numbers (whole ones stay whole), boolean as a boolean, multiselect as a list of strings,
json as any JSON value. Empty is null: None, "" and blank text become None in every type (text that is not blank keeps
its spaces). `precision` is how many decimals are shown; it never rounds what is stored.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from tableflow.errors import InvalidInput, TableflowError

TYPES = (
    "text",
    "number",
    "boolean",
    "date",
    "datetime",
    "json",
    "select",
    "multiselect",
    "url",
    "email",
    "currency",
)
NUMERIC_TYPES = frozenset({"number", "currency"})
LIST_TYPES = frozenset({"multiselect"})

MAX_VALUE_BYTES = 1024 * 1024
MAX_ROW_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 100
MAX_CHOICES = 500
MAX_CHOICE_LENGTH = 128
MAX_PRECISION = 10
SHOWN_CHOICES = 20

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "on", "1", "checked"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "off", "0", "unchecked"})

# Decimal point, optional exponent; commas only as thousands separators in the right places, so "1,5" is refused.
_NUMBER = re.compile(
    r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?(?:e[+-]?\d{1,4})?|[+-]?\.\d+(?:e[+-]?\d{1,4})?",
    re.ASCII | re.IGNORECASE,
)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)
_CURRENCY_CODE = re.compile(r"[A-Z]{3}")
_LARGEST_DIGITS = 308


class CannotCoerce(TableflowError):
    """The value is none of this type and cannot be turned into one; `detail` says why."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


def coerce(type_: str, options: Mapping[str, Any], value: Any) -> Any:
    """The value as this column type stores it, None when it is empty. CannotCoerce when it cannot be one."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return _COERCIONS[type_](options, value)


def is_empty(value: Any) -> bool:
    """Whether a cell with this value counts as empty: null (or missing), "" or []."""
    return value is None or value in ("", [])


def requirement_met(value: Any) -> bool:
    """Whether a column that a group waits for has what it waits for: not empty, and not an unticked checkbox."""
    return not is_empty(value) and value is not False


def row_bytes(data: Mapping[str, Any]) -> int:
    """How large a row's data is as JSON text, in bytes of UTF-8 at most."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return len(text) if text.isascii() else len(text.encode())


def same(left: Any, right: Any) -> bool:
    """Whether two stored values are equal as JSON: true is not 1, and 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def check_options(type_: str, options: Any, attr: str = "options") -> dict[str, Any]:
    """The options of a column of this type, defaults filled in. InvalidInput naming the option that is wrong.

    select, multiselect: `choices` (none given: any text); currency: `currency` (default USD), `precision`;
    number: `precision`. The other types have none.
    """
    if options is None:
        options = {}
    if not isinstance(options, dict):
        raise InvalidInput.at(attr, "Give the options as an object.")
    known = _OPTIONS.get(type_, {})
    for name in options:
        if name not in known:
            has = f"It has: {', '.join(known)}." if known else "It has none."
            raise InvalidInput.at(f"{attr}.{name}", f"A {type_} column has no option {name!r}. {has}")
    checked = {name: known[name](value, f"{attr}.{name}") for name, value in options.items()}
    return {**_DEFAULT_OPTIONS.get(type_, {}), **checked}


def _check_choices(value: Any, attr: str) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_CHOICES:
        raise InvalidInput.at(attr, f"Give a list of at most {MAX_CHOICES} choices.")
    choices: list[str] = []
    for index, choice in enumerate(value):
        where = f"{attr}.{index}"
        if not isinstance(choice, str) or not choice.strip() or len(choice) > MAX_CHOICE_LENGTH:
            raise InvalidInput.at(where, f"A choice is a text of 1 to {MAX_CHOICE_LENGTH} characters.")
        if choice.strip() in choices:
            raise InvalidInput.at(where, f"The choice {choice.strip()!r} is listed twice.")
        try:
            choices.append(_storable_text(choice.strip()))
        except CannotCoerce as error:
            raise InvalidInput.at(where, error.detail) from error
    return choices


def _check_precision(value: Any, attr: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PRECISION:
        raise InvalidInput.at(attr, f"The precision is a whole number from 0 to {MAX_PRECISION}.")
    return value


def _check_currency(value: Any, attr: str) -> str:
    if not isinstance(value, str) or not _CURRENCY_CODE.fullmatch(value):
        raise InvalidInput.at(attr, "Give the three capital letters of a currency, such as EUR.")
    return value


_OPTIONS: dict[str, dict[str, Callable[[Any, str], Any]]] = {
    "select": {"choices": _check_choices},
    "multiselect": {"choices": _check_choices},
    "number": {"precision": _check_precision},
    "currency": {"currency": _check_currency, "precision": _check_precision},
}
_DEFAULT_OPTIONS: dict[str, dict[str, Any]] = {
    "select": {"choices": []},
    "multiselect": {"choices": []},
    "currency": {"currency": "USD"},
}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _storable_text(value: str) -> str:
    """The text itself where PostgreSQL's jsonb can hold it and it is not too long."""
    if "\x00" in value:
        raise CannotCoerce("A NUL character cannot be stored; remove it.")
    if not value.isascii():
        try:
            size = len(value.encode())
        except UnicodeEncodeError as error:
            raise CannotCoerce("The text has half of a surrogate pair in it, which is no character.") from error
    else:
        size = len(value)
    if size > MAX_VALUE_BYTES:
        raise CannotCoerce(f"The value is {size} bytes long; at most {MAX_VALUE_BYTES} (1 MiB) can be stored.")
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise CannotCoerce("NaN and Infinity are no values; leave the cell empty instead.")
    return value


def _storable_int(value: int) -> int:
    if value.bit_length() > 1023:
        raise CannotCoerce(f"The number is too large: at most {_LARGEST_DIGITS} digits.")
    return value


def _decimal_number(value: Decimal) -> int | float:
    if not value.is_finite():
        return _finite(math.nan)
    if value.adjusted() > _LARGEST_DIGITS:
        raise CannotCoerce(f"The number is too large: at most {_LARGEST_DIGITS} digits.")
    return _storable_int(int(value)) if value.as_tuple().exponent == 0 else _finite(float(value))


def plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON can hold it: tuples and sets are lists, dates ISO text, decimals numbers. Else CannotCoerce."""
    if depth > MAX_DEPTH:
        raise CannotCoerce(f"The value is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, Mapping):
        return {_plain_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    match value:
        case None | bool():
            return value
        case str():
            return _storable_text(str(value))
        case int():
            return _storable_int(int(value))
        case float():
            return _finite(float(value))
        case Decimal():
            return _decimal_number(value)
        case dt.datetime():
            return _utc_text(value)
        case dt.date():
            return value.isoformat()
    raise CannotCoerce(f"A {type(value).__name__} is no JSON value.")


def _plain_key(key: Any) -> str:
    if isinstance(key, str | int):
        return _storable_text(str(key))
    raise CannotCoerce(f"The keys of an object are texts, not {type(key).__name__}.")


def _sized(value: Any) -> Any:
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > MAX_VALUE_BYTES:
        raise CannotCoerce(f"The value is {size} bytes long; at most {MAX_VALUE_BYTES} (1 MiB) can be stored.")
    return value


def _text(_options: Mapping[str, Any], value: Any) -> str:
    match plain(value):
        case str(text):
            return text
        case bool(truth):
            return "true" if truth else "false"
        case int(number) | float(number):
            return str(number)
        case other:
            return _storable_text(json.dumps(other, ensure_ascii=False))


def _number(_options: Mapping[str, Any], value: Any) -> int | float:
    match value:
        case bool():
            raise CannotCoerce("A boolean is no number.")
        case int():
            return _storable_int(int(value))
        case float():
            return _finite(float(value))
        case Decimal():
            return _decimal_number(value)
        case str():
            return _number_from_text(value.strip())
    raise CannotCoerce(f"{_shown(value)} is no number.")


def _number_from_text(text: str) -> int | float:
    if len(text) > 2 * _LARGEST_DIGITS or not _NUMBER.fullmatch(text):
        raise CannotCoerce(f"{_shown(text)} is no number; write digits with a decimal point, such as 1234.5.")
    digits = text.replace(",", "")
    if _WHOLE.fullmatch(digits):
        return _storable_int(int(digits))
    number = float(digits)
    if math.isinf(number):
        raise CannotCoerce(f"The number is too large: at most {_LARGEST_DIGITS} digits.")
    return number


def _currency(options: Mapping[str, Any], value: Any) -> int | float:
    if not isinstance(value, str):
        return _number(options, value)
    text = value.strip()
    code = str(options.get("currency", ""))
    if code and text.upper().startswith(code):
        text = text[len(code) :]
    elif code and text.upper().endswith(code):
        text = text[: -len(code)]
    bare = "".join(char for char in text if unicodedata.category(char) != "Sc")
    if len(text) - len(bare) > 1:
        raise CannotCoerce(f"{_shown(value)} is no amount of money.")
    sign, rest = ("-", bare.strip()[1:]) if bare.strip().startswith("-") else ("", bare)
    return _number_from_text(sign + rest.strip())


def _boolean(_options: Mapping[str, Any], value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold() if isinstance(value, str | int) else ""
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise CannotCoerce(f"{_shown(value)} is neither true nor false; write true or false.")


def _date(_options: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    text = value.strip() if isinstance(value, str) else ""
    stamp = _DATETIME.fullmatch(text)
    day = stamp.group(1) if stamp else text
    if _DATE.fullmatch(day):
        try:
            return dt.date.fromisoformat(day).isoformat()
        except ValueError:
            pass  # the shape of a date, but no day of the calendar
    raise CannotCoerce(f"{_shown(value)} is no date; write it as YYYY-MM-DD.")


def _datetime(_options: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, dt.datetime):
        return _utc_text(value)
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00Z"
    text = value.strip() if isinstance(value, str) else ""
    if _DATE.fullmatch(text):
        text = f"{text}T00:00:00Z"
    found = _DATETIME.fullmatch(text)
    if found:
        day, time, zone = found.groups()
        try:
            return _utc_text(dt.datetime.fromisoformat(f"{day}T{time}{(zone or 'Z').upper()}"))
        except ValueError:
            pass  # the shape of a time, but no moment of the calendar
    raise CannotCoerce(f"{_shown(value)} is no date and time; write it as YYYY-MM-DDTHH:MM:SSZ.")


def _utc_text(moment: dt.datetime) -> str:
    """ISO text in UTC with Z; a moment without a zone is taken as UTC. Fractions only where there are some."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    try:
        return aware.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
    except OverflowError as error:
        raise CannotCoerce("The moment lies outside the years 1 to 9999.") from error


def _json(_options: Mapping[str, Any], value: Any) -> Any:
    """Any JSON value; text that is a JSON object or list becomes that object or list."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        _storable_text(value)
        value = parsed(value)
    return _sized(plain(value))


def parsed(text: str) -> Any:
    """The JSON value that the text is, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _choice(options: Mapping[str, Any], value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise CannotCoerce(f"{_shown(value)} is no choice; give a text.")
    text = _storable_text(str(value).strip())
    choices = options.get("choices") or []
    if not choices or text in choices:
        return text
    for choice in choices:
        if choice.casefold() == text.casefold():
            return str(choice)
    shown = ", ".join(choices[:SHOWN_CHOICES]) + (", ..." if len(choices) > SHOWN_CHOICES else "")
    raise CannotCoerce(f"{_shown(text)} is none of the choices: {shown}.")


def _choices(options: Mapping[str, Any], value: Any) -> list[str]:
    if isinstance(value, str):
        value = _choices_of_text(options, value)
    items = value if isinstance(value, list | tuple | set | frozenset) else [value]
    chosen = [_choice(options, item) for item in items if not is_empty(item)]
    return list(_sized(list(dict.fromkeys(chosen))))


def _choices_of_text(options: Mapping[str, Any], text: str) -> list[Any]:
    """A JSON list, one choice as it is written, or choices with commas between them."""
    listed = parsed(text) if text.lstrip().startswith("[") else None
    if isinstance(listed, list):
        return listed
    if text.strip() in (options.get("choices") or []):
        return [text]
    return [part.strip() for part in text.split(",")]


def _url(_options: Mapping[str, Any], value: Any) -> str:
    text = _storable_text(value.strip()) if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if fine and text.isprintable() and " " not in text:
        return text
    raise CannotCoerce(f"{_shown(value)} is no web address; write it with http:// or https:// and a host.")


def _email(_options: Mapping[str, Any], value: Any) -> str:
    text = _storable_text(value.strip()) if isinstance(value, str) else ""
    try:
        validate_email(text)
    except ValidationError as error:
        raise CannotCoerce(f"{_shown(value)} is no e-mail address.") from error
    return text


_COERCIONS: dict[str, Callable[[Mapping[str, Any], Any], Any]] = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "json": _json,
    "select": _choice,
    "multiselect": _choices,
    "url": _url,
    "email": _email,
    "currency": _currency,
}
