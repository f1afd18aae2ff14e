"""When a step that failed is tried again."""

from __future__ import annotations

import random

from cells.workflows.definition import BACKOFF_LIMIT_SECONDS, Retry

RETRY_AFTER_LIMIT_SECONDS = 900.0
RETRY_IN_PLACE_SECONDS = 2.0
"""Up to this a retry waits where it is, in its slot; for longer the run pauses."""


def wait_seconds(retry: Retry, failures: int, retry_after: float | None) -> float:
    """How long to wait after that many failures: doubling from the backoff, less up to a half by chance, and no less
    than the other side asked for (a quarter of an hour at most).
    """
    longest: float = min(retry.backoff_seconds * 2.0 ** (failures - 1), BACKOFF_LIMIT_SECONDS)
    asked = min(retry_after or 0.0, RETRY_AFTER_LIMIT_SECONDS)
    return max(longest * random.uniform(0.5, 1.0), asked)
