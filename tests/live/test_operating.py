"""What those who run the system see of its streams, and what they can forget."""

from __future__ import annotations

import re
from io import StringIO

import httpx2
import pytest
from django.core.management import CommandError, call_command

from tableflow.live import log
from tableflow.live.dirt import Dirt
from tableflow.tables.models import Table
from tests import scenes
from tests.conftest import Web
from tests.live.conftest import Person

pytestmark = pytest.mark.usefixtures("lasting_database")


@pytest.fixture
def db() -> None:
    """Nothing is rolled back: other processes are to see it."""


def figure(web: Web, name: str) -> float:
    """A figure of /metrics."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", httpx2.get(f"{web.url}/metrics", timeout=30).text, re.MULTILINE)
    assert found, f"/metrics has no {name}"
    return float(found[1])


def test_metrics_count_the_streams_that_are_open_and_tell_how_old_events_are(
    ada: Person, web: Web, table: Table
) -> None:
    streams = [ada.events(), ada.events(f"table={table.pk}"), ada.hints(table)]
    log.mark({table.pk: Dirt(rows={1})})
    streams[1].first("rows.changed")

    for kind, count in (("events", 2), ("table", 1)):
        name = f'tableflow_stream_clients{{kind="{kind}"}}'
        scenes.until(lambda name=name, count=count: figure(web, name) == count, "each is counted")  # type: ignore[misc]
    assert 0 <= figure(web, "tableflow_event_lag_seconds") < 10

    for stream in streams:
        stream.close()
    scenes.until(lambda: figure(web, 'tableflow_stream_clients{kind="events"}') == 0, "those that left count no more")


def test_prune_events_forgets_and_who_comes_back_from_before_begins_anew(ada: Person, table: Table) -> None:
    before = log.position().last
    log.mark({table.pk: Dirt(rows={1})})
    assert log.since(before, table_id=table.pk, most=10)

    said = StringIO()
    call_command("prune_events", hours=0.0, stdout=said)

    assert said.getvalue().startswith("Forgotten: ")
    assert ada.events(f"after={before}").first("stream.reset").data["reason"] == "unknown"
    assert ada.hints(table, f"lastEventId=table-{table.pk}:{before}").first("stream-reset")

    up_to_date = ada.events(f"after={log.position().last}")
    log.mark({table.pk: Dirt(rows={2})})
    assert up_to_date.first("rows.changed").data["rows"] == [2]
    assert not up_to_date.named("stream.reset")


@pytest.mark.parametrize("hours", [-1.0, 1e9])
def test_prune_events_refuses_odd_hours(hours: float) -> None:
    with pytest.raises(CommandError, match="--hours"):
        call_command("prune_events", hours=hours)
