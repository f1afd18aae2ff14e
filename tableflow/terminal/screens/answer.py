"""The answer to a question: its fields, and yes or no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Select, Static

from tableflow.terminal import forms, texts
from tableflow.terminal.client import Answer, ApiError, Client
from tableflow.terminal.forms import Field

if TYPE_CHECKING:
    from tableflow.terminal.app import Terminal


class AnswerScreen(ModalScreen[str | None]):
    """Answers a question. Gives what came of it in a sentence; None when it was left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave"),
        Binding("ctrl+y", "decide('approved')", "Approve"),
        Binding("ctrl+n", "decide('rejected')", "Reject"),
    ]

    def __init__(self, api: Client, asked: Answer) -> None:
        super().__init__()
        self._api = api
        self._asked = asked
        self._fields = forms.fields(asked["fields"])
        self._is_sent = False

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            where = f"{self._asked['table_name']} · row {self._asked['row']} · {self._asked['group_name']}"
            yield Static(texts.clean(where), markup=False, classes="keys")
            yield Static(texts.clean(self._asked["prompt"], lines=True), markup=False)
            for place, field in enumerate(self._fields):
                yield Label(_title(field), markup=False, classes="label")
                yield _widget(field, f"field-{place}")
            yield Static(id="refusal", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Approve  ^y", id="approved", compact=True)
                yield Button("Reject  ^n", id="rejected", compact=True)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.query("Input, Select, Button").first().focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Approve or reject."""
        self.action_decide(str(event.button.id))

    def action_decide(self, decision: str) -> None:
        """Send the answer, once."""
        if self._is_sent:
            return
        try:
            filled = forms.answer(self._typed()) if self._fields else None
        except forms.Unreadable as error:
            self._refuse(str(error))
            return
        self._is_sent = True
        self._terminal.deed(self._send(decision, filled or None if decision == "rejected" else filled))

    @property
    def _terminal(self) -> Terminal:
        return cast("Terminal", self.app)

    def _typed(self) -> list[tuple[Field, str | int | None]]:
        return [(field, self._value(f"#field-{place}")) for place, field in enumerate(self._fields)]

    def _value(self, where: str) -> str | int | None:
        widget = self.query_one(where)
        if isinstance(widget, Select):
            return None if widget.is_blank() else cast("int", widget.value)
        return widget.value if isinstance(widget, Input) else None

    async def _send(self, decision: str, filled: Any) -> None:
        """Send it, also when the dialog is left meanwhile: then what came of it is said by the screen below."""
        terminal = self._terminal
        try:
            answered = await self._api.answer(self._asked["id"], decision, filled)
        except ApiError as error:
            self._is_sent = False
            if self in terminal.screen_stack:
                self._refuse(str(error))
            else:
                terminal.tell(str(error), "error")
            return
        taken = f"It is {decision}." if answered["taken"] else "Somebody was quicker: your answer changed nothing."
        if self in terminal.screen_stack:
            self.dismiss(taken)
        else:
            terminal.tell(taken)

    def _refuse(self, why: str) -> None:
        self.query_one("#refusal", Static).update(texts.clean(why))


def _title(field: Field) -> str:
    required = " (required)" if field.is_required else ""
    hint = f"  {field.hint}" if field.hint else ""
    return texts.clean(f"{field.label}{required}{hint}")


def _widget(field: Field, id_: str) -> Input | Select[int]:
    if field.kind == "choice":
        # Text, since a label that is a str would be read as markup; its place, since a value may be a list.
        options = [(Text(texts.clean(label)), place) for place, (label, _) in enumerate(field.options)]
        return Select(options, id=id_, compact=True, prompt="Choose")
    return Input(texts.clean(field.value), id=id_, compact=True, max_length=100_000)
