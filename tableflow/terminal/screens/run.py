"""One run: its counts as they rise, its windows, its errors, its slowest cells."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from tableflow.terminal import figures, resources, texts
from tableflow.terminal.client import Answer, Page
from tableflow.terminal.screens.cell import CellScreen
from tableflow.terminal.screens.deeds import RunDeeds
from tableflow.terminal.screens.sections import Section, SectionScreen
from tableflow.terminal.widgets.columns import Cell, Column

ENDS = ("completed", "error", "cancelled", "skipped", "waiting", "in_flight")

SHOWN_CHARACTERS = 200
"""Of a message in the list."""

WINDOWS = Section(
    "windows",
    "Windows",
    (
        Column("number", "Window", lambda window: Cell(f"#{window['number']}", "quiet"), right=True),
        Column("state", "State", lambda window: _window_state(window)),  # noqa: PLW0108  (below)
        Column("rows", "Rows", lambda window: Cell(f"{window['rows']:,}"), right=True, drop=3),
        Column("cells", "Cells", lambda window: Cell(f"{window['cells']:,}"), right=True),
        Column("counts", "How they ended", lambda window: Cell(_counts(window)), flex=True),
        Column("age", "Opened", lambda window: figures.age(window["opened_at"]), width=7, drop=1, right=True),
    ),
    lambda window: window["number"],
    "It has not come to any row yet.",
)
ERRORS = Section(
    "errors",
    "Errors",
    (
        Column("cells", "Cells", lambda error: Cell(f"{error['cells']:,}", "error"), right=True),
        Column("group", "Column", lambda error: Cell(texts.clean(error["group_name"])), drop=1),
        Column("message", "Message", lambda error: Cell(texts.clip(error["message"], SHOWN_CHARACTERS)), flex=True),
    ),
    lambda error: (error["group"], error["message"]),
    "No cell has failed.",
)
SLOWEST = Section(
    "slowest",
    "Slowest",
    (
        Column("state", "State", lambda cell: figures.state(cell["status"])),
        Column("seconds", "Took", lambda cell: Cell(texts.duration(cell["seconds"])), right=True),
        Column("row", "Row", lambda cell: Cell(str(cell["row"])), right=True),
        Column("group", "Column", lambda cell: Cell(texts.clean(cell["group_name"])), flex=True),
        Column("age", "Begun", lambda cell: figures.age(cell["started_at"]), width=6, right=True),
    ),
    lambda cell: (cell["row"], cell["group"]),
    "No cell has begun.",
)


class RunScreen(RunDeeds, SectionScreen):
    """One run."""

    sections = (WINDOWS, ERRORS, SLOWEST)

    def __init__(self, run: Answer) -> None:
        super().__init__()
        self._run = run
        self._looked_at = ""
        self.heading = f"Run #{run['id']}"

    @property
    def resource(self) -> str:
        """The run."""
        return resources.run(self._run["id"])

    @property
    def run(self) -> Answer | None:
        """The run as it came last."""
        return self._run

    async def fetch(self) -> tuple[Answer, list[Answer], str]:
        """The run, the records of the section that is looked at, and which these are when they are not all."""
        id_, section = self._run["id"], self.section
        run = await self.api.dispatch(id_)
        if section is WINDOWS:
            windows = await self.api.windows(id_)
            return run, windows.results, _newest(windows)
        if section is ERRORS:
            errors = await self.api.errors(id_)
            return run, errors["groups"], _looked_at(errors)
        return run, (await self.api.slowest(id_))["cells"], ""

    def paint(self, answer: tuple[Answer, list[Answer], str]) -> None:
        """Show them."""
        self._run, records, self._looked_at = answer
        self.show(records, empty=self._looked_at)

    def position(self) -> str:
        """Which of the records these are."""
        return self._looked_at

    def another(self) -> None:
        """Nothing is known of it yet."""
        self._looked_at = ""

    def replace(self, run: Answer) -> None:
        """Show the run as it was answered."""
        self._run = run
        self.tick()

    def facts(self) -> Text:
        """What was asked for, by whom, and how far it is."""
        run = self._run
        state = figures.state(run["status"], self.terminal.under_way.get(run["id"]))
        counts = [
            f"{texts.mark(name)} {run['counts'][name]:,} {name.replace('_', ' ')}"
            for name in ENDS
            if run["counts"][name]
        ]
        lines = [
            [state.text, figures.share(run).text, figures.of_total(run), figures.rate(run), _left(run)],
            [figures.table_name(run), figures.group_names(run), run["mode"], figures.requester(run), _times(run)],
            counts,
            [texts.clean(run["paused_because"] or "")],
        ]
        said = [" · ".join(part.strip() for part in line if part.strip()) for line in lines]
        return Text("\n".join(line for line in said if line), no_wrap=True, overflow="ellipsis")

    def on_listing_opened(self) -> None:
        """Retry an error's cells, or open a slow cell."""
        if self.section is ERRORS:
            self._retry(self.listing.selected)
        elif self.section is SLOWEST:
            self.action_trace()

    def action_trace(self) -> None:
        """Open the selected slow cell."""
        cell: Any = self.listing.selected
        if self.section is SLOWEST and cell is not None:
            self.app.push_screen(CellScreen(self._run["table"], cell["row"], cell["group"]))
        else:
            self.flash("A trace belongs to a cell: 3 lists the slowest ones, c opens the table's.")

    def action_copy(self) -> None:
        """Copy the selected error's message, else the address of the run's page."""
        error: Any = self.listing.selected
        if self.section is ERRORS and error is not None:
            self.copy(error["message"], "the message")
        else:
            super().action_copy()

    def _retry(self, error: Any) -> None:
        if error is None:
            return
        table = self._run["table"]
        question = (
            f"Retry {error['cells']:,} cells of {error['group_name']}? Every cell that failed with this error "
            f"runs again, also where it failed in another run: {error['message']}"
        )
        retried = f"cells of {error['group_name']} that had failed"
        self.when_sure(
            texts.clip(question, 400),
            lambda: self.begin(self.api.retry_message(table, error["group"], error["message"]), retried),
        )


def _newest(windows: Page) -> str:
    shown = len(windows.results)
    return f"the newest {shown:,} of {windows.count:,} windows" if windows.count > shown else ""


def _looked_at(errors: Answer) -> str:
    """What the errors shown are, when they are not all: the most frequent, or of the cells that were looked at."""
    groups = errors["groups"]
    if not groups:
        return "" if errors["is_all"] else "No error among the cells that were looked at: there are more."
    most = f"the {len(groups)} most frequent of " if sum(one["cells"] for one in groups) < errors["seen"] else ""
    more = "" if errors["is_all"] else " that were looked at: there are more"
    return f"{most}{errors['seen']:,} failed cells{more}" if most or more else ""


def _window_state(window: Answer) -> Cell:
    if window["lobby"]:
        return Cell(f"{texts.mark('paused')} lobby", "wait")
    return Cell(window["state"], "run" if window["state"] == "open" else "quiet")


def _counts(record: Answer) -> str:
    return " · ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in record["counts"].items() if count)


def _left(run: Answer) -> str:
    left = figures.left(run)
    return f"{left} left" if left else ""


def _times(run: Answer) -> str:
    ended = run["finished_at"]
    return f"asked {figures.clock(run['requested_at'])}" + (f", ended {figures.clock(ended)}" if ended else "")
