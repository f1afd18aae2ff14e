from __future__ import annotations

from tableflow.demo import meters


def test_the_largest_number_at_once_is_kept() -> None:
    with meters.counted("overlap"), meters.counted("overlap"):
        assert meters.reading("overlap") == {"requests": 2, "in_flight": 2, "most_in_flight": 2}
    with meters.counted("overlap"):
        pass
    assert meters.reading("overlap") == {"requests": 3, "in_flight": 0, "most_in_flight": 2}


def test_starting_anew_keeps_what_is_in_flight() -> None:
    with meters.counted("anew"):
        meters.reset("anew")
        assert meters.reading("anew") == {"requests": 1, "in_flight": 1, "most_in_flight": 1}
    meters.reset("anew")
    assert meters.reading("anew") == {"requests": 0, "in_flight": 0, "most_in_flight": 0}


def test_old_meters_are_forgotten_but_the_count_of_all_is_kept() -> None:
    before = meters.reading("")["requests"]
    for number in range(1100):
        with meters.counted(f"meter {number}"):
            pass
    assert meters.reading("")["requests"] == before + 1100
    assert meters.reading("meter 0")["requests"] == 0
    assert meters.reading("meter 1099")["requests"] == 1
