"""The body of a chat completion, as OpenAI's API has it: what is asked, and the answer made by rule."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tableflow.demo import prose, schemas
from tableflow.demo.chance import draw
from tableflow.demo.controls import Controls
from tableflow.demo.controls import read as read_controls
from tableflow.errors import InvalidInput

MODEL = "demo-rules-1"
_ROLES = ("system", "developer", "user", "assistant", "tool")
_FORMATS = ("text", "json_object", "json_schema")
_MOST_MESSAGES = 200
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True)
class Asked:
    """A checked request. `schema` is None where no JSON Schema was given; `as_json` says that JSON was asked for."""

    model: str
    messages: tuple[str, ...]
    prompt: str
    as_json: bool
    schema: Mapping[str, Any] | None
    most_tokens: int | None
    controls: Controls


def check(body: Any) -> Asked:
    """The request in a body; InvalidInput names what cannot be used."""
    if not isinstance(body, dict):
        raise InvalidInput.at("body", "The body must be a JSON object.")
    if body.get("stream") or body.get("n", 1) not in (None, 1):
        raise InvalidInput.at("stream", "The demo model gives one answer, not streamed: leave out stream and n.")
    model = body.get("model")
    name, _, query = model.partition("?") if isinstance(model, str) else ("", "", "")
    if name != MODEL:
        raise InvalidInput.at("model", f"The model does not exist. There is one: {MODEL}.", "model_not_found")
    texts, prompt = _messages(body.get("messages"))
    as_json, schema = _response_format(body.get("response_format", {"type": "text"}))
    most = body.get("max_completion_tokens", body.get("max_tokens"))
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
        raise InvalidInput.at("max_tokens", "max_tokens must be a whole number above 0.")
    return Asked(MODEL, texts, prompt, as_json, schema, most, read_controls(dict(parse_qsl(query))))


def answer(asked: Asked, now: float) -> dict[str, Any]:
    """The completion: the same text for the same request, whenever it is asked."""
    facts = prose.read(asked.prompt, asked.controls.seed)
    text, finish_reason = _cut(_content(asked, facts), asked.most_tokens)
    prompt_tokens, completion_tokens = sum(map(_tokens, asked.messages)), _tokens(text)
    return {
        "id": f"chatcmpl-demo-{int(draw(asked.controls.seed, *asked.messages) * 10**12):012d}",
        "object": "chat.completion",
        "created": int(now),
        "model": asked.model,
        "system_fingerprint": "made-by-rule-not-by-a-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _content(asked: Asked, facts: prose.Facts) -> str:
    if asked.schema is not None:
        return json.dumps(schemas.Filler(asked.schema, facts).fill(), ensure_ascii=False)
    if asked.as_json:
        return json.dumps({"text": prose.sentence(facts), "tags": prose.traits(facts)}, ensure_ascii=False)
    return prose.sentence(facts)


def _messages(messages: Any) -> tuple[tuple[str, ...], str]:
    """The texts of all messages, and that of the last one of the user."""
    if not isinstance(messages, list) or not 1 <= len(messages) <= _MOST_MESSAGES:
        raise InvalidInput.at("messages", f"messages must be a list of 1 to {_MOST_MESSAGES} messages.")
    texts = [_text(index, message) for index, message in enumerate(messages)]
    by_user = [text for message, text in zip(messages, texts, strict=True) if message["role"] == "user"]
    return tuple(texts), (by_user or texts)[-1]


def _text(index: int, message: Any) -> str:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise InvalidInput.at(f"messages.{index}", "A message must be an object with a role: " + ", ".join(_ROLES))
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        content = "\n".join(parts) if all(isinstance(part, str) for part in parts) else None  # type: ignore[arg-type]
    if not isinstance(content, str):
        raise InvalidInput.at(f"messages.{index}.content", "The content must be a text, or a list of text parts.")
    return content


def _response_format(wanted: Any) -> tuple[bool, Mapping[str, Any] | None]:
    """Whether JSON is asked for, and by which schema."""
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind not in _FORMATS:
        raise InvalidInput.at("response_format", "The type must be one of " + ", ".join(_FORMATS) + ".")
    if kind != "json_schema":
        return kind == "json_object", None
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(schema, dict):
        raise InvalidInput.at("response_format", "json_schema must be an object {name, schema}.")
    return True, schema


def _tokens(text: str) -> int:
    """An estimate, four characters to a token."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _cut(text: str, most_tokens: int | None) -> tuple[str, str]:
    """The text within the tokens allowed, and why it ends."""
    if most_tokens is None or _tokens(text) <= most_tokens:
        return text, "stop"
    return text[: most_tokens * _CHARACTERS_PER_TOKEN], "length"
