"""The static files of pages: below an address that changes when they do, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path, PurePosixPath

_HERE = Path(__file__).resolve().parent
_STATIC = _HERE / "grid" / "static"
_IMPORT = re.compile(r'^(?:import|export) (?:[^;"]* from )?"(\.[^"]+)";$', re.MULTILINE)


def fingerprint() -> str:
    """A digest of the static files, and of what else is installed: packages bring static files, too."""
    digest = hashlib.sha256((_HERE.parent / "requirements.txt").read_bytes())
    for path in sorted(_STATIC.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(_STATIC)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def modules(entry: str) -> tuple[str, ...]:
    """The modules that a script imports, and those that they do, by their names below `static/`. A browser that is told
    of all of them fetches them side by side, and not each when it has read the one that needs it.
    """
    found: dict[str, None] = {}
    _collect(PurePosixPath(entry), found)
    return tuple(name for name in found if name != entry)


def _collect(name: PurePosixPath, found: dict[str, None]) -> None:
    if str(name) in found:
        return
    found[str(name)] = None
    for path in _IMPORT.findall((_STATIC / name).read_text()):
        _collect(_joined(name.parent, path), found)


def _joined(folder: PurePosixPath, path: str) -> PurePosixPath:
    parts = list(folder.parts)
    for part in PurePosixPath(path).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)
