"""The errors that the lower floors raise and the shells turn into answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input: where (`attr`, dotted), what (`code`), and what to do (`detail`)."""

    detail: str
    attr: str | None = None
    code: str = "invalid"


class TableflowError(Exception):
    """The root of the errors that a caller may be shown."""


class InvalidInput(TableflowError):
    """The input cannot be used; nothing was written. The API answers 400 with every problem named."""

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("; ".join(p.detail for p in self.problems))

    @classmethod
    def at(cls, attr: str, detail: str, code: str = "invalid") -> InvalidInput:
        """The common case of one problem in one field."""
        return cls(Problem(detail, attr, code))


class NotFound(TableflowError):
    """What was named does not exist, or not for this caller. The API answers 404."""


class Conflict(TableflowError):
    """The state does not allow it: a finished dispatch, a used key, a newer value. The API answers 409.

    Given a text, it is one problem at no field; where several values are newer, each is a problem at its place.
    """

    def __init__(self, what: str | Sequence[Problem], code: str = "conflict") -> None:
        self.problems = [Problem(what, None, code)] if isinstance(what, str) else list(what)
        self.code = self.problems[0].code
        super().__init__("; ".join(p.detail for p in self.problems))
