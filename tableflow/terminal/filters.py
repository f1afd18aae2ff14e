"""The stack of filters of a list: typed one after another, taken away from the top."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("state", "table", "by")


@dataclass(frozen=True)
class Filter:
    """One filter; `kind` is one of KINDS, or `text`."""

    kind: str
    value: str

    def __str__(self) -> str:
        return self.value if self.kind == "text" else f"{self.kind}:{self.value}"


def parse(typed: str) -> Filter | None:
    """What somebody typed behind `/`: `state:…`, `table:…`, `by:…`, or a text; None when nothing stands there."""
    typed = typed.strip()
    kind, colon, value = typed.partition(":")
    if colon and kind in KINDS:
        return Filter(kind, value.strip()) if value.strip() else None
    return Filter("text", typed) if typed else None


@dataclass(frozen=True)
class Stack:
    """The filters in force, the oldest first. Of one kind the newest counts; all texts count."""

    filters: tuple[Filter, ...] = ()

    def pushed(self, new: Filter) -> Stack:
        """With one more."""
        kept = (one for one in self.filters if one.kind == "text" or one.kind != new.kind)
        return Stack((*(one for one in kept if one != new), new))

    def popped(self) -> Stack:
        """Without the newest."""
        return Stack(self.filters[:-1])

    def value(self, kind: str) -> str | None:
        """What is asked for of this kind."""
        return next((one.value for one in self.filters if one.kind == kind), None)

    def fits(self, *texts: str | None) -> bool:
        """Whether every text that is asked for stands in one of these."""
        whole = "\n".join(text for text in texts if text).casefold()
        return all(one.value.casefold() in whole for one in self.filters if one.kind == "text")

    def __bool__(self) -> bool:
        return bool(self.filters)

    def __str__(self) -> str:
        return "  ".join(f"/{one}" for one in self.filters)
