"""Which lifecycle a wait was for, in a program's own spans."""

from __future__ import annotations

import pytest

from tenure._sinks.otel.span_links import MAX_ENDED_USES, MAX_RESOURCES, WaitHistory
from tenure._sinks.otel.span_mapping import Stamps
from tenure.semconv import MIN_LINKED_WAIT_NS

MS = 1_000_000
POOL = 7


def stamps(*instants_ms: float | None) -> Stamps:
    """Acquire, acquired, release, released."""
    return Stamps(*(None if at is None else round(at * MS) for at in instants_ms))  # type: ignore[arg-type]


@pytest.fixture
def waits() -> WaitHistory:
    """Two uses of a pool of two, of which the second was there first."""
    waits = WaitHistory()
    waits.update(POOL, 1, stamps(0, 2, 20, 21))
    waits.update(POOL, 2, stamps(0, 1, None, None))
    return waits


@pytest.mark.parametrize(
    ("waiter", "capacity", "holder"),
    [
        ((5, 21, 22, 23), 2, 2),
        ((5, None, None, None), 2, 2),
        ((5, None, None, 9), 2, 2),
        ((5, 21, 22, 23), 3, None),
        ((5, 5.05, 22, 23), 2, None),
        ((5, 19, 22, 23), 2, None),
        ((1, 21, 22, 23), 2, None),
        ((21, 30, 31, 32), 2, None),
        ((5, 21, 22, 23), 0, None),
    ],
    ids=[
        "until one gave back",
        "still",
        "in vain",
        "with a place left",
        "hardly",
        "for nobody who gave back",
        "before",
        "after",
        "for a signal",
    ],
)
def test_it_is_the_one_who_held_the_full_resource_for_longest(
    waits: WaitHistory, waiter: tuple[float | None, ...], capacity: int, holder: int | None
) -> None:
    """At the moment of the acquire; not where a place was left, nor where the wait ended before any holder's use."""
    assert waits.waited_for(POOL, capacity, stamps(*waiter)) == holder


def test_another_resource_has_nothing_to_do_with_it(waits: WaitHistory) -> None:
    """Nor one that nobody has used."""
    waits.update(8, 3, stamps(0, 1, None, None))
    assert waits.waited_for(8, 1, stamps(5, None, None, None)) == 3
    assert waits.waited_for(9, 1, stamps(5, None, None, None)) is None


def test_what_is_kept_is_bounded_and_holders_stay() -> None:
    """Of a resource the newest uses and whoever holds it; of resources the newest."""
    waits = WaitHistory()
    waits.update(POOL, 1, stamps(0, 1, None, None))
    for n in range(2, 5_000):
        waits.update(POOL, n, stamps(n, n, n, n))
        assert len(waits._uses[POOL]) <= 2 * MAX_ENDED_USES
    assert waits.waited_for(POOL, 1, stamps(6_000, None, None, None)) == 1
    for resource in range(MAX_RESOURCES):
        waits.update(1_000 + resource, 1, stamps(0, 1, None, None))
    assert len(waits._uses) == MAX_RESOURCES
    assert waits.waited_for(POOL, 1, stamps(6_000, None, None, None)) is None
    assert MIN_LINKED_WAIT_NS == 0.1 * MS
