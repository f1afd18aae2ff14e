"""What a caller may ask of the provider's behaviour, by query parameters (or after a `?` in the model's name)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tableflow.errors import InvalidInput

MOST_LATENCY_MS = 10_000.0
_STATUSES = (400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504)
_MOST_CHARACTERS = 100

PARAMETERS = {
    "latency_ms": "Answer after this many milliseconds, 0 to 10000. Otherwise the time is drawn from the input.",
    "fail": "A status to fail with (400 to 504); 'none' for no failure; 'once' for one 429 a process and input, first. "
    "Otherwise about 2 inputs in 100 always fail, and any may be turned away by a 429 for a second.",
    "retry_after": "The seconds that a 429 names in Retry-After, 0 to 10.",
    "seed": "Another seed gives other latencies and failures.",
    "meter": "Count this request under a name as well: GET /demo/stats?meter=name.",
}


@dataclass(frozen=True)
class Controls:
    """The controls of one request. None: by chance. `fail` is a status, 0 for no failure, or "once"."""

    latency_ms: float | None = None
    fail: int | str | None = None
    retry_after_seconds: int = 1
    seed: str = "1"
    meter: str = ""


def read(query: Mapping[str, str]) -> Controls:
    """The controls in a query; InvalidInput names the parameter that cannot be used."""
    return Controls(
        latency_ms=_number("latency_ms", query["latency_ms"], MOST_LATENCY_MS) if "latency_ms" in query else None,
        fail=_fail(query["fail"]) if "fail" in query else None,
        retry_after_seconds=int(_number("retry_after", query.get("retry_after", "1"), 10)),
        seed=query.get("seed", "1")[:_MOST_CHARACTERS],
        meter=query.get("meter", "")[:_MOST_CHARACTERS],
    )


def _fail(word: str) -> int | str:
    if word == "once":
        return word
    if word == "none":
        return 0
    if word.isascii() and word.isdigit() and int(word[:4]) in _STATUSES:
        return int(word)
    raise InvalidInput.at("fail", "fail must be 'none', 'once' or one of " + ", ".join(map(str, _STATUSES)) + ".")


def _number(name: str, word: str, most: float) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not 0 <= value <= most:
        raise InvalidInput.at(name, f"{name} must be a number from 0 to {most:g}.")
    return value
