from __future__ import annotations

import pytest

from cells.functions.sentiments import sentiment


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this, it is great!", "positive"),
        ("What a horrible, terrible day.", "negative"),
        ("The train leaves at nine.", "neutral"),
        ("", "neutral"),
    ],
)
def test_the_mood_of_a_text_gets_a_word(text: str, label: str) -> None:
    found = sentiment(text)
    assert found["label"] == label
    assert -1 <= found["polarity"] <= 1
    assert 0 <= found["subjectivity"] <= 1


def test_the_analyser_works_without_any_downloaded_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    import nltk

    monkeypatch.setattr(nltk.data, "path", [])
    assert sentiment("A wonderful evening.")["label"] == "positive"
