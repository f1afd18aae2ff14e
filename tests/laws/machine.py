"""The machine that chooses the deeds."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.laws.world import GroupPlan, World, small

NUMBERS = st.integers(0, 11)
DATA = st.fixed_dictionaries({"n": st.integers(0, 3), "go": st.booleans()})
PATCHES = st.sampled_from(
    [{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}, {"n": None}, {"go": True}, {"go": False}, {"note": "x"}, {"note": None}]
)
OUTCOMES = st.lists(
    st.sampled_from(["complete", "complete", "blank", "error", "skip", "wait", "ask", "abort"]), max_size=3
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

    @precondition(lambda self: len(self.world.row_ids) < 8)
    @rule(data=st.lists(DATA, min_size=1, max_size=2), after=st.none() | NUMBERS)
    def insert(self, data: list[dict[str, Any]], after: int | None) -> None:
        self.world.insert(data, after)

    @precondition(lambda self: self.world.row_ids)
    @rule(chosen=st.lists(NUMBERS, min_size=1, max_size=2), patch=PATCHES)
    def edit(self, chosen: list[int], patch: dict[str, Any]) -> None:
        self.world.edit(chosen, patch)

    @precondition(lambda self: len(self.world.row_ids) > 2)
    @rule(number=NUMBERS)
    def delete(self, number: int) -> None:
        self.world.delete(number)

    @rule(mode=st.sampled_from(["all", "incomplete", "new", "failed", "stale"]), scope=SCOPES, groups=CHOSEN, caps=CAPS)
    def begin(self, mode: str, scope: dict[str, Any], groups: list[int], caps: dict[str, Any]) -> None:
        self.world.begin(mode, scope, groups, caps)

    @rule(scope=SCOPES, groups=CHOSEN)
    def stop(self, scope: dict[str, Any], groups: list[int]) -> None:
        self.world.stop({key: value for key, value in scope.items() if key != "limit"}, groups)

    @precondition(lambda self: self.world.active)
    @rule(number=NUMBERS)
    def stop_dispatch(self, number: int) -> None:
        self.world.stop_dispatch(number)

    @precondition(lambda self: self.world.active)
    @rule(number=NUMBERS)
    def pause_dispatch(self, number: int) -> None:
        self.world.pause_dispatch(number)

    @precondition(lambda self: self.world.active)
    @rule(number=NUMBERS)
    def resume_dispatch(self, number: int) -> None:
        self.world.resume_dispatch(number)

    @precondition(lambda self: self.world.view.asked)
    @rule(number=NUMBERS, decision=st.sampled_from(["approved", "rejected"]))
    def answer(self, number: int, decision: str) -> None:
        self.world.answer(number, decision)

    # by itself

    @rule()
    def gather(self) -> None:
        self.world.gather()

    @precondition(lambda self: self.world.view.pauses)
    @rule()
    def resume_due(self) -> None:
        self.world.resume_due()

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    @precondition(lambda self: self.world.active)
    @rule(number=NUMBERS)
    def count(self, number: int) -> None:
        self.world.count(number)

    # messages

    @precondition(lambda self: self.world.messages)
    @rule(number=NUMBERS, times=st.sampled_from([1, 1, 1, 2]))
    def deliver(self, number: int, times: int) -> None:
        self.world.deliver(number, times)

    @precondition(lambda self: self.world.messages)
    @rule()
    def deliver_all(self) -> None:
        for _ in list(self.world.messages):
            self.world.deliver(0, 1)

    @precondition(lambda self: self.world.messages)
    @rule(number=NUMBERS)
    def lose(self, number: int) -> None:
        self.world.lose(number)

    @precondition(lambda self: self.world.active)
    @rule(number=NUMBERS)
    def expire(self, number: int) -> None:
        self.world.expire(number)

    @precondition(lambda self: self.world.messages or self.world.draws)
    @rule(outcomes=OUTCOMES)
    def work(self, outcomes: list[str]) -> None:
        for _ in list(self.world.messages):
            self.world.deliver(0, 1)
        for draw in list(self.world.draws):
            self.world.turn(self.world.draws.index(draw), outcomes)

    @precondition(lambda self: self.world.messages or self.world.draws)
    @rule(outcomes=OUTCOMES)
    def work_on(self, outcomes: list[str]) -> None:
        self.work(outcomes)
        self.work(outcomes)

    # workers

    @precondition(lambda self: len(self.world.workers) < 3)
    @rule()
    def hire(self) -> None:
        self.world.hire()

    @precondition(lambda self: self.world.workers)
    @rule(number=NUMBERS)
    def die(self, number: int) -> None:
        self.world.die(number)

    @precondition(lambda self: len(self.world.workers) > 1)
    @rule(number=NUMBERS)
    def retire(self, number: int) -> None:
        self.world.retire(number)

    @precondition(lambda self: self.world.workers)
    @rule(number=NUMBERS)
    def beat(self, number: int) -> None:
        self.world.beat(number)

    @precondition(lambda self: self.world.draws)
    @rule(number=NUMBERS, outcomes=OUTCOMES, unseen=st.sampled_from([False, False, False, True]))
    def turn(self, number: int, outcomes: list[str], unseen: bool) -> None:
        self.world.turn(number, outcomes, unseen=unseen)

    @precondition(lambda self: self.world.draws)
    @rule(outcome=st.sampled_from(["complete", "error", "wait"]))
    def turn_all(self, outcome: str) -> None:
        for draw in list(self.world.draws):
            self.world.turn(self.world.draws.index(draw), [outcome] * 3)

    @precondition(lambda self: self.world.ghosts)
    @rule(number=NUMBERS, outcomes=OUTCOMES)
    def haunt(self, number: int, outcomes: list[str]) -> None:
        self.world.haunt(number, outcomes)
