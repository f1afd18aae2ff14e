"""The rows of the demo table: the largest cities of the world, by GeoNames."""

from __future__ import annotations

from typing import Any

from cells.functions.places import largest

NAME = "Cities of the world"
DESCRIPTION = (
    "The 1,200 largest cities by population, from GeoNames (geonames.org, CC BY 4.0). The workflow columns call the "
    "demo provider of this server: their climate is computed from the latitude and their summaries are put together "
    "by a rule, so that everything works without a key. Some calls fail on purpose."
)
ROWS = 1200

CONTINENTS = ["Africa", "Antarctica", "Asia", "Europe", "North America", "Oceania", "South America"]

COLUMNS: list[dict[str, Any]] = [
    {"name": "City", "type": "text"},
    {"name": "Country", "type": "text"},
    {"name": "Country code", "type": "text"},
    {"name": "Continent", "type": "select", "options": {"choices": CONTINENTS}},
    {"name": "Population", "type": "number"},
    {"name": "Latitude", "type": "number"},
    {"name": "Longitude", "type": "number"},
    {"name": "Time zone", "type": "text"},
]


def rows() -> list[dict[str, Any]]:
    """The data of the rows, the largest city first."""
    return [dict(place) for place in largest(ROWS)]
