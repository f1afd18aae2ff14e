"""The list of tables."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render

from dispatch import progress
from dispatch.models import Dispatch, DispatchStatus
from tableflow.grid.access import SignedIn, page
from tableflow.grid.chips import Chip, chip
from tableflow.grid.paging import paging
from tableflow.grid.type_names import TYPE_NAMES
from tableflow.tables.models import Table, TableQuerySet

PAGE_TABLES = 50


@dataclass(frozen=True)
class Item:
    """A line of the list; `rows` is written for people, `chip` is None when nothing runs."""

    table: Table
    rows: str
    columns: int
    chip: Chip | None


@page
def tables(request: SignedIn) -> HttpResponse:
    """The tables that the user can see, the last changed first."""
    found = Table.objects.visible_to(request.user).order_by("-updated_at", "-pk")
    pages = paging(request.GET.get("page", ""), size=PAGE_TABLES, count=found.count())
    items = _items(list(_with_columns(found)[pages.offset : pages.offset + pages.size]))
    active = any(item.chip for item in items)
    context = {"items": items, "paging": pages, "active": active, "types": TYPE_NAMES, "section": "tables"}
    return render(request, "grid/tables.html", context)


def _items(found: list[Table]) -> list[Item]:
    chips = _chips([table.pk for table in found])
    return [
        Item(table, f"{table.row_count:,}", getattr(table, "columns_live", 0), chips.get(table.pk)) for table in found
    ]


def _with_columns(found: TableQuerySet) -> TableQuerySet:
    return found.annotate(columns_live=Count("columns", filter=Q(columns__deleted_at=None)))


def _chips(table_ids: list[int]) -> dict[int, Chip | None]:
    active = list(Dispatch.objects.active().filter(table__in=table_ids))
    counts = progress.counts(active)
    by_table: dict[int, list[progress.Counts]] = defaultdict(list)
    for dispatch in active:
        by_table[dispatch.table_id].append(counts[dispatch.pk])
    going_on = {dispatch.table_id for dispatch in active if dispatch.status != DispatchStatus.PAUSED}
    return {id_: chip(of_table, paused=id_ not in going_on) for id_, of_table in by_table.items()}
