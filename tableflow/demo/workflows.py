"""The demo table's three workflows, and how its columns use them: an HTTP API, a model, and a Python function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tableflow.demo.cities import CONTINENTS
from tableflow.demo.climate import ZONES
from tableflow.demo.completions import MODEL
from tableflow.demo.prose import HEMISPHERES, SIZES

_PROMPT = """\
Describe this city in one sentence.
City: {{ inputs.city }}
Country: {{ inputs.country }}
Continent: {{ inputs.continent }}
Population: {{ inputs.population }}
Latitude: {{ inputs.latitude }}
"""

_ANSWER = {
    "type": "object",
    "properties": {
        "summary": {"type": "string", "description": "One sentence about the city."},
        "tags": {"type": "array", "items": {"type": "string"}, "description": "A few words about the city."},
    },
    "required": ["summary", "tags"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Demo:
    """A workflow, and the workflow column that uses it in the demo table (a group without its `workflow`)."""

    name: str
    inputs: list[str]
    steps: list[dict[str, Any]]
    outputs: dict[str, str]
    column: dict[str, Any]


CLIMATE = Demo(
    name="Climate of a city (demo)",
    inputs=["city", "latitude", "longitude"],
    steps=[
        {
            "id": "estimate",
            "type": "http",
            "config": {
                "method": "GET",
                "connection": "demo",
                "url": "climate",
                "query": {
                    "city": "{{ inputs.city }}",
                    "latitude": "{{ inputs.latitude }}",
                    "longitude": "{{ inputs.longitude }}",
                },
            },
            "retry": {"attempts": 5, "backoff_seconds": 0.5},
            "timeout": 15,
        }
    ],
    outputs={
        "temperature": "{{ steps.estimate.body.average_temperature_c }}",
        "zone": "{{ steps.estimate.body.climate_zone }}",
    },
    column={
        "name": "Climate",
        "inputs": {"city": "city", "latitude": "latitude", "longitude": "longitude"},
        "outputs": [
            {"from": "temperature", "column": {"name": "Average temperature (°C)", "type": "number"}},
            {"from": "zone", "column": {"name": "Climate zone", "type": "select", "options": {"choices": list(ZONES)}}},
        ],
        "run_after": ["city", "latitude"],
    },
)

DESCRIPTION = Demo(
    name="Description of a city (demo)",
    inputs=["city", "country", "continent", "population", "latitude"],
    steps=[
        {
            "id": "describe",
            "type": "llm",
            "config": {"connection": "demo", "model": MODEL, "prompt": _PROMPT, "schema": _ANSWER},
            "retry": {"attempts": 4, "backoff_seconds": 0.5},
            "timeout": 30,
        }
    ],
    outputs={
        "summary": "{{ steps.describe.data.summary }}",
        "tags": "{{ steps.describe.data.tags }}",
    },
    column={
        "name": "Description",
        "inputs": {name: name for name in ("city", "country", "continent", "population", "latitude")},
        "outputs": [
            {"from": "summary", "column": {"name": "Summary", "type": "text"}},
            {
                "from": "tags",
                "column": {
                    "name": "Tags",
                    "type": "multiselect",
                    "options": {"choices": [*SIZES, *HEMISPHERES, *(name.lower() for name in CONTINENTS)]},
                },
            },
        ],
        "run_after": ["city"],
    },
)

STATISTICS = Demo(
    name="Statistics of a text (demo)",
    inputs=["text"],
    steps=[
        {
            "id": "count",
            "type": "python",
            "config": {"function": "text_statistics", "arguments": {"text": "{{ inputs.text }}"}},
        }
    ],
    outputs={"words": "{{ steps.count.words }}", "grade": "{{ steps.count.reading_grade }}"},
    column={
        "name": "Text statistics",
        "inputs": {"text": "summary"},
        "outputs": [
            {"from": "words", "column": {"name": "Words in the summary", "type": "number"}},
            {"from": "grade", "column": {"name": "Reading grade", "type": "number"}},
        ],
        # A city whose description failed has no summary: its cell is skipped, rather than left waiting.
        "run_if": "{{ row.summary is string }}",
    },
)

ALL = (CLIMATE, DESCRIPTION, STATISTICS)
