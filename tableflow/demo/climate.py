"""An estimate of a place's climate by its latitude: a rule of physics, not measured weather."""

from __future__ import annotations

import math
from typing import Any

_AXIAL_TILT = 23.44
_EDGES = ((23.5, "tropical"), (35.0, "subtropical"), (55.0, "temperate"), (66.5, "subpolar"), (90.0, "polar"))
ZONES = tuple(zone for _, zone in _EDGES)


def estimate(latitude: float) -> dict[str, Any]:
    """Temperatures in °C, the climate zone, and the hours of daylight of the longest day."""
    average = 27.0 - 0.0075 * latitude**2
    swing = (0.32 if latitude >= 0 else 0.2) * abs(latitude)
    return {
        "average_temperature_c": round(average, 1),
        "warmest_month_c": round(average + swing / 2, 1),
        "coldest_month_c": round(average - swing / 2, 1),
        "longest_day_hours": round(_longest_day_hours(latitude), 1),
        "climate_zone": next(zone for edge, zone in _EDGES if abs(latitude) <= edge),
    }


def _longest_day_hours(latitude: float) -> float:
    """The hours between sunrise and sunset at the solstice, without the air's refraction."""
    cosine = -math.tan(math.radians(min(abs(latitude), 89.999))) * math.tan(math.radians(_AXIAL_TILT))
    return 24 / math.pi * math.acos(max(-1.0, cosine))
