from __future__ import annotations

import pytest

from cells.functions.languages import language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The weather is fine today and the children play in the garden.", "en"),
        ("Il fait beau aujourd'hui et les enfants jouent dans le jardin.", "fr"),
        ("Das Wetter ist heute schön und die Kinder spielen im Garten.", "de"),
        ("今日は天気がいいので、子供たちは庭で遊んでいます。", "ja"),
    ],
)
def test_the_language_of_a_sentence_is_found(text: str, code: str) -> None:
    found = language(text)
    assert found["code"] == code
    assert 0.5 < found["confidence"] <= 1


@pytest.mark.parametrize("text", ["", "   ", "123 456", "…?!"])
def test_a_text_without_letters_has_no_language(text: str) -> None:
    with pytest.raises(ValueError, match="no letters"):
        language(text)


def test_a_long_text_is_read_in_part() -> None:
    assert language("The children play in the garden. " * 100_000)["code"] == "en"
