"""A screen with facts above, and below them one of several lists that belong to it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from tableflow.terminal.client import ApiError
from tableflow.terminal.screens.live import LiveScreen
from tableflow.terminal.widgets.columns import Column
from tableflow.terminal.widgets.listing import Listing
from tableflow.terminal.widgets.words import Words


@dataclass(frozen=True)
class Section:
    """One of the lists."""

    key: str
    title: str
    columns: Sequence[Column]
    identify: Callable[[Any], Hashable]
    empty: str


class SectionScreen(LiveScreen):
    """Facts, and the section that is looked at. What a subclass fetches is the facts' record and that section's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"section({number - 1})", show=False) for number in (1, 2, 3)),
        Binding("tab", "next_section", show=False),
    ]
    sections: Sequence[Section] = ()

    def __init__(self) -> None:
        super().__init__()
        self.section = self.sections[0]
        self.listing = Listing(self._id_of, empty="Asking the server…", classes="ages", id="list")
        self._facts = Words("facts")
        self._names = Static(id="sections")

    def body(self) -> ComposeResult:
        """The facts, the names of the sections, the list."""
        yield self._facts
        yield self._names
        yield self.listing

    def on_mount(self) -> None:
        """Show which section is looked at."""
        self._show_names()
        self.listing.focus()

    def facts(self) -> Text:
        """What is said above the lists; again each second."""
        raise NotImplementedError

    def tick(self) -> None:
        """Repaint the facts too."""
        super().tick()
        self._facts.say(self.facts())

    def show(self, records: Sequence[Any], empty: str = "") -> None:
        """Show the records of the section; without any, `empty`, else that the section has none."""
        self.listing.show(records, self.section.columns, empty or self.section.empty)

    def another(self) -> None:
        """Another section is looked at: forget what was known of the one before."""

    def complain(self, error: ApiError) -> None:
        """Nothing is waited for any more, where nothing is shown."""
        if not self.listing.records:
            self.listing.show([], empty="")
        super().complain(error)

    def action_section(self, number: int) -> None:
        """Look at another section."""
        if number < len(self.sections) and self.sections[number] is not self.section:
            self.section = self.sections[number]
            self._show_names()
            self.another()
            self.listing.show([], self.section.columns, "Asking the server…")
            self.terminal.restart(self)

    def action_next_section(self) -> None:
        """Look at the next section."""
        self.action_section((self.sections.index(self.section) + 1) % len(self.sections))

    def _id_of(self, record: Any) -> Hashable:
        return self.section.identify(record)

    def _show_names(self) -> None:
        names = [f" {place} {section.title} " for place, section in enumerate(self.sections, start=1)]
        shown = self.sections.index(self.section)
        names[shown] = f"[reverse]{names[shown]}[/reverse]"
        links = [f"[@click=screen.section({place})]{name}[/]" for place, name in enumerate(names)]
        self._names.update("".join(links))
