"""What a trace shows of a step's input and output: no more than 16 kB of each, and no secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cells.values import readable_size

LIMIT = 16 * 1024
MASK = "•••"

_SECRET = re.compile(
    r"authorization|cookie|token|secret|password|signature|api[-_]?key|^key$|^x-.*-key$", re.IGNORECASE
)
_SECRET_IN_URL = re.compile(
    r"([?&](?:[^=&#]*(?:token|secret|password|signature|api[-_]?key)|key)=)[^&#]*", re.IGNORECASE
)
_USER_IN_URL = re.compile(r"(//)[^/@\s]*@")


def kept(value: Any) -> Any:
    """The value as a trace keeps it: itself when it is small, else the beginning of its JSON with a marker."""
    if isinstance(value, str):
        return value if len(value) <= LIMIT else _cut(value)
    if not isinstance(value, dict | list) or _size(value, LIMIT) <= LIMIT:
        return value
    return _cut(json.dumps(value, ensure_ascii=False))


def is_secret(name: str) -> bool:
    """Whether a header or parameter of that name bears a secret."""
    return _SECRET.search(name) is not None


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Headers or parameters with the secret ones masked."""
    return {name: MASK if is_secret(name) else value for name, value in values.items()}


def masked_url(url: str) -> str:
    """The URL without the user, the password and the secret parameters it bears."""
    return _SECRET_IN_URL.sub(rf"\1{MASK}", _USER_IN_URL.sub(rf"\1{MASK}@", url))


def _cut(text: str) -> str:
    return f"{text[:LIMIT]}… [cut: the first {readable_size(LIMIT)} of {len(text):,} characters]"


def _size(value: Any, limit: int) -> int:
    """What the value's JSON takes, roughly; the count stops soon after the limit."""
    total, pending = 0, [value]
    while pending and total <= limit:
        item = pending.pop()
        if isinstance(item, str):
            total += len(item) + 2
        elif isinstance(item, dict):
            total += 2 + sum(len(key) + 4 for key in item)
            pending += item.values()
        elif isinstance(item, list):
            total += 2 + len(item)
            pending += item
        else:
            total += 8
    return total
