"""Text by rule: what a prompt says in lines `Name: value` becomes a sentence. No model writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tableflow.demo.chance import draw

_FACT = re.compile(r"^[ \t>*-]*([A-Za-z][A-Za-z _]{0,30}?)[ \t]*:[ \t]*(\S[^\r\n]{0,200})", re.MULTILINE)
_LEAST = ((10_000_000, "megacity"), (1_000_000, "large city"), (100_000, "city"), (0, "town"))
SIZES = tuple(size for _, size in _LEAST)
HEMISPHERES = ("northern hemisphere", "southern hemisphere")
_MOST_FACTS = 50
_MOST_ECHO = 120


@dataclass(frozen=True)
class Facts:
    """What a prompt says, by lower-case name; `prompt` is its text, and `seed` follows from it."""

    prompt: str
    seed: str
    by_name: dict[str, str] = field(default_factory=dict)

    def number(self, name: str) -> float | None:
        """The fact as a number; None when it is missing or none."""
        try:
            return float(self.by_name.get(name, "").replace(",", ""))
        except ValueError:
            return None

    def choose(self, *parts: str) -> float:
        """A number from 0 to below 1 for one decision about this prompt."""
        return draw(self.seed, *parts)


def read(prompt: str, seed: str) -> Facts:
    """The facts in the lines of a prompt."""
    found = _FACT.findall(prompt)[:_MOST_FACTS]
    return Facts(prompt, str(draw(seed, prompt)), {name.strip().lower(): value.strip() for name, value in found})


def traits(facts: Facts) -> list[str]:
    """Short words that follow from the facts: size, continent, hemisphere; `demo` when nothing does."""
    found = [_size(facts), facts.by_name.get("continent", "").lower(), _hemisphere(facts)]
    return [trait for trait in found if trait] or ["demo"]


def sentence(facts: Facts) -> str:
    """One sentence about the city that the prompt names, or one that says what was asked."""
    city = facts.by_name.get("city")
    if not city:
        asked = " ".join(facts.prompt.split())[:_MOST_ECHO]
        return f"This is a demo answer, made by rule, to: {asked}"
    size = _size(facts) or "place"
    where = ", ".join(filter(None, (facts.by_name.get("country"), facts.by_name.get("continent"))))
    details = [detail for detail in (_people(facts), _latitude(facts)) if detail]
    if facts.choose("order") < 0.5:
        details.reverse()
    located = f" in {where}" if where else ""
    return f"{city} is a {size}{located}" + (", " if details else "") + " and ".join(details) + "."


def _size(facts: Facts) -> str:
    population = facts.number("population")
    return next((word for least, word in _LEAST if population is not None and population >= least), "")


def _hemisphere(facts: Facts) -> str:
    latitude = facts.number("latitude")
    if latitude is None:
        return ""
    return HEMISPHERES[0] if latitude >= 0 else HEMISPHERES[1]


def _people(facts: Facts) -> str:
    population = facts.number("population")
    if population is None:
        return ""
    if population >= 1_000_000:
        return f"with about {population / 1_000_000:.1f} million people"
    return f"with about {population:,.0f} people"


def _latitude(facts: Facts) -> str:
    latitude = facts.number("latitude")
    if latitude is None:
        return ""
    return f"at {abs(latitude):.0f} degrees {'north' if latitude >= 0 else 'south'}"
