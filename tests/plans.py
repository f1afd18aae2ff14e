"""How PostgreSQL runs a statement: what it reads, and by which indexes."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection


def explained(sql: str, params: Any) -> dict[str, Any]:
    """The plan by which the statement was run just now."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
        (answer,) = cursor.fetchone()
    found: dict[str, Any] = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    return found


def touched(node: dict[str, Any]) -> float:
    """The rows that the scans of a plan read, those they threw away included."""
    own = 0.0
    if "Relation Name" in node:
        thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        own = (node["Actual Rows"] + thrown) * node["Actual Loops"]
    return own + sum(touched(below) for below in node.get("Plans", ()))


def indexes(node: dict[str, Any]) -> set[str]:
    """The indexes that a plan uses."""
    below = (indexes(child) for child in node.get("Plans", ()))
    return {node.get("Index Name", "")}.union(*below)
