"""Chance without dice: what happens to a request follows from its input and a seed, in every process alike."""

from __future__ import annotations

import hashlib
import math
from statistics import NormalDist

_THROTTLE_EVERY_SECONDS = 16.0
_THROTTLE_SECONDS = 1.0


def draw(*parts: str) -> float:
    """A number from 0 to below 1, always the same for the same parts."""
    digest = hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def latency_seconds(median_ms: float, *parts: str) -> float:
    """A log-normal waiting time (sigma 0.5) with that median: one request in fifty takes three times as long."""
    normal = NormalDist(sigma=0.5).inv_cdf(min(max(draw("latency", *parts), 1e-6), 1 - 1e-6))
    return median_ms / 1000 * math.exp(normal)


def throttled(now: float, *parts: str) -> bool:
    """Whether the input is turned away at this second: for one second in sixteen, at a moment of its own.

    No process has to remember anything, and a retry one second later always gets through.
    """
    return (now + draw("throttle", *parts) * _THROTTLE_EVERY_SECONDS) % _THROTTLE_EVERY_SECONDS < _THROTTLE_SECONDS
