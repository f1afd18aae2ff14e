"""Records of jsonl: one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from tableflow.tables.imports.lines import MAX_LINE_CHARS
from tableflow.tables.imports.rejected import Rejected


def records(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]] | Rejected]:
    """Each line as (its number, the object), or Rejected when it is none. Blank lines are left out."""
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        if len(line) >= MAX_LINE_CHARS:
            yield Rejected(number, f"The line is longer than {MAX_LINE_CHARS:,} characters.")
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            yield Rejected(number, f"The line is not JSON: {error.msg} at character {error.colno}.", record=line)
            continue
        if isinstance(value, dict):
            yield number, value
        else:
            yield Rejected(number, "The line is not a JSON object.", record=line)
