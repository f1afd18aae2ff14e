"""The form of an approval: a JSON Schema of an object, whose properties are the fields to fill in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cells import schemas
from cells.values import readable_size
from tableflow.errors import InvalidInput

FIELDS_LIMIT = 50
SIZE_LIMIT = 64 * 1024

_OF_AN_OBJECT = {"type", "properties", "$ref"}


def check(form: Mapping[str, Any], attr: str) -> None:
    """Raises InvalidInput at `attr` when this is no schema of a form, or a boundless one."""
    if not form.keys() & _OF_AN_OBJECT or form.get("type", "object") != "object":
        detail = 'A form is a JSON Schema of an object: {"type": "object", "properties": {…}}.'
        raise InvalidInput.at(attr, detail)
    if len(json.dumps(form)) > SIZE_LIMIT:
        raise InvalidInput.at(attr, f"The schema of a form may be {readable_size(SIZE_LIMIT)} long.", "too_big")
    schemas.check(form, attr)
    if len(form.get("properties", {})) > FIELDS_LIMIT:
        raise InvalidInput.at(f"{attr}.properties", f"A form has {FIELDS_LIMIT} fields at most.", "too_many")
