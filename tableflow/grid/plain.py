"""Text that programs and other people wrote, as it is shown: without what steers a terminal or turns a line around."""

from __future__ import annotations

import re

CLIPPED_CHARACTERS = 300
CLIPPED_LINES = 3

# A colour or a title as terminals are told them; then every other control character but the tab and the line's end,
# and the marks that let a text be read in another order than it has.
_STEERING = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,1000}(?:\x07|\x1b\\)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without control characters; ends of lines are one character."""
    return _CONTROLS.sub("", _STEERING.sub("", text.replace("\r\n", "\n")))


def clipped(text: str) -> str:
    """The beginning of a text: its first lines, so far as they fit. All of it where that is no more."""
    start = "\n".join(text.split("\n", CLIPPED_LINES)[:CLIPPED_LINES])[:CLIPPED_CHARACTERS]
    return text if start == text else f"{start.rstrip()}…"
