"""What is written into a table's rows: the floors above hear of it, before any lock and again inside the transaction.

Only what really changed is told: a value that is written over an equal one is no change. The results of cells are
not told here; the floor that writes them knows of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.dispatch import Signal

from tableflow.tables.models import Table

# Receivers get `table_id` and `keys`, the columns that rows which are there may be changed in. It is sent before the
# write takes any lock, so that a receiver may take the locks that come before all others.
about_to_write = Signal()

# Receivers get `table_id`, `created` (row ids), `ranges` (positions of the rows that an import has landed, as
# [first, last] pairs) and `changed` (row id → the column keys whose values are other ones now).
rows_written = Signal()


def announce(table_id: int, patches: Iterable[Any]) -> None:
    """Tell that these patches, which nobody has checked yet, are about to be merged into rows."""
    keys = frozenset(key for patch in patches if isinstance(patch, Mapping) for key in patch if isinstance(key, str))
    about_to_write.send(sender=Table, table_id=table_id, keys=keys)


def tell(
    table_id: int,
    *,
    created: Collection[int] = (),
    ranges: Sequence[Sequence[int]] = (),
    changed: Mapping[int, frozenset[str]] | None = None,
) -> None:
    """Tell what was written, in its transaction; nothing is told of nothing. What a receiver raises undoes it all."""
    if created or ranges or changed:
        rows_written.send(
            sender=Table, table_id=table_id, created=list(created), ranges=list(ranges), changed=changed or {}
        )
