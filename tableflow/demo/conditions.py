"""The weather of a network: how long a request waits, and whether it fails."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from tableflow.demo.chance import draw, latency_seconds, throttled
from tableflow.demo.controls import MOST_LATENCY_MS, Controls

_FAILING = 0.02
_MOST_REMEMBERED = 10_000
_met: OrderedDict[str, None] = OrderedDict()


@dataclass(frozen=True)
class Conditions:
    """What is to happen to a request: wait, then fail with `status`, or succeed where it is None."""

    latency_seconds: float
    status: int | None
    retry_after_seconds: int


def conditions(controls: Controls, key: str, *, median_ms: float, failures: tuple[int, ...], now: float) -> Conditions:
    """What happens to the input `key`: by the controls where they say, else by chance.

    `failures` are the statuses of inputs that always fail; a 429 passes by itself.
    """
    status = _status(controls, key, failures, now)
    if controls.latency_ms is not None:
        seconds = controls.latency_ms / 1000
    else:
        # Who is turned away is told at once.
        seconds = latency_seconds(median_ms / 10 if status == 429 else median_ms, controls.seed, key)
    return Conditions(min(seconds, MOST_LATENCY_MS / 1000), status, controls.retry_after_seconds)


def _status(controls: Controls, key: str, failures: tuple[int, ...], now: float) -> int | None:
    if controls.fail == "once":
        return None if _met_before(f"{controls.seed}\x1f{controls.meter}\x1f{draw(key)}") else 429
    if controls.fail is not None:
        return int(controls.fail) or None
    if throttled(now, controls.seed, key):
        return 429
    chance = draw("failure", controls.seed, key)
    return failures[int(chance / _FAILING * len(failures))] if chance < _FAILING else None


def _met_before(key: str) -> bool:
    """Whether this process met the key already; the oldest are forgotten."""
    if key in _met:
        return True
    _met[key] = None
    if len(_met) > _MOST_REMEMBERED:
        _met.popitem(last=False)
    return False
