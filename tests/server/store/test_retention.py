"""The contract of a store: the retention. Every backend passes it."""

from __future__ import annotations

import pytest
from tests.server.support.batches import ERROR, OK, Program
from tests.server.support.collector import Clock
from tests.server.support.store_queries import all_lifecycles, numbers

from tenure_server.errors import NotFound
from tenure_server.model.lens import Lens
from tenure_server.store import Paging, ResourceQuery, Store, TraceQuery


async def test_retention_by_age_deletes_what_is_over_and_keeps_what_is_open(store: Store, clock: Clock) -> None:
    """Old closed lifecycles go with their traces, tasks and resources; open ones stay, and so does what they name."""
    program = Program()
    program.use("main", "Pool orders", acquire=0, wait=1)
    program.task("old-1", parent="main", created=5, finished=40, outcome=OK)
    program.use("old-1", "Lock old", acquire=10, wait=1, hold=1, release=1, body=ERROR, body_exception=("E", "old"))
    await store.write(program.batch())
    program.use("new-1", "Lock new", acquire=60_000, wait=1, hold=1, release=1)
    clock.set(60_003)
    await store.write(program.batch())
    clock.set(90_000)
    await store.write(program.batch())  # it lives

    assert await store.retain(60_000_000_000, None) == 1
    assert await store.retain(60_000_000_000, None) == 0

    assert await numbers(store) == [3, 1]
    assert [trace.name for trace in (await store.traces(TraceQuery())).items] == [
        "new-1: Lock new",
        "main: Pool orders",
    ]
    assert {resource.name for resource in (await store.resources(ResourceQuery())).items} == {"new", "orders"}
    with pytest.raises(NotFound):
        await store.diagram_input(Lens(task=program.id(2)), 10)
    again = program.use("old-1", "Lock old", acquire=90_001, wait=1, hold=1, release=1)  # what is gone may come again
    await store.write(program.batch())
    assert await numbers(store) == [again.id, 3, 1]
    assert {resource.name: resource.total for resource in (await store.resources(ResourceQuery())).items} == {
        "new": 1, "orders": 1, "old": 1,
    }  # fmt: skip


async def test_retention_counts_age_from_when_a_lifecycle_was_told_of(store: Store, clock: Clock) -> None:
    """A program whose clock is years behind is not punished for it."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    clock.set(10**9)
    await store.write(program.batch())

    assert await store.retain(60_000_000_000, None) == 0
    clock.now_ns += 59_000_000_000
    assert await store.retain(60_000_000_000, None) == 0
    clock.now_ns += 2_000_000_000
    assert await store.retain(60_000_000_000, None) == 1


async def test_retention_takes_a_dead_process_with_all_that_it_left_open(store: Store, clock: Clock) -> None:
    """What will never close would else stay for ever."""
    dead, living = Program(1), Program(2)
    dead.use("main", "Lock stock", acquire=0, wait=1)
    await store.write(dead.batch(final=True))
    clock.set(90_000)
    living.use("main", "Lock stock", acquire=89_000, wait=1)
    await store.write(living.batch())

    await store.retain(60_000_000_000, None)

    assert [process.id for process in (await store.processes(Paging())).items] == [living.hex]
    assert [lifecycle.process for lifecycle in await all_lifecycles(store)] == [living.hex]


async def test_retention_by_size_deletes_the_oldest_until_the_rest_fits(store: Store) -> None:
    """Whatever the process, the oldest go first, and the store keeps working."""
    programs = [Program(1), Program(2)]
    for n in range(6_000):
        for program in programs:
            program.use(f"worker-{n % 50}", "Lock stock", acquire=n, wait=1, hold=1, release=1)
        if n % 2_000 == 1_999:
            for program in programs:
                await store.write(program.batch())
    before = await all_lifecycles(store)

    deleted = await store.retain(None, 1_000_000)

    after = await all_lifecycles(store)
    assert 0 < deleted == len(before) - len(after) < len(before)
    assert [sum(found.process == program.hex for found in after) for program in programs] > [1_000, 1_000]
    assert await store.retain(None, 1_000_000) == 0
    programs[0].use("main", "Lock stock", acquire=7_000, wait=1, hold=1, release=1)
    await store.write(programs[0].batch())
    assert (await numbers(store))[0] == 6_001
