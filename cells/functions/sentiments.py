"""The sentiment of a text, by TextBlob's word list; it needs no download."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypedDict

from cells.functions.lazy import once
from cells.functions.registry import function

_MOST_CHARACTERS = 20_000
_NEUTRAL = 0.1


class Sentiment(TypedDict):
    """The mood of a text: a word for it, its polarity from -1 to 1, its subjectivity from 0 to 1."""

    label: Literal["positive", "neutral", "negative"]
    polarity: float
    subjectivity: float


@function(title="Sentiment of an English text")
def sentiment(text: str) -> Sentiment:
    """Whether an English text is positive, neutral or negative.

    Gives a `label`, a `polarity` from -1 (bad) to 1 (good), and a `subjectivity` from 0 to 1. A text without
    a word of the list is neutral. The first 20,000 characters are read.
    """
    polarity, subjectivity = _analyser()(text[:_MOST_CHARACTERS])
    return {
        "label": _label(polarity),
        "polarity": round(polarity, 3),
        "subjectivity": round(subjectivity, 3),
    }


def _label(polarity: float) -> Literal["positive", "neutral", "negative"]:
    if abs(polarity) < _NEUTRAL:
        return "neutral"
    return "positive" if polarity > 0 else "negative"


@once
def _analyser() -> Callable[[str], tuple[float, float]]:
    """The analyser with its word list read, so that no two threads read it at once."""
    from textblob.en.sentiments import PatternAnalyzer

    analyse: Callable[[str], tuple[float, float]] = PatternAnalyzer().analyze
    analyse("good")
    return analyse
