from __future__ import annotations

import pytest

from cells.functions.texts import text_statistics


def test_words_and_sentences_are_counted() -> None:
    found = text_statistics("The cat sat on the mat. It wasn’t happy! “Really?” 3.14 is a well-known number")
    assert (found["words"], found["sentences"]) == (15, 4)


def test_harder_text_gets_a_higher_grade() -> None:
    easy = text_statistics("The cat sat. The dog ran. We had fun.")
    hard = text_statistics(
        "Notwithstanding considerable infrastructural modernisation, administrative decentralisation stagnated."
    )
    assert easy["reading_grade"] is not None
    assert hard["reading_grade"] is not None
    assert easy["reading_grade"] < 5 < hard["reading_grade"]


def test_the_grade_is_the_automated_readability_index() -> None:
    found = text_statistics("Four five seven.")  # 13 letters, 3 words, 1 sentence
    assert found["reading_grade"] == round(4.71 * 13 / 3 + 0.5 * 3 - 21.43, 1)


@pytest.mark.parametrize("text", ["", "   \n\n ", "...!?", "\0"])
def test_a_text_without_words_has_no_grade(text: str) -> None:
    assert text_statistics(text) == {"characters": len(text), "words": 0, "sentences": 0, "reading_grade": None}


@pytest.mark.parametrize("piece", ["a.", '.""', "\n", "word ", "(("])
def test_a_long_odd_text_takes_no_time_out_of_proportion(piece: str) -> None:
    assert text_statistics(piece * 500_000)["characters"] == len(piece) * 500_000
