"""A trial of a workflow: it waits for what is short, and ends as paused at what is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cells.functions import function, listing, registry
from cells.models import WorkflowVersion
from cells.steps.step import StepFailed
from cells.workflows import trial

PREFIX = __name__.rsplit(".", 1)[-1]


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    listing()
    monkeypatch.setattr(registry, "_functions", dict(registry._functions))


def tried(*steps: dict[str, Any], outputs: dict[str, str] | None = None) -> dict[str, Any]:
    return trial.test(WorkflowVersion(inputs=[], steps=list(steps), outputs=outputs or {}), {})


def wait(seconds: float, id_: str = "w") -> dict[str, Any]:
    return {"id": id_, "type": "wait", "config": {"seconds": seconds}}


def call(name: str, **more: Any) -> dict[str, Any]:
    return {"id": "call", "type": "python", "config": {"function": f"{PREFIX}.{name}"}, **more}


def test_a_short_wait_is_waited() -> None:
    result = tried(wait(0.05), wait(0.05, "again"), outputs={"at": "{{ steps.again.resumed_at }}"})
    assert (result["status"], result["error"]) == ("completed", None)
    assert result["outputs"]["at"] > result["steps"][0]["output"]["resumed_at"]
    assert [record["status"] for record in result["steps"]] == ["completed", "completed"]
    assert all(record["duration_ms"] >= 50 for record in result["steps"])


@pytest.mark.parametrize(
    "step", [wait(trial.LIMIT_SECONDS + 1, "last"), {"id": "last", "type": "approval", "config": {"prompt": "Well?"}}]
)
def test_what_is_longer_or_asks_somebody_ends_it_as_paused(step: dict[str, Any]) -> None:
    result = tried(wait(0.01), step, {"id": "never", "type": "template", "config": {"template": "t"}})
    assert (result["status"], result["outputs"], result["error"]) == ("paused", None, None)
    assert [(record["id"], record["status"]) for record in result["steps"]] == [("w", "completed"), ("last", "paused")]


def test_a_long_retry_ends_it_as_paused_and_keeps_what_was_tried() -> None:
    @function
    async def busy() -> None:
        """Is busy for ten minutes."""
        raise StepFailed("Busy.", retryable=True, retry_after=600)

    result = tried(call("busy", retry={"attempts": 2, "backoff_seconds": 0}))
    assert result["status"] == "paused"
    assert [retry["error"] for retry in result["steps"][0]["retries"]] == ["Busy."]


def test_it_is_stopped_at_its_limit_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    @function
    async def hang() -> None:
        """Never ends."""
        await asyncio.Event().wait()

    monkeypatch.setattr(trial, "LIMIT_SECONDS", 0.2)
    result = tried(wait(0.01), call("hang"))
    assert (result["status"], result["error"]) == ("error", "A test is stopped after 0.2 s.")
    assert [(record["status"], record["error"]) for record in result["steps"]] == [
        ("completed", None),
        ("error", result["error"]),
    ]
