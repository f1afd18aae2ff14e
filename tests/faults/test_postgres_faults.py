"""PostgreSQL is restarted under a run: as after a crash, without a checkpoint. Every process lives through it."""

from __future__ import annotations

import signal

import dj_database_url
import pytest
from django.core.management import call_command
from django.db import connection

from dispatch.begin import begin
from tableflow.embedded.postgres import Postgres
from tests import scenes
from tests.faults import servers
from tests.faults.laws import gated, witness


@pytest.fixture(scope="module")
def own_postgres(tmp_path_factory):
    """A PostgreSQL that keeps what it has committed."""
    home = tmp_path_factory.mktemp("postgres")
    with servers.running(Postgres(home), home / "log") as server:
        yield server


@pytest.fixture(scope="module")
def database(own_postgres, django_db_blocker):
    """In place of the session's: this process and its parts use the module's own server, with its tables made."""
    with django_db_blocker.unblock():
        used = dict(connection.settings_dict)
        _go_to(dj_database_url.parse(own_postgres.url))
        call_command("migrate", verbosity=0)
        with witness():
            yield
        _go_to(used)


def _go_to(address) -> None:
    connection.close()
    connection.close_pool()
    connection.settings_dict.update({name: address[name] for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")})


def test_a_run_outlives_a_postgresql_that_is_restarted_under_it(own_postgres, company, gate, watch):
    beat = company.beat()
    (worker,) = company.workers(1)
    table = scenes.table(200)
    gated(table, gate.folder, concurrency=8)
    dispatch = begin(table.pk)
    gate.until_arrived(8)
    own_postgres.end(signal.SIGQUIT)
    connection.close()
    watch.struck()
    gate.open()
    own_postgres.start()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 200
    assert worker.alive
    assert beat.alive
