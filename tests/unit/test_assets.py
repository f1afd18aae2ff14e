"""Where static files are, and what a page is told to fetch."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tableflow import assets

STATIC = Path(assets.__file__).parent / "grid" / "static"


def test_a_page_is_told_of_every_module_that_it_needs_once() -> None:
    found = assets.modules("grid/table/page.js")
    assert len(found) == len(set(found))
    assert all((STATIC / name).is_file() for name in found)
    assert {"grid/core/grid.js", "grid/api.js", "grid/panel/panel.js"} <= set(found)
    assert "grid/table/page.js" not in found


def test_another_file_gives_another_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "static"
    shutil.copytree(STATIC, copy)
    monkeypatch.setattr(assets, "_STATIC", copy)
    before = assets.fingerprint()
    assert before == assets.fingerprint()
    (copy / "grid" / "api.js").write_text("// another")
    assert assets.fingerprint() != before
