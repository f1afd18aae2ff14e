"""A line of a file that cannot become a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# How many rejected lines an import lists; all are counted.
MAX_LISTED = 1_000


@dataclass(frozen=True)
class Rejected:
    """Why a line was rejected: its physical number from 1, the column's key (None: the line as a whole), the reason.

    `line` is None for what is wrong with the import as a whole. `record` is what stood there: its fields, cells or
    object, or the line as a text where it could not be told apart.
    """

    line: int | None
    detail: str
    attr: str | None = None
    record: Any = None

    def as_json(self) -> dict[str, Any]:
        """As it is listed in `Import.errors`."""
        return {"line": self.line, "attr": self.attr, "detail": self.detail}


def listed(*errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lists one after the other, cut to what an import lists."""
    return [error for errors_ in errors for error in errors_][:MAX_LISTED]
