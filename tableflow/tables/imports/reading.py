"""A file as records, by its format: the header is the first record of csv and tsv; jsonl has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tableflow.tables.imports import delimited, objects
from tableflow.tables.imports.lines import lines
from tableflow.tables.imports.plan import Plan
from tableflow.tables.imports.rejected import Rejected

Record = tuple[int, Any] | Rejected


def records(pieces: Iterable[bytes], plan: Plan) -> Iterator[Record]:
    """Each record after the header: (line, fields), (line, object), or Rejected. The same ones at every reading."""
    text = lines(pieces, plan.encoding)
    if plan.delimiter is None:
        yield from objects.records(text)
        return
    found = delimited.records(text, plan.delimiter)
    next(found, None)
    yield from found
