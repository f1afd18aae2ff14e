"""The laws hold whatever people, workers, messages and faults do, in whatever order."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.laws.machine import Engine

EXAMPLES = int(os.environ.get("LAWS_EXAMPLES", "25"))
STEPS = int(os.environ.get("LAWS_STEPS", "60"))
MINUTES = float(os.environ.get("LAWS_MINUTES", "0"))

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.timeout(1800 + 120 * MINUTES)  # the shortest story that breaks a law is worth waiting for
def test_the_laws_hold_whatever_is_done() -> None:
    until = time.monotonic() + 60 * MINUTES
    while True:
        run_state_machine_as_test(
            Engine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
        if time.monotonic() >= until:
            return
