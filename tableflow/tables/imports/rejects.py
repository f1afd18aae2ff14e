"""The rejected lines as they stood in the file, and as a file to be mended and imported again.

An import keeps the first MAX_KEPT of them, of the records the first MAX_KEPT_BYTES; it counts all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from tableflow.tables import exports
from tableflow.tables.imports.plan import MAX_FIELDS, Plan
from tableflow.tables.imports.rejected import Rejected
from tableflow.tables.imports.workbooks import cell_text
from tableflow.tables.models import Import, ImportReject

MAX_KEPT = 1_000
MAX_KEPT_BYTES = 1024 * 1024
MAX_RECORD_BYTES = 64 * 1024
ERROR = "error"


def fitted(line: Rejected) -> tuple[Rejected, int]:
    """The line with its record as jsonb can hold it, and how many bytes that has; without it where it is too long."""
    if line.record is None:
        return line, 0
    plain = _plain(line.record)
    size = len(orjson.dumps(plain))
    return (replace(line, record=plain), size) if size <= MAX_RECORD_BYTES else (replace(line, record=None), 0)


def keep(source: Import, lines: Sequence[Rejected]) -> None:
    """Keep the (fitted) lines for as long as there is room. The import is locked."""
    standing = source.rejects.aggregate(count=Count("pk"), bytes=Coalesce(Sum("size"), 0))
    left = MAX_KEPT_BYTES - standing["bytes"]
    made = []
    for line in lines[: max(0, MAX_KEPT - standing["count"])]:
        size = len(orjson.dumps(line.record)) if line.record is not None else 0
        record, size = (line.record, size) if size <= left else (None, 0)
        left -= size
        made.append(
            ImportReject(
                source=source, line=line.line or 0, attr=line.attr or "", detail=line.detail, record=record, size=size
            )
        )
    ImportReject.objects.bulk_create(made)


def _plain(value: Any) -> Any:
    """Texts without what no jsonb can hold; cells of workbooks as texts."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_plain(name): _plain_member(member) for name, member in value.items()}
    return ["" if cell is None else _plain(cell_text(cell)) for cell in value]


def _plain_member(value: Any) -> Any:
    """What stands in an object. Lists and objects in it are texts: so they stand in a csv."""
    return _plain(value if isinstance(value, str) else exports.plain_text(value))


def as_csv(source: Import) -> Iterator[bytes]:
    """The kept lines as csv: the file's own headers, then `error`, which says where and why.

    A line that could not be told apart is cut at its delimiters as well as that goes; what is beyond the header
    stands behind the error. Texts that a spreadsheet would take for formulas get an apostrophe.
    """
    plan = Plan.of_json(source.plan)
    kept = list(source.rejects.all())
    names = [name for name, _ in plan.fields]
    places = [place for place, field in enumerate(plan.fields) if field != (ERROR, None)]  # that one was ours
    more = _further_names(kept, names)
    yield _line([*(exports.neutral(name) for name in (*(names[place] for place in places), *more)), ERROR])
    for reject in kept:
        fields = [
            exports.neutral_unless_number(text) for text in _fields(reject.record, (*names, *more), plan.delimiter)
        ]
        beyond = fields[len(names) + len(more) :]
        wanted = [fields[place] for place in (*places, *range(len(names), len(names) + len(more)))]
        yield _line([*wanted, _why(reject, plan), *beyond])


def _further_names(kept: Sequence[ImportReject], names: Sequence[str]) -> list[str]:
    """The fields of objects that no column was made for, the first MAX_FIELDS of them."""
    found = {name: None for reject in kept if isinstance(reject.record, dict) for name in reject.record}
    return [name for name in found if name not in names and name != ERROR][:MAX_FIELDS]


def _fields(record: Any, names: Sequence[str], delimiter: str | None) -> list[str]:
    """The record's texts, as many as there are names, and those beyond."""
    match record:
        case None:
            found = []
        case str() if delimiter is not None:
            found = next(csv.reader([record], delimiter=delimiter), [])
        case str():
            found = [record.rstrip("\r\n")]
        case dict():
            found = [str(record.get(name, "")) for name in names]
        case _:
            found = list(record)
    return [*found, *[""] * (len(names) - len(found))]


def _why(reject: ImportReject, plan: Plan) -> str:
    named = next((name for name, key in plan.fields if key is not None and key == reject.attr), reject.attr)
    where = f"Line {reject.line}, {named}" if named else f"Line {reject.line}"
    lost = " (The line was too long to be kept.)" if reject.record is None else ""
    return f"{where}: {reject.detail}{lost}"


def _line(fields: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(fields)
    return text.getvalue().encode("utf-8", "replace")
