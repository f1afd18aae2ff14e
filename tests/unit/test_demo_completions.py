from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tableflow.demo import completions, prose, schemas
from tableflow.errors import InvalidInput

PROMPT = "Describe this city.\nCity: Nairobi\nCountry: Kenya\nContinent: Africa\nPopulation: 4,397,073\nLatitude: -1.3"
FACTS = prose.read(PROMPT, "1")


def body(**changes: Any) -> dict[str, Any]:
    return {"model": completions.MODEL, "messages": [{"role": "user", "content": PROMPT}], **changes}


def answered(**changes: Any) -> dict[str, Any]:
    return completions.answer(completions.check(body(**changes)), now=1_700_000_000.0)


def with_schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def test_a_city_is_described_by_what_the_prompt_says() -> None:
    text = prose.sentence(FACTS)
    assert text.startswith("Nairobi is a large city in Kenya, Africa, ")
    assert "with about 4.4 million people" in text
    assert "at 1 degrees south" in text
    assert prose.traits(FACTS) == ["large city", "africa", "southern hemisphere"]


def test_a_prompt_without_facts_is_answered_as_a_demo() -> None:
    facts = prose.read("Who are you?", "1")
    assert prose.sentence(facts) == "This is a demo answer, made by rule, to: Who are you?"
    assert prose.traits(facts) == ["demo"]


def test_the_same_request_gets_the_same_answer_and_says_that_a_rule_made_it() -> None:
    first = answered()
    assert first == answered()
    assert first["choices"][0]["message"]["content"] == prose.sentence(FACTS)
    assert first["choices"][0]["finish_reason"] == "stop"
    assert first["system_fingerprint"] == "made-by-rule-not-by-a-model"
    usage = first["usage"]
    assert usage["prompt_tokens"] == -(-len(PROMPT) // 4)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_max_tokens_cuts_the_answer() -> None:
    cut = answered(max_tokens=3)
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["completion_tokens"] == 3


def test_controls_may_stand_behind_the_model() -> None:
    asked = completions.check(body(model=f"{completions.MODEL}?latency_ms=5&fail=none&meter=m"))
    assert (asked.controls.latency_ms, asked.controls.fail, asked.controls.meter) == (5, 0, "m")
    assert asked.model == completions.MODEL


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]},
        {
            "type": "object",
            "properties": {
                "size": {"enum": ["city", "large city"]},
                "tags": {"type": "array", "items": {"type": "string"}, "minItems": 5, "maxItems": 6},
                "population": {"type": "integer", "minimum": 0, "maximum": 1000},
                "score": {"type": "number", "minimum": 0.004, "maximum": 0.005},
                "below": {"type": "number", "maximum": -500},
                "rating": {"type": ["integer", "null"], "minimum": 3, "maximum": 3},
                "is_large": {"type": "boolean"},
                "nothing": {"type": "null"},
                "fixed": {"const": [1, {"a": None}]},
                "short": {"type": "string", "maxLength": 3},
                "long": {"type": "string", "minLength": 500},
                "part": {"$ref": "#/$defs/part"},
                "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/part"}, "minItems": 2},
                "none": {"type": "array", "items": {"type": "integer"}, "maxItems": 0},
            },
            "required": ["size", "tags", "part"],
            "additionalProperties": False,
            "$defs": {"part": {"properties": {"name": {"type": "string"}}, "required": ["name"]}},
        },
        {"type": "array", "items": {"enum": [1, 2, 3]}},
        {"type": "string"},
        {},
    ],
)
def test_the_answer_satisfies_the_schema(schema: dict[str, Any]) -> None:
    text = answered(response_format=with_schema(schema))["choices"][0]["message"]["content"]
    jsonschema.validate(json.loads(text), schema)


def test_facts_of_the_prompt_stand_in_the_properties_of_their_name() -> None:
    names = {"city": {"type": "string"}, "population": {"type": "integer"}, "latitude": {"type": "number"}}
    filled = schemas.Filler({"type": "object", "properties": names}, FACTS).fill()
    assert filled == {"city": "Nairobi", "population": 4_397_073, "latitude": -1.3}
    size = schemas.Filler({"enum": ["town", "Large city", "city"]}, FACTS).fill()
    assert size == "Large city"


RECURSIVE = {"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"x": {"$ref": "#/$defs/a"}}}}}
WIDE = {"type": "object", "properties": {f"p{number}": {"type": "string"} for number in range(600)}}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "pattern": "(a+)+$"}, "does not support the keyword 'pattern'"),
        (RECURSIVE, "deeper than 10 levels"),
        (WIDE, "larger than 500 parts"),
        ({"type": "file"}, "type 'file'"),
        ({"type": []}, "type must be a list that is not empty"),
        ({"enum": []}, "enum must be a list that is not empty"),
        ({"anyOf": "x"}, "anyOf must be a list"),
        ({"$ref": "https://example.com/schema"}, "refers to nothing"),
        ({"type": "object", "properties": []}, "properties must be an object"),
        ({"type": "object", "properties": {"a": "string"}}, "the schema of a must be an object"),
        ({"type": "object", "required": ["a"]}, "'a' is not among the properties"),
        ({"type": "object", "required": [[]]}, "is not among the properties"),
        ({"type": "array", "minItems": 1000}, "minItems must be from 0 to maxItems"),
        ({"type": "string", "minLength": True}, "must be whole numbers"),
        ({"type": "integer", "minimum": 1.2, "maximum": 1.8}, "no whole number"),
        ({"type": "number", "minimum": 2, "maximum": 1}, "minimum must not be above maximum"),
        ({"type": "number", "minimum": "1"}, "minimum and maximum must be numbers"),
    ],
)
def test_a_schema_that_the_rules_cannot_satisfy_is_refused(schema: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        schemas.Filler(schema, FACTS).fill()
    assert caught.value.problems[0].attr == "response_format"
    assert said in caught.value.problems[0].detail


@pytest.mark.parametrize(
    ("changes", "attr"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": "x"}] * 201}, "messages"),
        ({"messages": ["x"]}, "messages.0"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages.0"),
        ({"messages": [{"role": [], "content": "x"}]}, "messages.0"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages.0.content"),
        ({"stream": True}, "stream"),
        ({"n": 2}, "stream"),
        ({"n": []}, "stream"),
        ({"model": "gpt-0"}, "model"),
        ({"model": 1}, "model"),
        ({"model": f"{completions.MODEL}?fail=maybe"}, "fail"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "many"}, "max_tokens"),
        ({"response_format": None}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": []}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
    ],
)
def test_a_request_that_cannot_be_used_names_the_field(changes: dict[str, Any], attr: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        completions.check(body(**changes))
    assert caught.value.problems[0].attr == attr


def test_text_parts_are_read_as_text() -> None:
    parts = [{"type": "text", "text": "City: Oslo"}, {"type": "text", "text": "Country: Norway"}]
    text = answered(messages=[{"role": "user", "content": parts}])["choices"][0]["message"]["content"]
    assert text == "Oslo is a place in Norway."
