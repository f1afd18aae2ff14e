"""How many requests this process served, and how many at once: tests count real overlap by it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

_MOST_METERS = 1000
_ALL = ""


@dataclass
class Meter:
    """The counts under one name. `most_in_flight` is the largest number of requests at once."""

    requests: int = 0
    in_flight: int = 0
    most_in_flight: int = 0


_meters: OrderedDict[str, Meter] = OrderedDict()


@contextmanager
def counted(name: str) -> Iterator[None]:
    """Count a request in flight under the name and under all."""
    meters = [_meter(each) for each in {_ALL, name}]
    for meter in meters:
        meter.requests += 1
        meter.in_flight += 1
        meter.most_in_flight = max(meter.most_in_flight, meter.in_flight)
    try:
        yield
    finally:
        for meter in meters:
            meter.in_flight -= 1


def reading(name: str) -> dict[str, int]:
    """The counts under a name since the start; "" is all requests. Zeros for a name that was never used."""
    return asdict(_meters.get(name, Meter()))


def _meter(name: str) -> Meter:
    """The meter of that name. The ones unused for longest are forgotten, but never that of all requests."""
    meter = _meters.setdefault(name, Meter())
    _meters.move_to_end(name)
    while len(_meters) > _MOST_METERS:
        _meters.move_to_end(_ALL)
        _meters.popitem(last=False)
    return meter


def reset(name: str) -> None:
    """Start the counts under a name anew; requests in flight stay counted."""
    meter = _meter(name)
    meter.requests = meter.most_in_flight = meter.in_flight
