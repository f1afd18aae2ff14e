"""A list that stays where its reader is, however often it is filled anew.

The selection belongs to a record, by its id, and so does the first visible line: records that come in above move
neither. It paints the lines that are seen and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tableflow.terminal.widgets.columns import GAP, Column, Fitted, fit

WHEEL = 3
TONES = ("quiet", "run", "wait", "error", "person", "good")


class Listing(Widget, can_focus=True):
    """Records as lines under a head. `identify` gives a record's id."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"listing--head", "listing--selected", *(f"tone--{tone}" for tone in TONES)}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("home,g", "first", "Top", show=False),
        Binding("end,G", "last", "End", show=False),
        Binding("enter", "open", "Open"),
    ]

    class Opened(Message):
        """Enter, or a double click, on the selected record."""

    class Selected(Message):
        """Another record is selected, or the last one that is there."""

    def __init__(self, identify: Callable[[Any], Hashable], empty: str = "", **options: Any) -> None:
        super().__init__(**options)
        self._identify = identify
        self._empty = empty
        self._records: Sequence[Any] = ()
        self._ids: list[Hashable] = []
        self._columns: Sequence[Column] = ()
        self._natural: dict[str, int] = {}
        self._fitted: list[Fitted] = []
        self._fitted_to: int | None = None
        self._at = 0
        self._top = 0
        self.marked_column: str | None = None

    @property
    def records(self) -> Sequence[Any]:
        """What it shows."""
        return self._records

    @property
    def selected(self) -> Any | None:
        """The selected record; None: there is none."""
        return self._records[self._at] if self._records else None

    @property
    def fitted(self) -> list[Fitted]:
        """The columns that are seen now, with their widths."""
        if self._fitted_to != self.size.width:
            self._fit()
            self._fitted_to = self.size.width
        return self._fitted

    @property
    def seen(self) -> tuple[int, int]:
        """The numbers of the first and last line that are seen, from 1."""
        return self._top + 1, min(self._top + self._height, len(self._records))

    def show(self, records: Sequence[Any], columns: Sequence[Column] | None = None, empty: str | None = None) -> None:
        """Show these records; the selection and the first line stay with theirs while they are there."""
        selected, top = self._id_at(self._at), self._id_at(self._top)
        self._records = records
        self._ids = [self._identify(record) for record in records]
        places = {id_: place for place, id_ in enumerate(self._ids)}
        self._at = places.get(selected, min(self._at, max(0, len(records) - 1)))
        if self._top:  # Who looks at the top wants to see what comes in there.
            self._top = places.get(top, self._top)
        self._columns = self._columns if columns is None else columns
        self._empty = self._empty if empty is None else empty
        self._measure()
        self._keep_in_sight(selection=False)
        self.refresh()

    def select(self, id_: Hashable) -> None:
        """Select the record of this id, if it is there."""
        if id_ in self._ids:
            self._go(self._ids.index(id_))

    def mark(self, key: str) -> None:
        """Mark this column, and bring it into view."""
        self.marked_column = key
        self._fitted_to = None
        self.refresh()

    def _id_at(self, place: int) -> Hashable:
        return self._ids[place] if place < len(self._ids) else None

    def _measure(self) -> None:
        self._natural = {column.key: self._wish(column) for column in self._columns}
        self._fitted_to = None

    def _wish(self, column: Column) -> int:
        if column.width is not None:
            return max(column.width, cell_len(column.title))
        return max([cell_len(column.title), *(cell_len(column.cell(record).text) for record in self._records)])

    def _fit(self) -> None:
        """Share the room. Of columns that may be marked the first ones go until the marked one is in view."""
        columns = list(self._columns)
        while True:
            self._fitted = fit(columns, self._natural, self.size.width - 2)
            hidden = self.marked_column is not None and self.marked_column not in [f.column.key for f in self._fitted]
            first = next((column for column in columns if column.marks and column.key != self.marked_column), None)
            if not hidden or first is None or self.marked_column not in self._natural:
                return
            columns.remove(first)

    @property
    def _height(self) -> int:
        return max(1, self.size.height - 1)

    def _keep_in_sight(self, *, selection: bool = True) -> None:
        """Bound the scroll, and where asked bring the selected line into view."""
        if selection:
            self._top = max(min(self._top, self._at), self._at - self._height + 1)
        self._top = max(0, min(self._top, len(self._records) - self._height))

    def _go(self, place: int) -> None:
        if self._records:
            self._at = max(0, min(place, len(self._records) - 1))
            self._keep_in_sight()
            self.refresh()
            self.post_message(self.Selected())

    def action_move(self, lines: int) -> None:
        """Select another line, so many further down."""
        self._go(self._at + lines)

    def action_page(self, pages: int) -> None:
        """Select another line, so many heights of the list further down."""
        self._go(self._at + pages * self._height)

    def action_first(self) -> None:
        """Select the first line."""
        self._go(0)

    def action_last(self) -> None:
        """Select the last line."""
        self._go(len(self._records) - 1)

    def action_open(self) -> None:
        """Open the selected record."""
        if self._records:
            self.post_message(self.Opened())

    def on_resize(self) -> None:
        """Keep the selected line in view."""
        self._keep_in_sight()

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens."""
        place = self._top + event.y - 1
        if event.y < 1 or place >= len(self._records):
            return
        self._mark_column_at(event.x)
        self._go(place)
        if event.chain == 2:
            self.action_open()

    def _mark_column_at(self, x: int) -> None:
        start = 1
        for one in self.fitted:
            if self.marked_column is not None and start <= x < start + one.width + GAP and one.column.marks:
                self.marked_column = one.column.key
            start += one.width + GAP

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll; the selection stays where it is."""
        self._scroll(WHEEL)
        event.stop()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll; the selection stays where it is."""
        self._scroll(-WHEEL)
        event.stop()

    def _scroll(self, lines: int) -> None:
        self._top += lines
        self._keep_in_sight(selection=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the head, a record, or what stands where there is none."""
        width = self.size.width
        if y == 0:
            return self._strip([(one, one.column.title, "listing--head") for one in self.fitted], "listing--head")
        place = self._top + y - 1
        if place < len(self._records):
            return self._line(self._records[place], is_selected=place == self._at)
        said = self._empty if not self._records and y == 1 + self._height // 3 else ""
        style = self._style("tone--quiet")
        return Strip([Segment(set_cell_size(said.center(width), width), style)], width)

    def _line(self, record: Any, *, is_selected: bool) -> Strip:
        base = "listing--selected" if is_selected else ""
        cells = [(one, one.column.cell(record)) for one in self.fitted]
        texts = [(one, cell.text, f"tone--{cell.tone}" if cell.tone else "") for one, cell in cells]
        return self._strip(texts, base)

    def _strip(self, cells: Sequence[tuple[Fitted, str, str]], base: str) -> Strip:
        under = self._style(base)
        segments = [Segment(" ", under)]
        for one, text, tone in cells:
            is_marked = base == "listing--selected" and one.column.key == self.marked_column
            style = self._over(under, tone) + (Style(reverse=True) if is_marked else Style.null())
            segments += [Segment(_padded(text, one), style), Segment(" " * GAP, under)]
        return Strip(segments).adjust_cell_length(self.size.width, under)

    def _over(self, under: Style, tone: str) -> Style:
        return under + Style(color=self._style(tone).color) if tone else under

    def _style(self, component: str) -> Style:
        return self.get_component_rich_style(component) if component else self.rich_style


def _padded(text: str, one: Fitted) -> str:
    length = cell_len(text)
    if length > one.width:
        return set_cell_size(text, one.width - 1) + "…"
    return " " * (one.width - length) + text if one.column.right else set_cell_size(text, one.width)
