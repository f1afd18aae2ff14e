"""Text that programs and other people wrote, made fit to be shown: what steers a terminal or turns a line is gone.

Pure, and below everything else: pages, the terminal client and the logs of workers use it. Its time grows with the
length of the text alone, whatever stands in it.
"""

from __future__ import annotations

import re
import unicodedata

# Everything that may follow an opening is optional: a match is never given up, so that no character is read twice.
_SEQUENCE = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, the cursor
    r"|\x1b[ -/]*[0-~]?"
)
_BLANKS = "\t\n\r\v\f\x85\u2028\u2029"
_JOINERS = "\u200c\u200d"
_UNSEEN = frozenset({"Cc", "Cf", "Co"})


def plain(text: str, *, kept: str = "\n\t") -> str:
    """The text without control sequences, control characters and unseen marks; half a surrogate pair becomes U+FFFD.

    Tabs and ends of lines that `kept` does not name become blanks; an end of two characters is one.
    """
    if text.isprintable():
        return text
    unsteered = _SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return "".join([one if one.isprintable() else _shown(one, kept) for one in unsteered])


def _shown(character: str, kept: str) -> str:
    if character in _BLANKS:
        return character if character in kept else " "
    category = unicodedata.category(character)
    if category == "Cs":
        return "\ufffd"
    return character if category not in _UNSEEN or character in _JOINERS else ""
