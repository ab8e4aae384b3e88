"""The causes of waits, compared with their definition."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from tests.golden.diagram.programs import Program, programs

from tenure_server.diagram.wait_causes import Cause, find_causes
from tenure_server.model.records import Lifecycle


@given(programs())
def test_a_cause_is_who_had_the_places_when_the_waiter_came(program: Program) -> None:
    """The one pass over a resource's life finds what looking at every pair finds."""
    causes = find_causes(program.lifecycles, ()).at_acquire
    assert {waiter: cause._replace(ended_by=None) for waiter, cause in causes.items()} == {
        use.id: cause for use in program.lifecycles if (cause := _cause(use, program.lifecycles)) is not None
    }


@given(programs())
def test_a_wait_is_ended_by_a_release_within_it(program: Program) -> None:
    """And no release gives its place to two."""
    causes = find_causes(program.lifecycles, ()).at_acquire
    uses = {use.id: use for use in program.lifecycles}
    ends = [(uses[waiter], cause.ended_by) for waiter, cause in causes.items() if cause.ended_by is not None]
    for waiter, ended_by in ends:
        assert ended_by.release_ns is not None
        assert waiter.acquired_ns is not None
        assert ended_by.release_ns <= waiter.acquired_ns
        assert ended_by.released_ns is None or ended_by.released_ns >= waiter.acquire_ns
    assert len({ended_by.id for _, ended_by in ends}) == len(ends)


@given(programs(), st.integers())
def test_it_does_not_matter_which_lifecycles_are_drawn_nor_in_what_order(program: Program, seed: int) -> None:
    """The same lifecycles as context, in any order, give the same causes."""
    shuffled = random.Random(seed).sample(program.lifecycles, len(program.lifecycles))
    half = len(shuffled) // 2
    assert find_causes(shuffled[:half], shuffled[half:]) == find_causes(program.lifecycles, ())


def _cause(use: Lifecycle, everybody: list[Lifecycle]) -> Cause | None:
    came_ns, capacity = use.acquire_ns, use.resource.capacity
    end_ns = _wait_end_ns(use)
    if capacity is None or (end_ns is not None and end_ns - came_ns < 1_000):
        return None
    others = [it for it in everybody if it.resource.id == use.resource.id and it.id != use.id]
    present = [it for it in others if not _gone(it, came_ns)]
    holders = [it for it in present if it.acquired_ns is not None and it.acquired_ns <= came_ns]
    holders.sort(key=lambda it: (it.acquired_ns or 0, _turn(it)))
    waiters = sorted((it for it in present if _turn(it) < _turn(use) and it not in holders), key=_turn)
    free = max(capacity - len(holders), 0)
    if len(waiters) < free:
        return None
    first_in_line = waiters[:free]
    if use.resource.stereotype == "control" and not all(
        it.acquired_ns is not None and (end_ns is None or it.acquired_ns <= end_ns) for it in first_in_line
    ):
        return None
    users = holders + first_in_line
    ends = [it.released_ns if it.acquired_ns is None else it.release_ns for it in users]
    if use.acquired_ns is not None and not any(end is not None and end <= use.acquired_ns for end in ends):
        return None
    goes_on = end_ns is None and any(_wait_end_ns(it) is None for it in first_in_line)
    is_own = users[0].task.id == use.task.id
    return Cause(users[0], len(users) - 1, len(waiters) - free, len(first_in_line), goes_on, is_own=is_own)


def _wait_end_ns(use: Lifecycle) -> int | None:
    return use.released_ns if use.acquired_ns is None else use.acquired_ns


def _turn(use: Lifecycle) -> tuple[int, int, str]:
    return use.acquire_ns, len(use.id), use.id


def _gone(use: Lifecycle, at_ns: int) -> bool:
    return use.released_ns is not None and use.released_ns <= at_ns
