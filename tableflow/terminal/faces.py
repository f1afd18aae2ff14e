"""What a cell shows in a list: its mark, and its value, its error or the word of its state. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tableflow.terminal import figures, texts
from tableflow.terminal.client import Answer
from tableflow.terminal.widgets.columns import Cell

BUSY = ("pending", "queued", "running")
SHOWN_CHARACTERS = 60
_WORDS = {"open": "needs an answer", "completed": "no output"}


def face(row: Answer, group: Answer, names: Mapping[str, str]) -> Cell:
    """The cell of a row and a workflow column; an old value stays to be seen while a new one is on its way.

    `names` are those of the table's columns by their keys.
    """
    id_ = str(group["id"])
    execution = row["executions"].get(id_)
    if execution is None:
        return _waiting(row["waiting"].get(id_, ()), names)
    status = "open" if _is_asked(execution) else execution["status"]
    mark = texts.mark(status) + (texts.mark("stale") if execution["stale"] else "")
    return Cell(f"{mark} {texts.clip(_beside(row, group, status), SHOWN_CHARACTERS)}", figures.TONES.get(status, ""))


def value(row: Answer, group: Answer) -> Any:
    """The value that a group has filled in: that of its column; of several, all that are there by their keys."""
    keys = [output["column"] for output in group["outputs"]]
    if len(keys) == 1:
        return row["data"].get(keys[0])
    return {key: row["data"][key] for key in keys if row["data"].get(key) is not None} or None


def _waiting(keys: Sequence[str], names: Mapping[str, str]) -> Cell:
    if not keys:
        return Cell("")
    missing = ", ".join(names.get(key, key) for key in keys)
    return Cell(f"{texts.mark('waiting')} {texts.clip(f'waiting for {missing}', SHOWN_CHARACTERS)}", "wait")


def _beside(row: Answer, group: Answer, status: str) -> str:
    if status == "error":
        return row["executions"][str(group["id"])]["error"] or "error"
    values = (row["data"].get(output["column"]) for output in group["outputs"])
    seen = " · ".join(filter(None, map(texts.value, values)))
    if seen and status not in BUSY:
        return seen
    word = _WORDS.get(status, status)
    return f"{word} ({seen})" if seen else word


def _is_asked(execution: Answer) -> bool:
    return execution["status"] == "paused" and (execution["pause"] or {}).get("kind") == "approval"
