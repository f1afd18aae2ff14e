"""The engine's times, shortened for a part of a test: what heals within seconds is seen to heal within a test.

A part takes them from its environment (`environment` makes it). Without these variables nothing changes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta

LEASE = "STAGE_LEASE_SECONDS"
RENEW = "STAGE_RENEW_SECONDS"
SWEEP = "STAGE_SWEEP_SECONDS"
VISIBILITY = "STAGE_VISIBILITY_SECONDS"
FROZEN = "STAGE_FROZEN_SECONDS"
TURN = "STAGE_TURN_SECONDS"
HEARTBEAT = "STAGE_HEARTBEAT_SECONDS"
LOOK = "STAGE_LOOK_SECONDS"
AGE = "STAGE_AGE_SECONDS"
SEND = "STAGE_SEND_SECONDS"


def environment(
    *,
    lease: float | None = None,
    renew: float | None = None,
    sweep: float | None = None,
    visibility: int | None = None,
    turn: float | None = None,
    frozen: int | None = None,
    heartbeat: float | None = None,
    look: float | None = None,
    age: float | None = None,
    send: float | None = None,
) -> dict[str, str]:
    """The variables for a part: the leases, how often a draw renews one, the sweep's period, the broker's patience,
    how long a draw goes on before it gives way, how long PostgreSQL bears a transaction in which nothing happens; of
    streams how often they say that they live and are looked at, their greatest age, and how long a client may not read.

    All in seconds; None leaves a time as it is.
    """
    wanted = {
        LEASE: lease, RENEW: renew, SWEEP: sweep, VISIBILITY: visibility, TURN: turn, FROZEN: frozen,
        HEARTBEAT: heartbeat, LOOK: look, AGE: age, SEND: send,
    }  # fmt: skip
    return {name: str(seconds) for name, seconds in wanted.items() if seconds is not None}


def take_up(environ: Mapping[str, str] = os.environ) -> None:
    """Set the times that the environment names in this process."""
    from django.conf import settings

    from cells import draw, workers
    from dispatch import lanes
    from tableflow import ticks
    from tableflow.celery import app

    if LEASE in environ:
        workers.LEASE = workers.STRAY_AGE = lanes.LEASE = timedelta(seconds=float(environ[LEASE]))
    if RENEW in environ:
        draw.RENEW = float(environ[RENEW])
    if SWEEP in environ:
        app.conf.beat_schedule["sweep"]["schedule"] = ticks.every(float(environ[SWEEP]))
    if TURN in environ:
        lanes.TURN = timedelta(seconds=float(environ[TURN]))
    if VISIBILITY in environ:
        patience = {"visibility_timeout": int(environ[VISIBILITY]), "unacked_restore_interval": 1}
        app.conf.broker_transport_options.update(patience)
    if FROZEN in environ:
        limit = f"-c idle_in_transaction_session_timeout={int(environ[FROZEN])}s"
        settings.DATABASES["default"]["OPTIONS"]["options"] = limit
    _take_up_of_streams(environ)


def _take_up_of_streams(environ: Mapping[str, str]) -> None:
    from tableflow.live import hub, ndjson, streams, wakes

    if HEARTBEAT in environ:
        ndjson.HEARTBEAT_SECONDS = wakes.KEEP_ALIVE_SECONDS = float(environ[HEARTBEAT])
    if LOOK in environ:
        hub.LOOK_SECONDS = float(environ[LOOK])
    if AGE in environ:
        streams.MOST_AGE_SECONDS = float(environ[AGE])
    if SEND in environ:
        streams.SEND_SECONDS = float(environ[SEND])
