"""A file as records, by its format: the header is the first record of csv, tsv and xlsx; jsonl has none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tableflow.tables.imports import delimited, objects, workbooks
from tableflow.tables.imports.lines import lines
from tableflow.tables.imports.plan import Plan
from tableflow.tables.imports.rejected import Rejected

Record = tuple[int, Any] | Rejected


def records(pieces: Iterable[bytes], plan: Plan) -> Iterator[Record]:
    """Each record after the header: (line, fields or cells or object), or Rejected. The same at every reading."""
    if plan.sheet is not None:
        yield from workbooks.records(pieces, plan.sheet)
        return
    text = lines(pieces, plan.encoding)
    if plan.delimiter is None:
        yield from objects.records(text)
        return
    found = delimited.records(text, plan.delimiter)
    next(found, None)
    yield from found
