"""Names that people give and the keys made from them. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from itertools import count
from typing import Any

from tableflow.errors import InvalidInput
from tableflow.tables import types

MAX_NAME_LENGTH = 128
MAX_KEY_LENGTH = 64

_KEY = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


def check_name(name: Any, attr: str) -> str:
    """The name without spaces around it. InvalidInput when it is blank, too long or no text."""
    if not isinstance(name, str) or not name.strip():
        raise InvalidInput.at(attr, "Give a name.", "required")
    if len(name.strip()) > MAX_NAME_LENGTH:
        raise InvalidInput.at(attr, f"A name has at most {MAX_NAME_LENGTH} characters.")
    return check_text(name.strip(), attr)


def check_text(text: Any, attr: str) -> str:
    """The text. InvalidInput when it is none, or has characters that the database cannot hold."""
    if not isinstance(text, str):
        raise InvalidInput.at(attr, "Give a text.")
    try:
        return str(types.plain(text))
    except types.CannotCoerce as error:
        raise InvalidInput.at(attr, error.detail) from error


def check_key(key: Any, taken: Collection[str], attr: str) -> str:
    """The key that somebody chose. InvalidInput when it is malformed or taken."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        detail = f"A key has 1 to {MAX_KEY_LENGTH} letters (a to z), digits and underscores."
        raise InvalidInput.at(attr, detail)
    if key in taken:
        detail = (
            f"The key {key!r} is taken by a column of this table, or by a deleted one, "
            "which can be restored for half an hour."
        )
        raise InvalidInput.at(attr, detail, "taken")
    return key


def key_for(name: str, taken: Collection[str]) -> str:
    """A free key made from the name: "Größe (cm)" → grosse_cm; then grosse_cm_2, and so on."""
    ascii_name = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", ascii_name).strip("_")[: MAX_KEY_LENGTH - 8].strip("_") or "column"
    if slug not in taken:
        return slug
    return next(key for number in count(2) if (key := f"{slug}_{number}") not in taken)
