from __future__ import annotations

import pytest

from cells.functions.places import distance_km, place, place_at


@pytest.mark.parametrize("name", ["Munich", "münchen", "MUNCHEN", " Múnich ", "ミュンヘン"])
def test_a_city_is_found_by_any_of_its_names(name: str) -> None:
    found = place(name)
    assert (found["country_code"], found["time_zone"], found["continent"]) == ("DE", "Europe/Berlin", "Europe")


def test_the_largest_of_several_cities_is_meant_unless_a_country_is_given() -> None:
    assert place("London")["country"] == "United Kingdom"
    assert place("London", "Canada")["time_zone"] == "America/Toronto"
    assert place("Paris", "us")["country_code"] == "US"


def test_the_answer_is_the_callers_own() -> None:
    place("Paris")["city"] = "changed"
    assert place("Paris")["city"] == "Paris"


@pytest.mark.parametrize("name", ["Nowhereville", "1", "\t0", "Paris\t0", "x" * 100_000])
def test_an_unknown_city_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"^No city of 15,000 people or more is called"):
        place(name)


def test_an_empty_city_and_an_unknown_country_are_errors() -> None:
    with pytest.raises(ValueError, match="name of the city is empty"):
        place("  ")
    with pytest.raises(ValueError, match="'Atlantis' is not a country's"):
        place("Paris", "Atlantis")


def test_coordinates_give_the_zone_and_the_nearest_city() -> None:
    found = place_at(48.85, 2.35)
    assert (found["time_zone"], found["city"], found["country_code"]) == ("Europe/Paris", "Paris", "FR")
    assert found["distance_km"] < 5


def test_the_nearest_city_may_lie_across_the_date_line() -> None:
    assert place_at(-17.6, -179.9)["country_code"] == "FJ"


@pytest.mark.parametrize(("latitude", "longitude"), [(91, 0), (-91, 0), (0, 181), (0, -181), (float("nan"), 0)])
def test_impossible_coordinates_are_errors(latitude: float, longitude: float) -> None:
    with pytest.raises(ValueError, match="is not between"):
        place_at(latitude, longitude)


def test_distances_are_great_circles() -> None:
    assert distance_km(52.52, 13.4, 48.85, 2.35) == pytest.approx(878, abs=2)
    assert distance_km(0, 0, 0, 180) == pytest.approx(20_015, abs=1)
    assert distance_km(10, 20, 10, 20) == 0
