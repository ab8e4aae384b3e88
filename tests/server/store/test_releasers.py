"""The task that released a lifecycle in the store."""

from __future__ import annotations

from tests.server.support.batches import OK, Program
from tests.server.support.collector import Clock
from tests.server.support.store_queries import all_lifecycles

from tenure_server.store import Store


async def releasers(store: Store) -> list[str | None]:
    return [None if use.released_by is None else use.released_by.name for use in await all_lifecycles(store)]


async def test_a_release_comes_with_the_phase_that_it_begins(store: Store) -> None:
    """A repeated or late batch of an earlier phase takes nothing away."""
    program = Program()
    use = program.use("opener", "Lock stock", acquire=0, wait=1)
    program.task("closer", loop=2, thread="other")
    batches = [program.batch()]
    use.released_by = "closer"
    program.go_on(use, hold=5)
    batches.append(program.batch())
    program.go_on(use, release=1)
    batches.append(program.batch())
    for batch, expected in zip(batches, (None, "closer", "closer"), strict=True):
        await store.write(batch)
        assert await releasers(store) == [expected]
    for batch in reversed(batches):
        await store.write(batch)
    assert await releasers(store) == ["closer"]


async def test_a_late_snapshot_without_the_release_changes_nothing(store: Store) -> None:
    """Batches arrive in any order."""
    program = Program()
    use = program.use("opener", "Lock stock", acquire=0, wait=1)
    early = program.batch()
    program.task("closer")
    use.released_by = "closer"
    program.go_on(use, hold=5, release=1)
    await store.write(program.batch())
    await store.write(early)
    assert await releasers(store) == ["closer"]


async def test_retention_keeps_a_task_that_only_released(store: Store, clock: Clock) -> None:
    """It has no lifecycle of its own, and is needed as long as what it released is stored."""
    program = Program()
    program.use("old", "Lock old", acquire=0, wait=1, hold=1, release=1)
    program.task("closer", finished=9, outcome=OK, loop=1, thread="MainThread")
    clock.set(3)
    await store.write(program.batch())
    use = program.use("opener", "Lock stock", acquire=60_000, wait=1, hold=1, release=1)
    use.released_by = "closer"
    clock.set(60_003)
    await store.write(program.batch())
    clock.set(90_000)
    assert await store.retain(60_000_000_000, None) == 1
    assert await releasers(store) == ["closer"]
    clock.set(190_000)
    assert await store.retain(60_000_000_000, None) == 1
    assert await releasers(store) == []
