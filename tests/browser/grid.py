"""The grid of a table's page, as a test points at it: a place is the row's number, from 1, and the column's name."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

Place = tuple[int, str]


def cell(page: Page, row_number: int, column_name: str) -> Locator:
    """The cell of that row in the column of that name. Cells that are scrolled out of sight do not exist."""
    # Where a workflow column is named like its output the lower head is the column's.
    head = page.get_by_role("columnheader").filter(has=page.get_by_text(column_name, exact=True)).last
    column = head.get_attribute("aria-colindex")
    return row(page, row_number).locator(f"[role=gridcell][aria-colindex='{column}']")


def row(page: Page, row_number: int) -> Locator:
    """The row of that number."""
    page.get_by_role("columnheader").first.wait_for()
    heads = page.get_by_role("row").filter(has=page.get_by_role("columnheader")).count()
    return page.locator(f"[role=row][aria-rowindex='{row_number + heads}']:has([role=gridcell])")


def active(page: Page) -> Locator:
    """The active cell: the one that is typed into."""
    return page.locator("[role=row]:not([hidden]) > * > .active, [role=row]:not([hidden]) > .active")


def select(page: Page, start: Place, end: Place) -> None:
    """Select the cells from one place to another; the first is the active one."""
    cell(page, *start).click()
    cell(page, *end).click(modifiers=["Shift"])
