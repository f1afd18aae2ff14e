"""Counts of a text, and how hard it is to read."""

from __future__ import annotations

import re
from typing import TypedDict

from cells.functions.registry import function

_MOST_CHARACTERS = 1_000_000
_WORD = re.compile(r"\w+(?:['’.,-]\w+)*")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?:\s|$)|[。！？]|\n\s*\n")


class TextStatistics(TypedDict):
    """What was counted. `reading_grade` is null when there are no words."""

    characters: int
    words: int
    sentences: int
    reading_grade: float | None


@function(title="Statistics of a text")
def text_statistics(text: str) -> TextStatistics:
    """Counts of characters, words and sentences, and the reading grade of a text.

    `reading_grade` is the Automated Readability Index: about the school year (1 to 14) in which a reader of
    English follows the text. The first million characters are read.
    """
    sample = text[:_MOST_CHARACTERS]
    words = _WORD.findall(sample)
    sentences = sum(1 for part in _SENTENCE_END.split(sample) if _WORD.search(part))
    letters = sum(sum(map(str.isalnum, word)) for word in words)
    return {
        "characters": len(text),
        "words": len(words),
        "sentences": sentences,
        "reading_grade": _grade(letters, len(words), sentences) if words else None,
    }


def _grade(letters: int, words: int, sentences: int) -> float:
    """The Automated Readability Index (Smith and Senter, 1967)."""
    return round(4.71 * letters / words + 0.5 * words / sentences - 21.43, 1)
