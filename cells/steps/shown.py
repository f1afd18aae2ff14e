"""What a trace shows of a step's input and output: no more than 16 kB of each, and no secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from cells.templates import Template
from cells.values import readable_size

LIMIT = 16 * 1024
RETRY_LIMIT = 4 * 1024
MASK = "•••"

_SECRET = re.compile(
    r"authorization|cookie|token|secret|password|signature|api[-_]?key|^key$|^x-.*-key$", re.IGNORECASE
)
_SECRET_IN_URL = re.compile(
    r"([?&](?:[^=&#]*(?:token|secret|password|signature|api[-_]?key)|key)=)[^&#]*", re.IGNORECASE
)
_USER_IN_URL = re.compile(r"(//)[^/@\s]*@")


def kept(value: Any, limit: int = LIMIT) -> Any:
    """The value as a trace keeps it: itself when it is small, else the beginning of its JSON with a marker."""
    if isinstance(value, str):
        return value if len(value) <= limit else _cut(value, limit)
    if not isinstance(value, dict | list) or not weighs_more(value, limit):
        return value
    return _cut(json.dumps(value, ensure_ascii=False), limit)


def sources(templates: Iterable[tuple[str, Template]]) -> dict[str, str]:
    """The templates of a step as they were written, by their place in its config; secrets are masked."""
    written = {}
    for place, template in templates:
        name = place.partition(".config.")[2] or place
        written[name] = MASK if any(map(is_secret, name.split("."))) else masked_url(template.source)
    return written


def is_secret(name: str) -> bool:
    """Whether a header or parameter of that name bears a secret."""
    return _SECRET.search(name) is not None


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Headers or parameters with the secret ones masked."""
    return {name: MASK if is_secret(name) else value for name, value in values.items()}


def masked_url(url: str) -> str:
    """The URL without the user, the password and the secret parameters it bears."""
    return _SECRET_IN_URL.sub(rf"\1{MASK}", _USER_IN_URL.sub(rf"\1{MASK}@", url))


def _cut(text: str, limit: int) -> str:
    return f"{text[:limit]}… [cut: the first {readable_size(limit)} of {len(text):,} characters]"


def weighs_more(value: Any, limit: int) -> bool:
    """Whether the value's JSON takes more than the limit, roughly; the count stops there."""
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
    return total > limit
