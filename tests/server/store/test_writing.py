"""The contract of a store: the writing. Every backend passes it."""

from __future__ import annotations

import asyncio
import random

import pytest
from msgspec.structs import replace
from tests.server.support import batches
from tests.server.support.batches import CANCELLED, ERROR, OK, Program, at
from tests.server.support.store_queries import all_lifecycles, everything, numbers

from tenure import wire
from tenure_server.limits import MAX_SEQUENCES_AHEAD
from tenure_server.model.records import ExceptionInfo, Lifecycle, ResourceRef, Site, TaskRef, Trace
from tenure_server.store import LifecycleQuery, Paging, ResourceQuery, Store, Totals, TraceQuery


async def test_a_lifecycle_is_read_as_it_was_written(store: Store) -> None:
    """Every field comes back, times as wall clock, ids as they are known outside the process."""
    program = Program()
    outer = program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    program.use(
        "main", "Lock stock", acquire=10, wait=5, hold=20, release=1, parent=outer, body=ERROR, release_outcome=ERROR,
        body_exception=("ValueError", "out of stock"), exception=("OSError", "gone"), suppressed=False, line=41,
    )  # fmt: skip
    await store.write(program.batch())

    inner = (await store.lifecycles(LifecycleQuery(id=program.id(2)))).items

    assert inner == [
        Lifecycle(
            id=program.id(2),
            process=program.hex,
            service="shop",
            trace=program.trace_id(1),
            parent=program.id(1),
            phase="closed",
            suppressed=False,
            task=TaskRef(program.id(1), "main"),
            resource=ResourceRef(program.id(2), "shop.Lock", "stock", 1, "control"),
            site=Site("shop.py", 41, "main", "stock", "__aenter__", "__aexit__"),
            acquire_ns=at(10),
            acquired_ns=at(15),
            release_ns=at(35),
            released_ns=at(36),
            acquire_outcome="ok",
            body_outcome="error",
            release_outcome="error",
            exception=ExceptionInfo("OSError", "gone"),
            body_exception=ExceptionInfo("ValueError", "out of stock"),
            raised=ExceptionInfo("OSError", "gone"),
        )
    ]


async def test_a_failed_acquire_is_closed_and_has_only_its_begin_and_its_end(store: Store) -> None:
    """Acquired and release stay None, released is when it failed; its exception is the acquire's."""
    program = Program()
    program.use(
        "main", "Lock stock", acquire=10, release=30, acquire_outcome=CANCELLED, release_outcome=0,
        exception=("CancelledError", ""),
    )  # fmt: skip
    await store.write(program.batch())

    (found,) = (await store.lifecycles(LifecycleQuery())).items

    assert (found.phase, found.acquire_outcome, found.body_outcome, found.release_outcome) == (
        "closed", "cancelled", None, None,
    )  # fmt: skip
    assert (found.acquire_ns, found.acquired_ns, found.release_ns, found.released_ns) == (at(10), None, None, at(40))
    assert found.exception == found.raised == ExceptionInfo("CancelledError", "")


async def test_a_suppressed_exception_is_marked(store: Store) -> None:
    """The body's outcome stays an error, the release went well, and suppressed tells the rest."""
    program = Program()
    program.use(
        "main", "Guard", acquire=0, wait=1, hold=1, release=1, body=ERROR, suppressed=True,
        body_exception=("ValueError", "x"),
    )  # fmt: skip
    await store.write(program.batch())

    (found,) = (await store.lifecycles(LifecycleQuery())).items

    assert (found.suppressed, found.body_outcome, found.release_outcome) == (True, "error", "ok")


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
async def test_a_later_phase_is_never_replaced_by_an_earlier_one(store: Store, order: tuple[int, ...]) -> None:
    """Whatever the order in which snapshots arrive, the last phase is what is stored, and it is counted once."""
    program = Program()
    use = program.use("main", "Lock stock", acquire=0)
    batches = [program.batch()]
    for phase in ({"wait": 10}, {"hold": 20}, {"release": 1}):
        program.go_on(use, **phase)
        batches.append(program.batch())

    for index in order:
        await store.write(batches[index])

    (found,) = (await store.lifecycles(LifecycleQuery())).items
    assert (found.phase, found.acquired_ns, found.release_ns, found.released_ns) == ("closed", at(10), at(30), at(31))
    (trace,) = (await store.traces(TraceQuery())).items
    assert trace == Trace(program.trace_id(1), "main: Lock stock", ["shop"], at(0), at(31), 1, 0, 0)
    (resource,) = (await store.resources(ResourceQuery())).items
    assert (resource.total, resource.acquiring, resource.held, resource.releasing) == (1, 0, 0, 0)
    assert resource.wait_ms.p50 == pytest.approx(10, rel=0.025)
    assert resource.hold_ms.p99 == pytest.approx(20, rel=0.025)


async def test_a_batch_sent_again_changes_nothing(store: Store) -> None:
    """A retry after a lost answer is answered as the first time, and nothing is counted twice."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    batch = program.batch(dropped={"full": 3})
    await store.write(batch)
    before = await everything(store)

    await store.write(batch)
    await store.write(batch)

    assert await everything(store) == before
    assert store.totals() == Totals(
        batches=1, repeated=2, lifecycles=1, queued_batches=0, queued_rows=0, dropped={"full": 3}
    )


async def test_a_lifecycle_sent_twice_as_new_is_counted_once(store: Store) -> None:
    """A tracer that forgot that it had shipped one (its mark is missing) does no harm."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    first = program.batch()
    await store.write(first)
    before = await everything(store)

    await store.write(replace(first, sequence=2, rows=[*first.rows, replace(first.rows[0], acquire_ns=0)]))

    assert await everything(store) == before


async def test_batches_in_any_order_give_the_same_store(store: Store) -> None:
    """Sequence numbers only make a batch known again; they may come late, with gaps between."""
    program = Program()
    batches = []
    for n in range(30):
        program.use("main", "Lock stock", acquire=n * 10, wait=1, hold=1, release=1)
        batches.append(program.batch())
    random.Random(1).shuffle(batches)

    for batch in [*batches, *batches]:
        await store.write(batch)

    assert [lifecycle.id for lifecycle in await all_lifecycles(store)] == [program.id(n) for n in range(30, 0, -1)]
    assert store.totals().repeated == 30


async def test_what_is_remembered_of_batches_is_bounded(store: Store) -> None:
    """A batch that a thousand later ones have overtaken counts as lost: it is not waited for, nor taken any more."""
    program = Program()
    late = []
    for sequence in range(1, MAX_SEQUENCES_AHEAD + 5):
        program.use("main", "Lock stock", acquire=sequence, wait=1, hold=1, release=1)
        batch = program.batch()
        if sequence in {2, MAX_SEQUENCES_AHEAD + 2}:
            late.append(batch)
        else:
            await store.write(batch)
    for batch in late:
        await store.write(batch)

    totals = store.totals()
    assert (totals.lifecycles, totals.repeated) == (MAX_SEQUENCES_AHEAD + 3, 1)
    assert await numbers(store, id=program.id(2)) == []


async def test_more_processes_than_are_remembered_at_once_are_told_apart(store: Store) -> None:
    """What the writer knows of a process may be forgotten and read again, as often as it takes."""
    many = 300
    for turn in range(2):
        for n in range(many):
            program = Program(sequence=turn)
            program.use("main", "Lock stock", acquire=turn * 10, wait=1, hold=1, release=1)
            batch = program.batch()
            row = replace(batch.rows[0], id=turn + 1)
            process = replace(batch.process, id=n.to_bytes(16, "big"))
            await store.write(replace(batch, process=process, rows=[row], traces=[wire.Trace(turn + 1)]))

    resources = (await store.resources(ResourceQuery(paging=Paging(1_000)))).items
    assert [resource.total for resource in resources] == [2] * many


async def test_what_is_counted_equals_what_is_stored(store: Store) -> None:
    """Counts kept while writing are those that a reader would get by counting, after any number of snapshots."""
    chance = random.Random(7)
    program = Program()
    going: list[batches.Use] = []
    for n in range(200):
        use = program.use(f"worker-{n % 7}", f"Lock {n % 5}", acquire=n)
        going.append(use)
        for use in chance.sample(going, len(going) // 2):
            end = {"wait": 2, "hold": 3, "release": 1, "body_outcome": chance.choice([OK, ERROR])}
            program.go_on(use, **chance.choice([{"wait": 2}, {"wait": 2, "hold": 3}, end]))
            if use.release is not None:
                going.remove(use)
        if chance.random() < 0.3:
            await store.write(program.batch())
    await store.write(program.batch())

    lifecycles = await all_lifecycles(store)
    resources = (await store.resources(ResourceQuery())).items
    traces = (await store.traces(TraceQuery(paging=Paging(1_000)))).items

    assert len(lifecycles) == 200
    for resource in resources:
        mine = [lifecycle for lifecycle in lifecycles if lifecycle.resource.id == resource.id]
        phases = [lifecycle.phase for lifecycle in mine]
        assert resource.total == len(mine)
        assert resource.failed == sum(lifecycle.body_outcome == "error" for lifecycle in mine)
        assert (resource.acquiring, resource.held, resource.releasing) == (
            phases.count("acquiring"), phases.count("held"), phases.count("releasing"),
        )  # fmt: skip
    for trace in traces:
        mine = [lifecycle for lifecycle in lifecycles if lifecycle.trace == trace.id]
        ends = [lifecycle.released_ns for lifecycle in mine]
        is_open = sum(end is None for end in ends)
        assert trace == Trace(
            id=trace.id,
            name=f"{mine[0].task.name}: Lock {mine[0].resource.name}",
            services=["shop"],
            start_ns=min(lifecycle.acquire_ns for lifecycle in mine),
            end_ns=None if is_open else max(end for end in ends if end is not None),
            lifecycles=len(mine),
            open=is_open,
            errors=sum(lifecycle.body_outcome == "error" for lifecycle in mine),
        )


async def test_dropped_counts_only_grow(store: Store) -> None:
    """They are totals of the process: an older batch that comes late does not take them back."""
    program = Program()
    first, second = program.batch(dropped={"full": 2, "fault": 1}), program.batch(dropped={"full": 5})
    await store.write(second)
    await store.write(first)

    assert (await store.processes(Paging())).items[0].dropped == {"full": 5, "fault": 1}


async def test_many_write_and_read_at_once(store: Store) -> None:
    """Batches of many processes, readers between: all is stored, each once, and every reading is whole."""
    programs = [Program(n, service=f"service-{n}") for n in range(1, 9)]

    async def write(program: Program) -> None:
        for n in range(20):
            outer = program.use("main", "Pool orders", acquire=n * 10, wait=1, hold=5, release=1)
            program.use("main", "Lock stock", acquire=n * 10 + 2, wait=1, hold=1, release=1, parent=outer)
            await store.write(program.batch())

    async def read() -> None:
        for _ in range(20):
            for trace in (await store.traces(TraceQuery(paging=Paging(50)))).items:
                assert trace.lifecycles == 2

    await asyncio.gather(*(write(program) for program in programs), read(), read())

    assert len(await all_lifecycles(store)) == 8 * 20 * 2
    assert store.totals() == Totals(batches=160, repeated=0, lifecycles=320, queued_batches=0, queued_rows=0)
