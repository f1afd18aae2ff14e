"""The two secrets: from the environment, or generated once into the data folder of an embedded installation."""

from __future__ import annotations

import contextlib
import os
import secrets as random_secrets
import tempfile
from pathlib import Path

from tableflow import endpoints, env


def read(name: str) -> str:
    """The secret called `name` (SECRET_KEY or ENCRYPTION_KEY).

    With embedded PostgreSQL it is generated on first use, readable by its owner only. With servers of the
    operator's own it is required: a secret made up on one machine would lock out the others.
    """
    value = env.text(name)
    if value:
        return value
    if not endpoints.embedded_database():
        raise SystemExit(
            f"{name} is not set. With DATABASE_URL set it is required; make one with: openssl rand -hex 32"
        )
    return generated(env.home(), name.lower())


def generated(home: Path, name: str) -> str:
    """The secret kept in the data folder under this name, made on first use: 64 hexadecimal digits."""
    path = home / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=path.parent) as file:
            file.write(random_secrets.token_hex(32))
            file.flush()
            # Where another process made it between the question and the answer, its value is the one.
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text().strip()
