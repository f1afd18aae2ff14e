"""The questions that wait for a person."""

from __future__ import annotations

from tableflow.terminal import figures, resources, texts
from tableflow.terminal.client import Answer, Page
from tableflow.terminal.screens.answer import AnswerScreen
from tableflow.terminal.screens.cell import CellScreen
from tableflow.terminal.screens.lists import ListScreen
from tableflow.terminal.widgets.columns import Cell, Column

COLUMNS = (
    Column("state", "State", lambda asked: figures.state(asked["status"])),
    Column("prompt", "Question", lambda asked: Cell(texts.clip(asked["prompt"], 200)), flex=True, least=24),
    Column("table", "Table", lambda asked: Cell(texts.clean(asked["table_name"] or "")), flex=True, drop=3),
    Column("row", "Row", lambda asked: Cell(str(asked["row"]), "quiet"), drop=4, right=True),
    Column("group", "Column", lambda asked: Cell(texts.clean(asked["group_name"] or "")), drop=2),
    Column("for", "For", lambda asked: Cell(_for(asked), "quiet"), drop=5),
    Column("due", "Expires", lambda asked: Cell(figures.clock(asked["due_at"])), drop=6),
    Column("age", "Asked", lambda asked: figures.age(asked["asked_at"]), width=6, drop=1, right=True),
)


class ApprovalsScreen(ListScreen):
    """The questions: the open ones, or those that `state:` names. Enter answers one."""

    heading = "Approvals"
    kinds = ("state", "table")
    empty = "Nothing waits for an answer."
    columns = COLUMNS

    @property
    def resource(self) -> str:
        """The questions."""
        return resources.APPROVALS

    async def fetch(self) -> Page:
        """The questions of this state."""
        status = self.stack.value("state") or "open"
        return await self.api.approvals(status=status, table=await self.table_id(), limit=self.limit)

    def paint(self, answer: Page) -> None:
        """Show those that the texts name."""
        self.show([asked for asked in answer.results if self.stack.fits(*_words(asked))], answer.count)

    def open(self, record: Answer) -> None:
        """Answer it."""
        if record["status"] != "open":
            self.flash(f"It is {record['status']} already.")
            return
        if not record["may_answer"]:
            self.flash(f"This question is not yours to answer: it is for {_for(record)}.", "error")
            return
        self.app.push_screen(AnswerScreen(self.api, record), self._answered)

    def action_trace(self) -> None:
        """Show the cell that asks."""
        asked = self.selected
        if asked is not None:
            self.app.push_screen(CellScreen(asked["table"], asked["row"], asked["group"]))

    def action_copy(self) -> None:
        """Copy the question."""
        if self.selected is not None:
            self.copy(self.selected["prompt"], "the question")

    def _answered(self, said: str | None) -> None:
        if said:
            self.flash(said)
            self.refetch()


def _for(asked: Answer) -> str:
    """Who may answer it, and whether that is somebody else than who looks at it."""
    whom = texts.clean(", ".join(asked["assignees"]) or "editors")
    return whom if asked["may_answer"] or asked["status"] != "open" else f"{whom} (not you)"


def _words(asked: Answer) -> list[str | None]:
    return [asked["prompt"], asked["table_name"], asked["group_name"], *asked["assignees"]]
