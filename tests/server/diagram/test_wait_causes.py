"""The causes of waits, compared with their definition."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from tests.golden.diagram.programs import Program, programs

from tenure_server.diagram.wait_causes import Cause, find_causes
from tenure_server.model.records import Lifecycle


@given(programs())
def test_a_cause_is_who_held_the_resource_when_the_waiter_came(program: Program) -> None:
    """The one pass over a resource's life finds what looking at every pair finds."""
    found = find_causes(program.lifecycles, ()).at_acquire
    assert found == {
        use.id: cause for use in program.lifecycles if (cause := _cause(use, program.lifecycles)) is not None
    }


@given(programs(), st.integers())
def test_it_does_not_matter_which_lifecycles_are_drawn_nor_in_what_order(program: Program, seed: int) -> None:
    """The same lifecycles as context, in any order, give the same causes."""
    shuffled = random.Random(seed).sample(program.lifecycles, len(program.lifecycles))
    half = len(shuffled) // 2
    assert find_causes(shuffled[:half], shuffled[half:]) == find_causes(program.lifecycles, ())


def _cause(use: Lifecycle, everybody: list[Lifecycle]) -> Cause | None:
    came_ns, capacity = use.acquire_ns, use.resource.capacity
    others = [it for it in everybody if it.resource.id == use.resource.id and it.id != use.id]
    holders = [
        it for it in others if it.acquired_ns is not None and it.acquired_ns <= came_ns and not _gone(it, came_ns)
    ]
    got_ns = use.acquired_ns
    end_ns = use.released_ns if got_ns is None else got_ns
    if capacity is None or len(holders) < capacity or (end_ns is not None and end_ns - came_ns < 1_000):
        return None
    if got_ns is not None and not any(it.release_ns is not None and it.release_ns <= got_ns for it in holders):
        return None
    ahead = [it for it in others if _came_before(it, use) and not _gone(it, came_ns) and it not in holders]
    first = min(holders, key=lambda it: (it.acquired_ns or 0, everybody.index(it)))
    return Cause(first, len(holders) - 1, len(ahead))


def _came_before(one: Lifecycle, two: Lifecycle) -> bool:
    return (one.acquire_ns, len(one.id), one.id) < (two.acquire_ns, len(two.id), two.id)


def _gone(use: Lifecycle, at_ns: int) -> bool:
    return use.released_ns is not None and use.released_ns <= at_ns
