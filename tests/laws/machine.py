"""The machine that chooses the deeds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.laws.world import GroupPlan, World, small

NUMBERS = st.integers(0, 11)
DATA = st.fixed_dictionaries({"n": st.integers(0, 3), "go": st.booleans()})
PATCHES = st.sampled_from(
    [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}, {"n": None}, {"go": True}, {"go": False}, {"note": "x"}, {"note": None}]
)
OUTCOMES = st.lists(
    st.sampled_from(["complete", "complete", "keep", "blank", "error", "skip", "wait", "wait", "ask", "abort"]),
    min_size=3,
    max_size=3,
)
SCOPES = st.one_of(
    st.just({"kind": "all"}),
    st.just({"kind": "all", "limit": 2}),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["rows", "without"]), "rows": st.lists(NUMBERS, min_size=1, max_size=3)}
    ),
    st.fixed_dictionaries({"kind": st.just("filter"), "over": st.integers(0, 2)}),
)
CHOSEN = st.lists(st.integers(0, 2), max_size=2)
CAPS = st.sampled_from([{}, {}, {}, {"errors": 1}, {"rows": 2}])
GROUPS = st.tuples(
    st.builds(GroupPlan, st.just("n"), st.sampled_from([(), ("go",)]), st.booleans()),
    st.builds(GroupPlan, st.sampled_from(["n", "a"]), st.sampled_from([(), ("a",), ("go",)]), st.booleans()),
    st.builds(GroupPlan, st.sampled_from(["n", "a", "b"]), st.sampled_from([(), ("b",), ("a", "b")]), st.booleans()),
)

Deed = TypeVar("Deed", bound=Callable[..., None])


def where(holds: Callable[[Engine], Any]) -> Callable[[Deed], Deed]:
    """A deed that does nothing where this does not hold.

    No precondition: these decide what is drawn next, and so it would depend on how fast the machine is. A story has to
    be the same whenever it is told.
    """

    def guard(deed: Deed) -> Deed:
        @functools.wraps(deed)
        def guarded(self: Engine, **drawn: Any) -> None:
            if holds(self):
                deed(self, **drawn)

        return guarded  # type: ignore[return-value]

    return guard


class Engine(RuleBasedStateMachine):
    """One table with two or three workflow columns, and everything that may happen to it."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self._small = small()
        self._small.__enter__()

    @initialize(groups=GROUPS, count=st.integers(1, 5))
    def build(self, groups: tuple[GroupPlan, ...], count: int) -> None:
        self.world = World(groups, count)

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self.world.drain()
        finally:
            self._small.__exit__(None, None, None)

    # people

    @rule(
        what=st.sampled_from(["insert", "edit", "edit", "edit", "delete"]),
        data=st.lists(DATA, min_size=1, max_size=2),
        after=st.none() | NUMBERS,
        chosen=st.lists(NUMBERS, min_size=1, max_size=3),
        patch=PATCHES,
    )
    def write(
        self, what: str, data: list[dict[str, Any]], after: int | None, chosen: list[int], patch: dict[str, Any]
    ) -> None:
        if what == "edit" and self.world.row_ids:
            self.world.edit(chosen, patch)
        elif what == "delete" and len(self.world.row_ids) > 2:
            self.world.delete(chosen[0])
        elif len(self.world.row_ids) < 8:
            self.world.insert(data, after)

    @rule(mode=st.sampled_from(["all", "incomplete", "new", "failed", "stale"]), scope=SCOPES, groups=CHOSEN, caps=CAPS)
    @where(lambda self: len(self.world.active) < 6)
    def begin(self, mode: str, scope: dict[str, Any], groups: list[int], caps: dict[str, Any]) -> None:
        self.world.begin(mode, scope, groups, caps)

    @rule(scope=st.none() | SCOPES, groups=CHOSEN, number=NUMBERS)
    @where(lambda self: self.world.active)
    def stop(self, scope: dict[str, Any] | None, groups: list[int], number: int) -> None:
        if scope is None:
            self.world.stop_dispatch(number)
        else:
            self.world.stop({key: value for key, value in scope.items() if key != "limit"}, groups)

    @rule(number=NUMBERS)
    @where(lambda self: self.world.active)
    def pause_dispatch(self, number: int) -> None:
        self.world.pause_dispatch(number)

    @rule(number=NUMBERS)
    @where(lambda self: self.world.is_paused)
    def resume_dispatch(self, number: int) -> None:
        self.world.resume_dispatch(number)

    @rule(number=NUMBERS, decision=st.sampled_from(["approved", "rejected"]))
    @where(lambda self: self.world.view.asked)
    def answer(self, number: int, decision: str) -> None:
        self.world.answer(number, decision)

    # what happens by itself, and what goes wrong

    @rule()
    def gather(self) -> None:
        self.world.gather()

    @rule()
    @where(lambda self: self.world.view.pauses)
    def resume_due(self) -> None:
        self.world.resume_due()

    @rule(expired=st.lists(NUMBERS, max_size=2))
    @where(lambda self: self.world.active)
    def sweep(self, expired: list[int]) -> None:
        for number in expired:
            self.world.expire(number)
        self.world.sweep()

    @rule(number=NUMBERS, what=st.sampled_from(["once", "once", "twice", "lost"]))
    @where(lambda self: self.world.messages)
    def message(self, number: int, what: str) -> None:
        if what == "lost":
            self.world.lose(number)
        else:
            self.world.deliver(number, 1 + (what == "twice"))

    @rule(number=NUMBERS, what=st.sampled_from(["hire", "die", "retire", "beat", "count"]))
    def trouble(self, number: int, what: str) -> None:
        if what == "count" and self.world.active:
            self.world.count(number)
        elif what == "hire" or not self.world.workers:
            self.world.hire()
        elif what == "die":
            self.world.die(number)
        elif what == "retire":
            self.world.retire(number)
        elif what == "beat":
            self.world.beat(number)

    # what workers do

    @rule(number=NUMBERS, outcomes=OUTCOMES, unseen=st.sampled_from([False, False, False, True]))
    @where(lambda self: self.world.draws)
    def turn(self, number: int, outcomes: list[str], unseen: bool) -> None:
        self.world.turn(number, outcomes, unseen=unseen)

    @rule(outcomes=OUTCOMES)
    @where(lambda self: self.world.messages or self.world.draws)
    def work(self, outcomes: list[str]) -> None:
        if not self.world.workers:
            self.world.hire()
        for _ in range(2):
            for _ in list(self.world.messages):
                self.world.deliver(0, 1)
        for draw in list(self.world.draws):
            self.world.turn(self.world.draws.index(draw), outcomes)

    @rule(outcomes=OUTCOMES, times=st.integers(2, 4))
    @where(lambda self: self.world.messages or self.world.draws)
    def work_on(self, outcomes: list[str], times: int) -> None:
        for _ in range(times):
            self.work(outcomes=outcomes)

    @rule(number=NUMBERS, outcomes=OUTCOMES)
    @where(lambda self: self.world.ghosts)
    def haunt(self, number: int, outcomes: list[str]) -> None:
        self.world.haunt(number, outcomes)
