"""Records of jsonl: one JSON object a line."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from tableflow.tables import types
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
        if not isinstance(value, dict):
            yield Rejected(number, "The line is not a JSON object.", record=line)
        elif _is_too_deep(line, value):
            detail = f"The object has a value nested more than {types.MAX_DEPTH} levels deep."
            yield Rejected(number, detail, record=line)
        else:
            yield number, value


def _is_too_deep(line: str, record: dict[str, Any]) -> bool:
    """Whether a value in the record is nested deeper than any that is kept: nothing else may have to walk into it."""
    if line.count("[") + line.count("{") <= types.MAX_DEPTH:
        return False
    level: list[Any] = [record]
    for _ in range(types.MAX_DEPTH + 2):  # the record's own level, and those of a value, which are told from 0
        items = itertools.chain.from_iterable(each.values() if isinstance(each, dict) else each for each in level)
        level = [item for item in items if isinstance(item, dict | list)]
    return bool(level)
