"""A file goes in through a real web process and a real worker, and comes out again."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from knox.models import get_token_model

from tests import scenes
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 20_000


def test_a_file_is_uploaded_loaded_and_exported_as_it_was(live_web: Any, workers: Any) -> None:
    workers(1)
    _, token = get_token_model().objects.create(user=UserFactory.create())
    body = b"n,name\r\n" + b"".join(b'%d,"Ann, %d"\r\n' % (number, number) for number in range(ROWS))
    base = f"{live_web.url}/api/v1"
    with httpx2.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as client:
        accepted = client.post(f"{base}/imports/", files={"file": ("people.csv", body)})
        assert accepted.status_code == 202, accepted.text
        path = f"{base}/imports/{accepted.json()['id']}/"
        scenes.until(lambda: client.get(path).json()["status"] == "complete", "the import is complete")
        with client.stream("GET", f"{base}/tables/{accepted.json()['table']}/export/") as response:
            assert response.headers["Transfer-Encoding"] == "chunked"
            assert response.read() == body
    assert "Warning" not in live_web.part.log
