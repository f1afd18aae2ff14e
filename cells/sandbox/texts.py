"""How values become text within a template."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from jinja2 import Undefined
from jinja2.sandbox import SandboxedFormatter

from cells.sandbox.bounds import WIDTH_LIMIT
from cells.sandbox.meter import SCALARS, argument, made, require
from cells.values import SIZE_LIMIT, Unfit


def text(value: Any) -> str:
    """A value within text: null is nothing, lists and objects are JSON."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, (*SCALARS, Undefined)):
        return str(value)
    return json.dumps(argument(value), ensure_ascii=False, default=list)


def joined(pieces: Iterable[str]) -> str:
    """The pieces of a rendering as one text, of bounded size."""
    kept, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > SIZE_LIMIT:
            require(length)
        kept.append(piece)
    whole: str = made("".join(kept))
    return whole


class Formatter(SandboxedFormatter):
    """`str.format` whose fields and result are bounded."""

    _length = 0

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """`!r` and the like, of a value that was weighed."""
        return super().convert_field(argument(value), conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        """One field."""
        if re.search(r"\d{4,}", format_spec):
            raise Unfit(f"A format may be {WIDTH_LIMIT} characters wide at most.")
        field = str(super().format_field(argument(value), format_spec))
        self._length += len(field)
        require(self._length)
        return field
