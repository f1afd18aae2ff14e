"""Calls of a chat model through the official client, which is loaded when it is first needed: it is big."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from cells import network
from cells.connections import Connection
from cells.steps.http.requests import RETRYABLE, retry_after
from cells.steps.step import StepFailed

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion

_SAID = 500

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Connection, openai.AsyncOpenAI]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Answer:
    """What a model said. Tokens and cost are None when the server does not count them; nothing is guessed."""

    text: str
    refusal: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None

    @classmethod
    def read(cls, completion: ChatCompletion) -> Answer:
        """From the client's object, which it builds unchecked of whatever the server sent. Raises StepFailed."""
        try:
            choice, usage = completion.choices[0], completion.usage
            text, refusal = choice.message.content, getattr(choice.message, "refusal", None)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise StepFailed("The server's answer is not that of a model.", retryable=True) from error
        return cls(
            text=text if isinstance(text, str) else "",
            refusal=refusal if isinstance(refusal, str) and refusal else None,
            finish_reason=getattr(choice, "finish_reason", None),
            input_tokens=_count(usage, "prompt_tokens"),
            output_tokens=_count(usage, "completion_tokens"),
            cost=_count(usage, "cost"),
        )


async def complete(connection: Connection, request: Mapping[str, Any]) -> Answer:
    """The model's answer to a chat completion request. Raises StepFailed. The caller bounds the time."""
    module: Any = await asyncio.get_running_loop().run_in_executor(None, importlib.import_module, "openai")
    try:
        completion: ChatCompletion = await _client(module, connection).chat.completions.create(**request)
    except module.APIStatusError as error:
        raise _refused(error) from error
    except module.APIConnectionError as error:
        cause = error.__cause__
        if isinstance(cause, network.AddressRefused):
            raise StepFailed(str(cause)) from error
        raise StepFailed(
            f"The model at {connection.base_url} cannot be reached: {cause or error}", retryable=True
        ) from error
    except (module.OpenAIError, json.JSONDecodeError) as error:
        raise StepFailed(f"The model's answer cannot be read: {error}", retryable=True) from error
    return Answer.read(completion)


def _count(usage: object, name: str) -> Any:
    value = getattr(usage, name, None)
    return value if isinstance(value, int | float) else None


def _client(module: Any, connection: Connection) -> openai.AsyncOpenAI:
    """The running loop's client of the connection, over the pooled HTTP client that may reach its host."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if connection not in clients:
        clients[connection] = module.AsyncOpenAI(
            base_url=connection.base_url,
            api_key=connection.api_key,
            max_retries=0,
            timeout=None,
            http_client=network.client(connection.origin),
        )
    return clients[connection]


def _refused(error: openai.APIStatusError) -> StepFailed:
    said = error.body.get("message") if isinstance(error.body, dict) else None
    return StepFailed(
        f"The model's server answered {error.status_code}: {str(said or error.message)[:_SAID]}",
        retryable=(error.status_code in RETRYABLE or error.status_code == 500) and error.code != "insufficient_quota",
        retry_after=retry_after(error.response.headers),
    )
