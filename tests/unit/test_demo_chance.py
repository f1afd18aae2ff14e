from __future__ import annotations

from statistics import median, quantiles

import pytest

from tableflow.demo import conditions, controls
from tableflow.demo.chance import draw, latency_seconds, throttled
from tableflow.demo.climate import estimate
from tableflow.errors import InvalidInput

CITIES = [f"city {number}" for number in range(4000)]


def outcome(key: str, now: float, **query: str) -> conditions.Conditions:
    return conditions.conditions(controls.read(query), key, median_ms=120, failures=(500, 404), now=now)


def test_the_same_input_draws_the_same_number_and_others_spread_evenly() -> None:
    drawn = [draw("x", city) for city in CITIES]
    assert drawn == [draw("x", city) for city in CITIES]
    assert all(0 <= number < 1 for number in drawn)
    assert [round(cut, 1) for cut in quantiles(drawn, n=5)] == [0.2, 0.4, 0.6, 0.8]


def test_latencies_are_log_normal_about_their_median() -> None:
    latencies = [latency_seconds(120, "1", city) for city in CITIES]
    assert median(latencies) == pytest.approx(0.12, rel=0.1)
    assert 0.3 < quantiles(latencies, n=50)[-1] < 0.4
    assert max(latencies) < 2


def test_about_two_inputs_in_a_hundred_always_fail() -> None:
    later = [outcome(city, now=1000.0).status for city in CITIES]
    failing = {city for city, status in zip(CITIES, later, strict=True) if status in {500, 404}}
    assert 0.01 < len(failing) / len(CITIES) < 0.03
    assert {status for status in later if status} == {429, 500, 404}
    assert all(outcome(city, now).status in {500, 404, 429} for city in failing for now in (0.0, 7.5, 99.0))


def test_a_throttled_input_succeeds_one_second_later() -> None:
    turned_away = [city for city in CITIES if throttled(1000.0, "1", city)]
    assert 0.04 < len(turned_away) / len(CITIES) < 0.09
    assert not any(throttled(1001.0 + late, "1", city) for city in turned_away for late in (0.0, 0.5, 5.0, 13.9))


def test_the_controls_decide_before_chance() -> None:
    assert outcome("a", 0.0, fail="503", latency_ms="250") == conditions.Conditions(0.25, 503, 1)
    assert all(outcome(city, 0.0, fail="none").status is None for city in CITIES)
    assert outcome("a", 0.0, fail="429", retry_after="7").retry_after_seconds == 7
    assert outcome("a", 0.0, seed="2").latency_seconds != outcome("a", 0.0).latency_seconds


def test_fail_once_turns_an_input_away_the_first_time() -> None:
    assert [outcome("first", 0.0, fail="once", meter="m1").status for _ in range(3)] == [429, None, None]
    assert outcome("second", 0.0, fail="once", meter="m1").status == 429
    assert outcome("first", 0.0, fail="once", meter="m2").status == 429


@pytest.mark.parametrize(
    ("parameter", "word"),
    [
        ("latency_ms", "soon"),
        ("latency_ms", "-1"),
        ("latency_ms", "10001"),
        ("latency_ms", "nan"),
        ("latency_ms", ""),
        ("fail", "200"),
        ("fail", "twice"),
        ("fail", "٤٠٤"),
        ("fail", "4" * 10_000),
        ("retry_after", "3600"),
    ],
)
def test_a_control_that_cannot_be_used_is_named(parameter: str, word: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        controls.read({parameter: word})
    assert caught.value.problems[0].attr == parameter


def test_the_climate_follows_from_the_latitude() -> None:
    zones = [estimate(latitude)["climate_zone"] for latitude in (0, -23, 30, -45, 60, 90)]
    assert zones == ["tropical", "tropical", "subtropical", "temperate", "subpolar", "polar"]
    temperatures = [estimate(latitude)["average_temperature_c"] for latitude in (0, 30, 60, 90)]
    assert temperatures == sorted(temperatures, reverse=True)
    assert [estimate(latitude)["longest_day_hours"] for latitude in (0, 90, -90)] == [12, 24, 24]
    assert estimate(52.5)["longest_day_hours"] == pytest.approx(16.6, abs=0.2)  # Berlin
