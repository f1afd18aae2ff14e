"""How the places of a group are dealt out among the runs that have it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatch.gate import Rival, places_for, shares


def rival(number: int, running: int = 0, wanted: int = 100, waited: float | None = None) -> Rival:
    return Rival(number, running, wanted, waited)


def test_places_are_shared_evenly_whatever_the_runs_want() -> None:
    assert shares([rival(1, wanted=5000), rival(2, wanted=50)], 10) == {1: 5, 2: 5}


def test_a_run_that_can_use_few_leaves_the_others_more() -> None:
    assert shares([rival(1), rival(2, wanted=1), rival(3, wanted=0)], 10) == {1: 9, 2: 1, 3: 0}


def test_the_odd_place_goes_to_who_has_claimed_nothing_and_then_to_who_has_waited_longest() -> None:
    assert shares([rival(1, waited=9), rival(2, waited=8)], 3) == {1: 2, 2: 1}
    assert shares([rival(1, waited=9), rival(2)], 3) == {1: 1, 2: 2}


def test_who_claimed_a_moment_ago_goes_on_until_somebody_has_waited_for_more_than_that() -> None:
    assert shares([rival(1, waited=0.4), rival(2, waited=0.1)], 3) == {1: 1, 2: 2}
    assert shares([rival(1, waited=0.6), rival(2, waited=0.1)], 3) == {1: 2, 2: 1}


def test_a_run_with_more_than_its_share_takes_none_until_the_others_have_theirs() -> None:
    both = [rival(1, running=3, waited=1), rival(2)]
    assert [places_for(r.id, both, 4) for r in both] == [0, 1]
    evened = [rival(1, running=2, waited=2), rival(2, running=1, waited=1)]
    assert [places_for(r.id, evened, 4) for r in evened] == [0, 1]


def test_runs_take_turns_where_there_are_fewer_places_than_runs() -> None:
    claimed: dict[int, int | None] = {1: None, 2: None, 3: None}
    served = []
    for turn in range(30):
        rivals = [rival(number, waited=None if at is None else turn - at) for number, at in claimed.items()]
        (next_one,) = [r.id for r in rivals if places_for(r.id, rivals, 1)]
        served.append(next_one)
        claimed[next_one] = turn
    assert served == [1, 2, 3] * 10


rivals_of = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 12), st.none() | st.floats(0, 5)), min_size=1, max_size=6
).map(lambda found: [rival(number, *what) for number, what in enumerate(found)])


@given(rivals_of, st.integers(1, 20), st.data())
def test_claims_in_any_order_never_exceed_the_places(rivals: list[Rival], places: int, data: st.DataObject) -> None:
    before = sum(r.running for r in rivals)
    for index in data.draw(st.permutations(range(len(rivals)))):
        one = rivals[index]
        taken = min(one.wanted, places_for(one.id, rivals, places))
        rivals[index] = Rival(one.id, one.running + taken, one.wanted - taken, one.waited)
    assert sum(r.running for r in rivals) <= max(before, places)


@given(rivals_of, st.integers(1, 20))
def test_no_place_stays_free_that_somebody_wants(rivals: list[Rival], places: int) -> None:
    free = max(0, places - sum(r.running for r in rivals))
    assert sum(shares(rivals, places).values()) == min(free, sum(r.wanted for r in rivals))
