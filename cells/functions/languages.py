"""The language of a text, by py3langid's own model."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from cells.functions.lazy import once
from cells.functions.registry import function

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_MOST_CHARACTERS = 10_000


class Language(TypedDict):
    """An ISO 639 code, and how sure the model is, from 0 to 1."""

    code: str
    confidence: float


@function(title="Language of a text")
def language(text: str) -> Language:
    """The language that a text is written in: its ISO 639 code and a confidence from 0 to 1.

    The first 10,000 characters are read. A text without letters is an error: it has no language.
    """
    sample = text[:_MOST_CHARACTERS]
    if not any(character.isalpha() for character in sample):
        raise ValueError("The text has no letters, so it has no language.")
    code, confidence = _identifier().classify(sample)
    return {"code": code, "confidence": round(float(confidence), 3)}


@once
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
