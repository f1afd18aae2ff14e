"""What machines ask of a running installation."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
import redis
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from cells.models import Worker
from tableflow import pulse
from tableflow.operate import first_user
from tests.conftest import StartWorkers, Web

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def heard_worker(db: None) -> Worker:
    return Worker.objects.create(
        name="w",
        host="h",
        pid=1,
        queues=["draws", "express", "tableflow"],
        concurrency=1,
        started_at=Now(),
        heartbeat_at=Now(),
        status=Worker.Status.ACTIVE,
    )


def missing(client: Client) -> dict[str, str]:
    response = client.get("/readyz")
    assert response.status_code == 503
    return {
        thing["part"]: thing["detail"] + " / " + thing["advice"] for thing in json.loads(response.content)["missing"]
    }


def test_healthz_asks_nothing_of_the_database(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


def test_readyz_is_200_when_everything_was_heard_of(
    client: Client, heard_worker: Worker, empty_redis: redis.Redis
) -> None:
    pulse.beat_seen()
    assert client.get("/readyz").json() == {"status": "ready"}


def test_readyz_names_each_missing_thing(client: Client, db: None, empty_redis: redis.Redis) -> None:
    assert set(missing(client)) == {"workers", "beat"}


@pytest.mark.parametrize("bare", ["draws", "express", "tableflow"])
def test_each_queue_needs_a_worker(client: Client, heard_worker: Worker, empty_redis: redis.Redis, bare: str) -> None:
    pulse.beat_seen()
    Worker.objects.update(queues=[queue for queue in heard_worker.queues if queue != bare])
    assert f"-Q {bare}" in missing(client)["workers"]


def test_the_messages_of_each_queue_are_counted(client: Client, db: None, empty_redis: redis.Redis) -> None:
    empty_redis.rpush("draws", "a", "b")
    empty_redis.rpush("tableflow", "c")
    told = client.get("/metrics").text
    assert 'tableflow_queue_messages{queue="draws"} 2.0' in told
    assert 'tableflow_queue_messages{queue="tableflow"} 1.0' in told


def test_a_worker_that_has_fallen_silent_does_not_count(
    client: Client, heard_worker: Worker, empty_redis: redis.Redis
) -> None:
    pulse.beat_seen()
    Worker.objects.update(heartbeat_at=Now() - timedelta(seconds=20))
    assert set(missing(client)) == {"workers"}


def test_readyz_says_that_redis_is_away(client: Client, heard_worker: Worker, settings: Settings) -> None:
    settings.REDIS_URL = NOBODY
    found = missing(client)
    assert set(found) == {"redis", "beat"}
    assert "REDIS_URL" in found["redis"]


def test_readyz_names_a_migration_that_is_not_applied(
    client: Client, heard_worker: Worker, empty_redis: redis.Redis
) -> None:
    pulse.beat_seen()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'cells'")
    assert "cells.0001_initial" in missing(client)["migrations"]


def test_a_tick_while_redis_is_away_is_no_error(settings: Settings) -> None:
    settings.REDIS_URL = NOBODY
    pulse.beat_seen()


def test_metrics_are_few_statements_and_need_no_login(
    client: Client, heard_worker: Worker, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(7) as asked:
        response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    assert 'tableflow_workers{status="active"} 1.0' in response.text
    assert 'tableflow_queue_messages{queue="draws"} 0.0' in response.text
    assert not any("cells_execution" in query["sql"] for query in asked.captured_queries)


def test_metrics_answer_while_redis_is_away(client: Client, db: None, settings: Settings) -> None:
    settings.REDIS_URL = NOBODY
    assert "tableflow_queue_messages{" not in client.get("/metrics").text


def test_doctor_says_what_is_wrong_and_what_to_do(db: None, empty_redis: redis.Redis) -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out)
    assert ended.value.code == 1
    assert "ok     database" in out.getvalue()
    assert "WRONG  workers" in out.getvalue()
    assert "what to do: start one: make up" in out.getvalue()


def test_doctor_is_content_when_all_is_well(heard_worker: Worker, empty_redis: redis.Redis) -> None:
    pulse.beat_seen()
    out = StringIO()
    call_command("doctor", stdout=out)
    assert "WRONG" not in out.getvalue()


def test_createtoken_prints_a_token_that_the_api_takes(client: Client, db: None) -> None:
    first_user.create()
    out = StringIO()
    call_command("createtoken", "admin", stdout=out)
    token = out.getvalue().strip()
    assert client.get("/api/v1/tables/", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_createtoken_for_nobody_says_what_to_do(db: None) -> None:
    with pytest.raises(CommandError, match="createsuperuser"):
        call_command("createtoken", "nobody")


def test_the_first_user_is_made_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLEFLOW_ADMIN_PASSWORD", "chosen")
    assert first_user.create() == "chosen"
    assert first_user.create() is None
    assert get_user_model().objects.get().check_password("chosen")


def test_the_real_parts_make_it_ready(live_web: Web, workers: StartWorkers, beat: object) -> None:
    import httpx2

    from tableflow.embedded import processes

    workers()
    assert processes.wait_until(lambda: httpx2.get(live_web.url + "/readyz").status_code == 200, seconds=30)
