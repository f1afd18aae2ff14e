from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cells.functions import listing
from cells.functions.lazy import once

BUILT_IN = {
    "distance_km",
    "domain",
    "language",
    "phone_number",
    "place",
    "place_at",
    "sentiment",
    "text_statistics",
}


def test_threads_that_ask_at_once_share_one_load() -> None:
    asked = threading.Barrier(4)
    loads = []

    @once
    def load() -> object:
        loads.append(1)
        return object()

    def ask(_: int) -> object:
        asked.wait()
        return load()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(ask, range(4)))
    assert len(set(map(id, results))) == len(loads) == 1


def test_a_load_that_failed_is_tried_again() -> None:
    outcomes = iter([ValueError("broken"), "ready"])

    @once
    def load() -> object:
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    with pytest.raises(ValueError, match="broken"):
        load()
    assert load() == "ready"


def test_the_functions_of_the_project_are_registered_with_schema_and_text() -> None:
    functions = {function.name: function for function in listing()}
    assert set(functions) >= BUILT_IN
    for name in BUILT_IN:
        assert functions[name].description
        assert functions[name].parameters["required"]
        assert functions[name].returns
