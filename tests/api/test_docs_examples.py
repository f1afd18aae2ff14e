"""The session of docs/api.md, line by line against a real web process and a real worker."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import pytest
from knox.models import get_token_model

from tests import parts
from tests.factories import UserFactory

DOCS = Path(__file__).parents[2] / "docs"


def test_the_examples_of_the_api_do_what_they_say(
    live_web: Any, worker: parts.Part, beat: parts.Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    _record, token = get_token_model().objects.create(user=UserFactory())
    monkeypatch.setenv("TABLEFLOW_URL", live_web.url)
    monkeypatch.setenv("TABLEFLOW_TOKEN", token)
    failures: list[str] = []
    example = doctest.DocTestParser().get_doctest(_session(), {}, "docs/api.md", "docs/api.md", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    result = runner.run(example, out=failures.append, clear_globs=False)
    example.globs["api"].close()
    assert result.attempted > 30
    assert not failures, "\n".join([*failures, live_web.part.log[-2000:], worker.log[-2000:]])


def _session() -> str:
    """The blocks of Python of the page, the rest as blank lines so that the numbers of the lines stay right."""
    kept, inside = [], False
    for line in (DOCS / "api.md").read_text().splitlines():
        inside = line == "```pycon" or (inside and line != "```")
        kept.append(line if inside and line != "```pycon" else "")
    return "\n".join(kept)
