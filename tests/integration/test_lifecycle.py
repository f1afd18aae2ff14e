"""The transitions of executions: from which status each is won, under which fence, and what it writes."""

from __future__ import annotations

import ast
import random
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cells import lifecycle, usage
from cells.lifecycle import Claim, Suspended
from cells.models import CLAIMED, FINAL, IN_FLIGHT, Attempt, Execution, Pause, Status
from dispatch.begin import begin
from tableflow.tables import schema
from tableflow.tables.models import Row
from tests import hands, scenes

pytestmark = pytest.mark.django_db

FENCE = 7
WINDOW = 1_000_000
LOBBY = 1_000_001


@pytest.fixture
def scene():
    """One row with a completed cell `first`, and a cell `out` that each test puts into a status."""
    table = scenes.table(1)
    first = scenes.group(table, scenes.doubling(table), "first")
    group = scenes.group(table, scenes.doubling(table))
    row = Row.objects.get(table=table)
    ended = Execution.objects.create(
        row=row, group=first, position=1, status=Status.COMPLETED, window_id=WINDOW, sequence=1, attempt=1
    )
    return Scene(table, row, ended, group)


class Scene:
    def __init__(self, table, row, ended, group):
        self.table, self.row, self.ended, self.group = table, row, ended, group
        self.worker = hands.worker()
        self.since = timezone.now() - timedelta(minutes=1)
        self.usages = usage.of(schema.load(table.pk))

    def cell(self, status, **what):
        values = {"position": 1, "fence": FENCE, "window_id": WINDOW, "sequence": 5, "attempt": 1}
        if status in CLAIMED:
            values |= {"worker": self.worker, "started_at": self.since}
        return Execution.objects.create(row=self.row, group=self.group, status=status, **(values | what))

    def claim_of(self, cell, fence=FENCE):
        return Claim(cell.pk, cell.row_id, cell.group_id, fence, cell.attempt, WINDOW, cell.started_at)


def stamp(scene, cell, sequence=10):
    return lifecycle.stamp(scene.group.pk, [(scene.row.pk, 1)], dispatch_id=1, window_id=WINDOW, sequence=sequence)


def claim(scene, cell):
    with transaction.atomic():
        return lifecycle.claim(scene.worker.pk, scene.table.pk, [WINDOW], scene.usages, 5)


def finish(scene, cell, fence=FENCE):
    return lifecycle.finish([hands.ended(scene.claim_of(cell, fence))], "hand", cascade=True)


def proceed(scene, cell, fence=FENCE):
    return lifecycle.proceed([scene.claim_of(cell, fence)], scene.usages)


def join(scene, cell, sequence=10):
    after = Claim(scene.ended.pk, scene.row.pk, scene.ended.group_id, FENCE, 1, WINDOW, scene.since)
    return lifecycle.join(scene.worker.pk, [(after, scene.group.pk)], sequence, scene.usages)


def pause(scene, cell, fence=FENCE):
    state = {"step": "wait", "inputs": {}, "given": {}, "trace": [], "tries": 0}
    suspended = Suspended(scene.claim_of(cell, fence), "wait", state, scene.since)
    return lifecycle.pause([suspended], table_id=scene.table.pk, lobby=LOBBY, cascade=False)


def resume(scene, cell):
    return lifecycle.resume([cell.pk], WINDOW)


def recall(scene, cell):
    return lifecycle.recall([cell.pk], WINDOW)


def unqueue(scene, cell, fence=FENCE):
    return lifecycle.unqueue([scene.claim_of(cell, fence)])


def withdraw(scene, cell, fence=FENCE):
    return lifecycle.withdraw([scene.claim_of(cell, fence)])


def cancel(scene, cell):
    return lifecycle.cancel([cell.pk], 10)


def reclaim(scene, cell):
    return lifecycle.reclaim([scene.worker.pk], [WINDOW])


def release(scene, cell):
    return lifecycle.release(scene.worker.pk, [WINDOW])


TRANSITIONS = {
    stamp: (FINAL, Status.PENDING),
    claim: ((Status.PENDING,), Status.RUNNING),
    finish: ((Status.RUNNING,), Status.COMPLETED),
    proceed: ((Status.QUEUED,), Status.RUNNING),
    join: (FINAL, Status.RUNNING),
    withdraw: ((Status.QUEUED,), Status.ERROR),
    cancel: (IN_FLIGHT, Status.CANCELLED),
    reclaim: (CLAIMED, Status.PENDING),
    release: (CLAIMED, Status.PENDING),
    pause: ((Status.RUNNING,), Status.PAUSED),
    resume: ((Status.PAUSED,), Status.PENDING),
    recall: ((*CLAIMED, Status.PAUSED), Status.PENDING),
    unqueue: ((Status.QUEUED,), Status.PENDING),
}


ANSWERS = {"fenced", "forget"}  # what is public in the module, and writes no status


def bar(scene, cell):
    return lifecycle.bar([scene.ended.pk], [scene.group.pk], 10)


def ending(status):
    """A `finish` with this status."""
    return lambda scene, cell: lifecycle.finish([hands.ended(scene.claim_of(cell), status)], "hand", cascade=False)


def claim_behind(scene, cell):
    """A `claim` of a row in which another cell is stamped left of this one."""
    Execution.objects.filter(pk=scene.ended.pk).update(status="pending")
    return claim(scene, cell)


def withdraw_after(status):
    """A `withdraw` of a cell whose last attempt left it so."""

    def back(scene, cell):
        Attempt.objects.create(execution=cell, number=1, status=status, finished_at=scene.since)
        return withdraw(scene, cell)

    return back


def reclaim_for_good(scene, cell):
    """A `reclaim` that spends the budget."""
    Execution.objects.filter(pk=cell.pk).update(losses=lifecycle.LOSS_BUDGET - 1)
    return reclaim(scene, cell)


def recall_resumed(scene, cell):
    """A `recall` of a cell that was paused before."""
    Pause.objects.create(execution=cell, table_id=scene.table.pk, kind="wait", state={}, paused_at=scene.since)
    return recall(scene, cell)


CIRCUMSTANCES = {
    "bar": [bar],
    "claim": [claim, claim_behind],
    "finish": [ending(status) for status in (Status.COMPLETED, Status.ERROR, Status.SKIPPED)],
    "withdraw": [withdraw, *(withdraw_after(status) for status in FINAL)],
    "reclaim": [reclaim, reclaim_for_good],
    "recall": [recall, recall_resumed],
} | {verb.__name__: [verb] for verb in (stamp, proceed, join, pause, resume, unqueue, cancel, release)}
OF_NOTHING = {"stamp", "join", "bar"}


def drawn():
    """The edges of the picture in docs/architecture.md: (from, to, verb); None is no execution."""
    document = (settings.BASE_DIR / "docs" / "architecture.md").read_text()
    picture = re.search(r"## The states of an execution\n.*?```mermaid\n(.*?)```", document, re.DOTALL)[1]
    states = {"ended": FINAL, "[*]": (None,)}
    return {
        (left, right, verb)
        for lefts, rights, label in re.findall(r"^ +(\S+) --> (\S+): (.*)$", picture, re.MULTILINE)
        for verb in re.sub(r" \(.*?\)", "", label).split(", ")
        for left in states.get(lefts, (lefts,))
        for right in states.get(rights, (rights,))
    }


def walked(scene):
    """The edges that the verbs really go, tried from each status under each circumstance."""
    for verb, circumstances in CIRCUMSTANCES.items():
        for status in (*Status, *((None,) if verb in OF_NOTHING else ())):
            for tried in circumstances:
                with transaction.atomic():
                    cell = scene.cell(status) if status else None
                    tried(scene, cell)
                    after = Execution.objects.filter(group=scene.group).first()
                    transaction.set_rollback(True)
                if after is None or cell is None or (after.status, after.fence) != (status, FENCE):
                    yield status, after.status if after else None, verb


def test_every_verb_from_every_state_goes_where_the_picture_says_and_nowhere_else(scene):
    assert set(walked(scene)) == drawn()


def test_every_public_verb_is_tried():
    module = ast.parse(Path(lifecycle.__file__).read_text())
    functions = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    public = {name for name in functions if not name.startswith("_")} - ANSWERS
    assert public == set(CIRCUMSTANCES)
    assert public - {"bar"} == {verb.__name__ for verb in TRANSITIONS}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("verb", TRANSITIONS, ids=lambda verb: verb.__name__)
def test_a_transition_is_won_from_its_statuses_and_from_no_other(scene, verb, status):
    cell = scene.cell(status)
    Attempt.objects.create(execution=cell, number=1, status="error", finished_at=scene.since)
    allowed, then = TRANSITIONS[verb]
    won = verb(scene, cell)
    before, cell = cell, Execution.objects.get(pk=cell.pk)
    if status in allowed:
        assert won
        assert cell.status == then
        assert cell.fence >= FENCE
    else:
        assert not won
        assert (cell.status, cell.fence, cell.sequence) == (before.status, before.fence, before.sequence)
    assert Row.objects.get().data == ({"n": 1, "out": 1} if verb is finish and status in allowed else {"n": 1})


@pytest.mark.parametrize(
    "verb", [stamp, claim, join, cancel, reclaim, release, recall, unqueue], ids=lambda verb: verb.__name__
)
def test_whoever_takes_a_cell_raises_its_fence(scene, verb):
    cell = scene.cell(TRANSITIONS[verb][0][0])
    verb(scene, cell)
    assert Execution.objects.get(pk=cell.pk).fence == FENCE + 1


@pytest.mark.parametrize("verb", [finish, proceed, withdraw, pause, unqueue], ids=lambda verb: verb.__name__)
@pytest.mark.parametrize("fence", [FENCE - 1, FENCE + 1])
def test_a_wrong_fence_writes_nothing(scene, verb, fence):
    cell = scene.cell(TRANSITIONS[verb][0][0])
    before = Execution.objects.filter(pk=cell.pk).values().get()
    assert not verb(scene, cell, fence=fence)
    assert Execution.objects.filter(pk=cell.pk).values().get() == before
    assert Row.objects.values_list("data", "done").get() == ({"n": 1}, 0)
    assert not Attempt.objects.exists()


@pytest.mark.parametrize("verb", [stamp, join], ids=lambda verb: verb.__name__)
@pytest.mark.parametrize("sequence", [4, 5])
def test_a_request_leaves_what_it_or_a_later_one_has_touched(scene, verb, sequence):
    scene.cell(Status.CANCELLED)
    assert not verb(scene, None, sequence=sequence)


@pytest.mark.parametrize("taken", [reclaim, cancel, release], ids=lambda verb: verb.__name__)
def test_a_late_finish_is_fenced_after(scene, taken):
    cell = scene.cell(Status.RUNNING)
    assert taken(scene, cell)
    assert finish(scene, cell) == []
    assert Row.objects.get().data == {"n": 1}
    assert not Attempt.objects.filter(status="completed").exists()


def test_a_late_finish_is_fenced_after_another_claim(scene):
    cell = scene.cell(Status.RUNNING)
    release(scene, cell)
    claim(scene, cell)
    assert finish(scene, cell) == []
    assert finish(scene, cell, fence=FENCE + 2)


def test_a_late_finish_is_fenced_after_a_take_over():
    table = scenes.table(1)
    scenes.group(table, scenes.doubling(table))
    older, worker = begin(table.pk), hands.worker()
    hands.admit(older)
    (late,) = hands.claim(worker, older)
    newer = begin(table.pk)
    hands.admit(newer)
    (now,) = hands.claim(worker, newer)
    assert hands.finish([hands.ended(late.lead, output={"out": "late"})]) == []
    assert hands.finish([hands.ended(now.lead, output={"out": "now"})])
    assert scenes.values(table) == ["now"]


def test_a_finish_writes_status_attempt_value_and_done_bit_together(scene):
    cell = scene.cell(Status.RUNNING, attempt=3)
    (won,) = lifecycle.finish(
        [hands.ended(scene.claim_of(cell), output={"out": [1]}, trace=[{"id": "s"}])], "w", cascade=True
    )
    assert (won.id, won.row_id, won.window_id, won.status) == (cell.pk, scene.row.pk, WINDOW, "completed")
    assert won.row == {"n": 1, "out": [1]}
    cell.refresh_from_db()
    row = Row.objects.get()
    assert (cell.status, cell.workflow_version, cell.error) == ("completed", 1, None)
    assert cell.finished_at is not None
    assert (row.data, row.done) == ({"n": 1, "out": [1]}, 1 << scene.group.bit)
    attempt = Attempt.objects.get()
    assert (attempt.execution_id, attempt.number, attempt.status) == (cell.pk, 3, "completed")
    assert (attempt.trace, attempt.worker_name, attempt.workflow_version) == ([{"id": "s"}], "w", 1)


@pytest.mark.parametrize("status", [Status.ERROR, Status.SKIPPED])
def test_a_cell_that_ends_without_a_value_keeps_the_old_one_and_loses_its_done_bit(scene, status):
    Row.objects.update(data={"n": 1, "out": "old"}, done=0b11)
    lifecycle.finish([hands.ended(scene.claim_of(scene.cell(Status.RUNNING)), status)], "w", cascade=False)
    row = Row.objects.get()
    assert (row.data["out"], row.done) == ("old", 0b11 & ~(1 << scene.group.bit))


def test_a_cancelled_cell_keeps_its_value_and_loses_its_done_bit_only(scene):
    Row.objects.update(data={"n": 1, "out": "old"}, done=0b11)
    cell = scene.cell(Status.PENDING)
    assert cancel(scene, cell) == {cell.pk: WINDOW}
    row = Row.objects.get()
    assert (row.data["out"], row.done) == ("old", 0b11 & ~(1 << scene.group.bit))
    assert not Attempt.objects.exists()


def test_the_attempt_that_a_cancel_cuts_short_is_recorded(scene):
    cancel(scene, scene.cell(Status.RUNNING))
    assert Attempt.objects.values_list("status", "number").get() == ("cancelled", 1)


def test_a_rerun_keeps_the_value_and_the_done_bit_until_it_ends(scene):
    Row.objects.update(data={"n": 1, "out": "old"}, done=0b11)
    cell = scene.cell(Status.COMPLETED)
    stamp(scene, cell)
    claim(scene, cell)
    assert Row.objects.values_list("data__out", "done").get() == ("old", 0b11)


def test_a_claim_runs_the_leftmost_stamped_cell_and_queues_the_others():
    table = scenes.table(2)
    groups = [scenes.group(table, scenes.doubling(table), key) for key in "abc"]
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    claimed = hands.claim(hands.worker(), dispatch, most=1)
    assert [(c.row["n"], c.lead.group_id, set(c.queued)) for c in claimed] == [
        (1, groups[0].pk, {groups[1].pk, groups[2].pk})
    ]
    assert sorted(Execution.objects.values_list("status", "attempt")) == [
        *[("pending", 0)] * 3,
        *[("queued", 0)] * 2,
        ("running", 1),
    ]


def test_a_row_in_which_a_cell_is_claimed_is_nobody_elses(scene):
    Execution.objects.filter(pk=scene.ended.pk).update(status="queued")
    cell = scene.cell(Status.PENDING)
    assert claim(scene, cell) == []


def test_a_withdrawn_cell_that_never_ran_has_no_execution_again(scene):
    cell = scene.cell(Status.QUEUED, attempt=0)
    assert withdraw(scene, cell) == [WINDOW]
    assert not Execution.objects.filter(pk=cell.pk).exists()


def test_a_withdrawn_cell_is_again_what_its_last_attempt_left(scene):
    cell = scene.cell(Status.QUEUED, attempt=2)
    finished_at = scene.since
    for number, error in ((1, "old"), (2, "It broke.")):
        Attempt.objects.create(
            execution=cell, number=number, status="error", error=error, finished_at=finished_at, started_at=finished_at
        )
    assert withdraw(scene, cell) == [WINDOW]
    cell.refresh_from_db()
    assert (cell.status, cell.error, cell.finished_at, cell.worker_id) == ("error", "It broke.", finished_at, None)
    assert withdraw(scene, cell) == []


def test_a_cell_whose_only_claim_was_handed_back_can_be_withdrawn(scene):
    cell = scene.cell(Status.QUEUED, attempt=1)
    assert withdraw(scene, cell) == [WINDOW]
    assert not Execution.objects.filter(pk=cell.pk, status__in=IN_FLIGHT).exists()


def test_a_tombstone_bars_older_requests_and_no_newer_one(scene):
    lifecycle.bar([scene.ended.pk], [scene.group.pk], 10)
    assert Execution.objects.get(group=scene.group).status == "cancelled"
    assert not stamp(scene, None, sequence=9)
    assert not join(scene, None, sequence=10)
    assert stamp(scene, None, sequence=11)


def test_a_tombstone_keeps_a_result_and_leaves_cells_in_flight(scene):
    cell = scene.cell(Status.COMPLETED)
    lifecycle.bar([scene.ended.pk], [scene.group.pk], 10)
    cell.refresh_from_db()
    assert (cell.status, cell.sequence) == ("completed", 10)
    lifecycle.bar([scene.ended.pk], [scene.group.pk], 8)
    cell.refresh_from_db()
    assert cell.sequence == 10
    Execution.objects.filter(pk=cell.pk).update(status="running")
    lifecycle.bar([scene.ended.pk], [scene.group.pk], 12)
    cell.refresh_from_db()
    assert (cell.status, cell.sequence) == ("running", 10)


def test_a_cell_ends_in_an_error_when_its_budget_of_losses_is_spent(scene):
    Row.objects.update(done=0b11)
    cell = scene.cell(Status.RUNNING)
    for loss in range(1, lifecycle.LOSS_BUDGET):
        (taken,) = reclaim(scene, cell)
        cell.refresh_from_db()
        assert (taken.status, cell.status, cell.losses) == ("pending", "pending", loss)
        claim(scene, cell)
    (taken,) = reclaim(scene, cell)
    cell.refresh_from_db()
    assert (taken.status, taken.window_id, cell.status) == ("error", WINDOW, "error")
    assert "lost 3 times" in cell.error
    assert Attempt.objects.filter(status="error").count() == lifecycle.LOSS_BUDGET
    assert Row.objects.get().done == 0b11 & ~(1 << scene.group.bit)


def test_a_queued_cell_loses_nothing_of_its_budget(scene):
    cell = scene.cell(Status.QUEUED)
    for _ in range(lifecycle.LOSS_BUDGET + 1):
        reclaim(scene, cell)
        Execution.objects.filter(pk=cell.pk).update(status="queued", worker=scene.worker)
    cell.refresh_from_db()
    assert cell.losses == 0
    assert not Attempt.objects.exists()


def test_a_new_stamp_gives_a_fresh_budget(scene):
    cell = scene.cell(Status.ERROR, losses=3)
    stamp(scene, cell)
    cell.refresh_from_db()
    assert cell.losses == 0


def test_a_release_keeps_what_still_runs_and_what_is_young(scene):
    cell = scene.cell(Status.RUNNING)
    assert lifecycle.release(scene.worker.pk, [WINDOW], keep=[cell.pk]) == 0
    assert lifecycle.release(scene.worker.pk, [WINDOW], older=timedelta(hours=1)) == 0
    assert lifecycle.release(scene.worker.pk, [WINDOW]) == 1


def test_fenced_names_the_claims_that_were_taken_away(scene):
    cell = scene.cell(Status.RUNNING)
    mine = scene.claim_of(cell)
    assert lifecycle.fenced([mine]) == set()
    release(scene, cell)
    assert lifecycle.fenced([mine]) == {cell.pk}


@pytest.mark.parametrize("seed", range(5))
def test_the_done_bit_is_set_only_over_a_completed_cell_whatever_was_done(seed):
    chance = random.Random(seed)
    table = scenes.table(6)
    for key in "ab":
        scenes.group(table, scenes.doubling(table), key)
    worker = hands.worker()
    dispatch = begin(table.pk)
    held = []
    for _ in range(60):
        match chance.randrange(7):
            case 0:
                dispatch = begin(table.pk, mode=chance.choice(["all", "incomplete"]))
            case 1:
                hands.admit(dispatch)
            case 2:
                held += [c.lead for c in hands.claim(worker, dispatch, most=3)]
            case 3 | 4 if held:
                end = chance.choice([Status.COMPLETED, Status.COMPLETED, Status.ERROR, Status.SKIPPED])
                late = held.pop(chance.randrange(len(held)))
                hands.finish([hands.ended(late, end)])
                queued = Execution.objects.filter(row=late.row_id, status="queued").first()
                if queued:
                    claim_ = Claim(queued.pk, queued.row_id, queued.group_id, queued.fence, 0, 0, 0)
                    held += lifecycle.proceed([claim_], usage.of(schema.load(table.pk)))
            case 5:
                ids = list(Execution.objects.values_list("pk", flat=True))
                lifecycle.cancel(chance.sample(ids, min(2, len(ids))), dispatch.sequence)
            case 6:
                lifecycle.reclaim([worker.pk], list(Execution.objects.values_list("window_id", flat=True).distinct()))
        assert hands.lawless_rows(table) == []
