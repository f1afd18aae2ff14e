"""Some words in one place of the screen, which cost nothing while they stay as they are."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class Words(Static):
    """Plain text, never markup. Saying the same again paints nothing. `one_line`: it never needs more room."""

    def __init__(self, id: str, *, one_line: bool = False) -> None:  # noqa: A002  (a widget's id)
        super().__init__(id=id, markup=False)
        self._one_line = one_line
        self._said: str | Text = ""
        self._tone = ""

    def say(self, text: str | Text, tone: str = "") -> None:
        """Say this; `tone` is a colour by its meaning."""
        if tone != self._tone:
            self._tone = tone
            self.set_classes(tone)
        if text != self._said:
            self._said = text
            self.update(text, layout=not self._one_line)
