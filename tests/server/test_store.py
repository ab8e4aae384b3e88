"""The contract of a store: every backend passes it."""

from __future__ import annotations

import asyncio
import random

import pytest
from msgspec.structs import replace
from tests.server import batches
from tests.server.batches import CANCELLED, ERROR, OK, START_NS, Program, at
from tests.server.collector import Clock

from tenure import wire
from tenure_server.diagram.steps import Lens
from tenure_server.errors import BadParameter, NotFound
from tenure_server.records import (
    ExceptionInfo,
    Lifecycle,
    Process,
    Resource,
    ResourceRef,
    Site,
    Task,
    TaskRef,
    Trace,
    Use,
)
from tenure_server.store import LifecycleQuery, Paging, ResourceQuery, Scene, Store, Totals, TraceQuery
from tenure_server.store.histogram import bucket, percentiles

EVERY = LifecycleQuery()


async def all_lifecycles(store: Store, query: LifecycleQuery = EVERY, page: int = 1_000) -> list[Lifecycle]:
    found: list[Lifecycle] = []
    cursor: str | None = None
    while True:
        listing = await store.lifecycles(replace(query, paging=Paging(page, cursor)))
        assert len(listing.items) == page or listing.cursor is None
        found += listing.items
        cursor = listing.cursor
        if cursor is None:
            return found


async def numbers(store: Store, **query: object) -> list[int]:
    """The sequence numbers of the lifecycles that a query finds."""
    found = await store.lifecycles(LifecycleQuery(**query))  # type: ignore[arg-type]
    return [int(lifecycle.id.partition("-")[2]) for lifecycle in found.items]


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
    assert store.totals() == Totals(batches=1, repeated=2, lifecycles=1, queued_batches=0, queued_rows=0)


async def test_a_lifecycle_sent_twice_as_new_is_counted_once(store: Store) -> None:
    """A tracer that forgot that it had shipped one (its mark is missing) does no harm."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    first = program.batch()
    await store.write(first)
    before = await everything(store)

    await store.write(replace(first, sequence=2, rows=[*first.rows, *first.rows]))

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


async def test_a_resource_names_its_holders_and_who_waits_in_the_order_they_came(store: Store) -> None:
    """Holders since they got it, waiters since they asked; a releasing one still holds."""
    program = Program()
    program.resource("Pool orders", capacity=2, stereotype="database")
    program.use("a", "Pool orders", acquire=0, wait=1, line=11)
    program.use("b", "Pool orders", acquire=2, wait=1, hold=50, release_outcome=0, line=12)
    program.use("d", "Pool orders", acquire=30, line=14)
    program.use("c", "Pool orders", acquire=20, line=13)
    program.use(
        "e", "Pool orders", acquire=5, release=2, acquire_outcome=ERROR, release_outcome=0, exception=("OSError", "no")
    )
    await store.write(program.batch())

    resources = (await store.resources(ResourceQuery(open=True))).items

    def use(number: int, task: str, line: int, since_ms: float) -> Use:
        site = Site("shop.py", line, task, "orders", "__aenter__", "__aexit__")
        task_id = program.id({"a": 1, "b": 2, "d": 3, "c": 4}[task])
        return Use(program.id(number), TaskRef(task_id, task), site, at(since_ms))

    assert resources == [
        Resource(
            id=program.id(1),
            process=program.hex,
            kind="shop.Pool",
            name="orders",
            capacity=2,
            stereotype="database",
            acquiring=2,
            held=1,
            releasing=1,
            failed=1,
            total=5,
            holders=[use(1, "a", 11, 1), use(2, "b", 12, 3)],
            waiters=[use(4, "c", 13, 20), use(3, "d", 14, 30)],
            wait_ms=percentiles({bucket(1_000_000): 2}),
            hold_ms=percentiles({bucket(50_000_000): 1}),
        )
    ]


async def test_resources_are_found_by_process_kind_and_use(store: Store) -> None:
    """Each filter holds, and all together; newest first."""
    one, two = Program(1), Program(2)
    one.use("main", "Lock stock", acquire=0, wait=1)
    one.use("main", "Pool orders", acquire=0, wait=1, hold=1, release=1)
    two.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    await store.write(one.batch())
    await store.write(two.batch())

    async def found(**query: object) -> list[str]:
        return [resource.id for resource in (await store.resources(ResourceQuery(**query))).items]  # type: ignore[arg-type]

    assert await found() == [two.id(1), one.id(2), one.id(1)]
    assert await found(process=one.hex) == [one.id(2), one.id(1)]
    assert await found(kind="shop.Lock") == [two.id(1), one.id(1)]
    assert await found(open=True) == [one.id(1)]
    assert await found(open=False) == [two.id(1), one.id(2)]
    assert await found(process=two.hex, kind="shop.Pool") == []
    assert await found(process="ff" * 16) == await found(process="nonsense") == []
    assert (await found(order="used"))[0] == one.id(1)


async def test_lifecycles_are_found_by_every_filter(store: Store, clock: Clock) -> None:
    """Each condition alone finds exactly those for which it holds; an unknown id finds nothing."""
    program, other = Program(1), Program(2, service="mail")
    outer = program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    program.task("worker-1", parent="main", created_in=outer)
    program.use("worker-1", "Lock stock", acquire=10, wait=40, hold=5, release=1, parent=outer)
    program.use("worker-1", "Lock stock", acquire=60, parent=outer)
    program.use("main", "Lock stock", acquire=70, wait=2)
    program.use("main", "Lock stock", acquire=80, wait=2, hold=3, release_outcome=0)
    program.use("main", "Lock stock", acquire=90, wait=2, hold=3, release=1, body=ERROR, body_exception=("E", ""))
    program.use("main", "Lock stock", acquire=95, release=3, acquire_outcome=CANCELLED, release_outcome=0)
    other.use("main", "Lock stock", acquire=200, wait=1, hold=1, release=1)
    await store.write(program.batch())
    await store.write(other.batch())

    assert await numbers(store) == [1, 7, 6, 5, 4, 3, 2, 1]
    assert await numbers(store, id=program.id(3)) == [3]
    assert await numbers(store, process=other.hex) == [1]
    assert await numbers(store, resource=program.id(1)) == [1]
    assert await numbers(store, task=program.id(2)) == [3, 2]
    assert await numbers(store, trace=program.trace_id(1)) == [3, 2, 1]
    assert await numbers(store, phase="acquiring") == [3]
    assert await numbers(store, phase="held") == [4]
    assert await numbers(store, phase="releasing") == [5]
    assert await numbers(store, phase="closed", process=program.hex) == [7, 6, 2, 1]
    assert await numbers(store, phase="abandoned") == []
    assert await numbers(store, outcome="error") == [6]
    assert await numbers(store, outcome="cancelled") == [7]
    assert await numbers(store, outcome="ok", process=program.hex) == [2, 1]
    assert await numbers(store, min_wait_ns=30_000_000) == [3, 2]  # the third has waited since 60 ms: it is 1 s now
    assert await numbers(store, min_hold_ns=90_000_000) == [4, 1]
    assert await numbers(store, since_ns=at(70), until_ns=at(95)) == [6, 5, 4]
    assert await numbers(store, phase="held", since_ns=at(71)) == []
    assert await numbers(store, task=program.id(1), trace=program.trace_id(1)) == [1]
    for filter_name in ("id", "process", "resource", "task", "trace"):
        for unknown in ("ff" * 16, program.id(99), program.trace_id(99), "", "x-1", "-1", f"{'f' * 32}-{10**13}"):
            assert await numbers(store, **{filter_name: unknown}) == []
            assert await numbers(store, phase="held", **{filter_name: unknown}) == []
    assert await numbers(store, phase="held", id=program.id(4)) == [4]
    assert await numbers(store, phase="held", id=program.id(3)) == []


async def test_a_list_is_read_to_its_end_page_by_page(store: Store) -> None:
    """Newest first over all processes, though threads and clocks put neighbours in disorder: none twice, none lost."""
    chance = random.Random(3)
    programs = [Program(n) for n in range(1, 5)]
    for n in range(100):
        for program in programs:
            program.use("main", "Lock stock", acquire=n * 10 + chance.uniform(-40, 40), wait=1, hold=1, release=1)
    for program in programs:
        await store.write(program.batch())

    whole = await all_lifecycles(store)

    assert len({lifecycle.id for lifecycle in whole}) == 400
    assert [lifecycle.acquire_ns for lifecycle in whole] == sorted((a.acquire_ns for a in whole), reverse=True)
    for page in (1, 7, 399, 400):
        assert await all_lifecycles(store, page=page) == whole
    since, until = at(300), at(500)
    assert await all_lifecycles(store, LifecycleQuery(since_ns=since, until_ns=until), page=13) == [
        lifecycle for lifecycle in whole if since <= lifecycle.acquire_ns < until
    ]


async def test_traces_processes_and_resources_are_paged_too(store: Store) -> None:
    """Every list hands out a cursor where there is more, and None at its end."""
    for n in range(1, 6):
        program = Program(n)
        program.use("main", "Lock stock", acquire=n, wait=1)
        await store.write(program.batch())

    for read in (
        lambda paging: store.traces(TraceQuery(paging=paging)),
        store.processes,
        lambda paging: store.resources(ResourceQuery(paging=paging)),
        lambda paging: store.resources(ResourceQuery(open=True, paging=paging)),
        lambda paging: store.lifecycles(LifecycleQuery(phase="held", paging=paging)),
    ):
        whole = await read(Paging(10))
        first = await read(Paging(2))
        second = await read(Paging(2, first.cursor))
        third = await read(Paging(2, second.cursor))
        assert whole.cursor is third.cursor is None
        assert len(whole.items) == 5
        assert [*first.items, *second.items, *third.items] == whole.items


@pytest.mark.parametrize("cursor", ["", "x", "1.2.3", "-1", "1", f"{1 << 63:x}.1", "1.2\n"])
async def test_a_cursor_that_was_not_handed_out_is_refused(store: Store, cursor: str) -> None:
    """It names the parameter; nothing is guessed."""
    with pytest.raises(BadParameter) as refused:
        await store.lifecycles(LifecycleQuery(paging=Paging(5, cursor)))
    assert refused.value.parameter == "cursor"


async def test_a_process_is_alive_until_it_says_goodbye_or_falls_silent(store: Store, clock: Clock) -> None:
    """Ten seconds without even an empty batch, or a final one, and what it left open is abandoned."""
    quiet, polite = Program(1), Program(2, service="mail")
    quiet.use("main", "Lock stock", acquire=0, wait=1)
    polite.use("main", "Lock stock", acquire=0, wait=1)
    await store.write(quiet.batch(dropped={"full": 2}))
    await store.write(polite.batch())
    await store.write(polite.batch(final=True))

    def processes(*, quiet_alive: bool) -> list[Process]:
        return [
            Process(polite.hex, "mail", "host-1", 4002, "3.11.7", START_NS, at(1_000), alive=False, dropped={}),
            Process(quiet.hex, "shop", "host-1", 4001, "3.11.7", START_NS, at(1_000), quiet_alive, {"full": 2}),
        ]

    assert (await store.processes(Paging())).items == processes(quiet_alive=True)
    assert await numbers(store, phase="held") == [1]
    assert [lifecycle.process for lifecycle in (await store.lifecycles(LifecycleQuery(phase="abandoned"))).items] == [
        polite.hex
    ]
    assert [resource.process for resource in (await store.resources(ResourceQuery(open=True))).items] == [quiet.hex]
    clock.set(10_999)
    assert (await store.processes(Paging())).items == processes(quiet_alive=True)
    clock.set(11_000)
    assert (await store.processes(Paging())).items == processes(quiet_alive=False)
    resources = (await store.resources(ResourceQuery())).items
    assert [(resource.held, resource.holders) for resource in resources] == [(0, []), (0, [])]
    assert await numbers(store, phase="held") == []
    assert len(await numbers(store, phase="abandoned")) == 2
    traces = (await store.traces(TraceQuery())).items
    assert [(trace.open, trace.end_ns) for trace in traces] == [(0, at(1_000)), (0, at(1_000))]
    await store.write(quiet.batch())  # it was only slow
    assert await numbers(store, phase="held") == [1]


async def test_dropped_counts_only_grow(store: Store) -> None:
    """They are totals of the process: an older batch that comes late does not take them back."""
    program = Program()
    first, second = program.batch(dropped={"full": 2, "fault": 1}), program.batch(dropped={"full": 5})
    await store.write(second)
    await store.write(first)

    assert (await store.processes(Paging())).items[0].dropped == {"full": 5, "fault": 1}


async def test_traces_of_one_opentelemetry_trace_are_one_whatever_the_process(store: Store) -> None:
    """It has the program's own trace id, both services, and is found by either."""
    shop, mail = Program(1), Program(2, service="mail")
    otel = bytes(range(16))
    for program, acquire in ((shop, 0), (mail, 5)):
        root = program.use("main", "Lock stock", acquire=acquire, wait=1, hold=1, release=1)
        program.traces[root.id] = wire.Trace(root.id, otel_trace_id=otel, otel_parent_id=b"parent!!")
        await store.write(program.batch())

    expected = Trace(otel.hex(), "main: Lock stock", ["shop", "mail"], at(0), at(8), 2, 0, 0)

    assert (await store.traces(TraceQuery())).items == [expected]
    assert (await store.traces(TraceQuery(service="mail"))).items == [expected]
    assert (await store.traces(TraceQuery(process=mail.hex))).items == [expected]
    assert (await store.traces(TraceQuery(service="other"))).items == []
    found = (await store.lifecycles(LifecycleQuery(trace=otel.hex()))).items
    assert [(lifecycle.service, lifecycle.trace) for lifecycle in found] == [("mail", otel.hex()), ("shop", otel.hex())]
    assert (await store.scene(Lens(trace=otel.hex()), 10)).lifecycles == found[::-1]


async def test_a_request_gives_its_trace_its_route_as_a_name(store: Store) -> None:
    """The task that serves it says nothing to a reader."""
    program = Program()
    program.use("serve-1", "Request GET /orders/{id}", acquire=0, wait=1, enter="request")
    await store.write(program.batch())

    assert [trace.name for trace in (await store.traces(TraceQuery())).items] == ["GET /orders/{id}"]


async def test_traces_are_found_by_the_window_of_their_start(store: Store) -> None:
    """Since is inside the window, until outside."""
    program = Program()
    for n in range(5):
        program.use("main", "Lock stock", acquire=n * 1_000, wait=1)
    await store.write(program.batch())

    found = (await store.traces(TraceQuery(since_ns=at(1_000), until_ns=at(3_000)))).items

    assert [trace.start_ns for trace in found] == [at(2_000), at(1_000)]


async def test_a_scene_has_what_its_lens_shows(store: Store) -> None:
    """One trace, one resource, one task with its children, one process, or all; in the order of their acquire."""
    one, two = Program(1), Program(2)
    outer = one.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    one.task("worker-1", parent="main", created_in=outer, created=5, finished=60, outcome=OK)
    one.use("worker-1", "Lock stock", acquire=10, wait=1, hold=5, release=1, parent=outer)
    one.use("other", "Lock stock", acquire=30, wait=1, hold=5, release=1)
    two.use("main", "Lock stock", acquire=20, wait=1, hold=5, release=1)
    await store.write(one.batch())
    await store.write(two.batch())

    async def shown(**lens: str | int) -> list[str]:
        scene = await store.scene(Lens(**lens), 100)  # type: ignore[arg-type]
        assert scene.earlier == 0
        return [lifecycle.id for lifecycle in scene.lifecycles]

    assert await shown() == [one.id(1), one.id(2), two.id(1), one.id(3)]
    assert await shown(trace=one.trace_id(1)) == [one.id(1), one.id(2)]
    assert await shown(resource=one.id(2)) == [one.id(2), one.id(3)]
    assert await shown(task=one.id(1)) == [one.id(1), one.id(2)]
    assert await shown(task=one.id(2)) == [one.id(2)]
    assert await shown(process=two.hex) == [two.id(1)]
    assert await shown(since_ns=at(10), until_ns=at(30)) == [one.id(2), two.id(1)]
    scene = await store.scene(Lens(task=one.id(2)), 100)
    assert scene.tasks == {
        one.id(2): Task(
            one.id(2), one.hex, "worker-1", "worker", "task", one.id(1), one.id(1), at(5), at(60), "ok", None
        ),
        one.id(1): Task(one.id(1), one.hex, "main", "main", "task", None, None, at(0), None, None, None),
    }


@pytest.mark.parametrize("subject", ["trace", "task", "resource", "process"])
async def test_a_scene_of_an_unknown_subject_is_refused(store: Store, subject: str) -> None:
    """There is nothing to draw, and the reader should know why."""
    program = Program()
    program.use("main", "Lock stock", acquire=0)
    await store.write(program.batch())
    for unknown in ("ff" * 16, program.id(99), program.trace_id(99), "nonsense"):
        with pytest.raises(NotFound, match=f"no {subject}"):
            await store.scene(Lens(**{subject: unknown}), 100)


async def test_a_scene_keeps_the_newest_and_what_is_open(store: Store) -> None:
    """A limit takes away the oldest closed ones and says how many; a window never hides what is still held."""
    program = Program()
    held = program.use("main", "Pool orders", acquire=0, wait=1)
    for n in range(1, 11):
        program.use("main", "Lock stock", acquire=n * 5_000, wait=1, hold=1, release=1, parent=held)
    await store.write(program.batch())

    async def shown(lens: Lens, limit: int) -> tuple[list[int], int]:
        scene = await store.scene(lens, limit)
        return [int(lifecycle.id.partition("-")[2]) for lifecycle in scene.lifecycles], scene.earlier

    everything_shown = [1, *range(2, 12)]
    assert await shown(Lens(), 100) == (everything_shown, 0)
    for lens in (Lens(), Lens(trace=program.trace_id(1)), Lens(process=program.hex), Lens(task=program.id(1))):
        assert await shown(lens, 4) == ([1, 9, 10, 11], 7)
    assert await shown(Lens(resource=program.id(2)), 4) == ([8, 9, 10, 11], 6)
    assert await shown(Lens(since_ns=at(30_000)), 100) == ([1, 7, 8, 9, 10, 11], 0)
    assert await shown(Lens(since_ns=at(30_000)), 3) == ([1, 10, 11], 3)


async def test_a_scene_brings_along_whom_its_waits_waited_for(store: Store) -> None:
    """Those who had the resource, or stood before one in its queue, though the lens does not show them."""
    program = Program()
    program.use("idle", "Lock stock", acquire=0, wait=0.001, hold=1, release=0.001)  # over long before
    program.use("holder", "Lock stock", acquire=10, wait=0.001, hold=50, release=0.001)
    program.use("before", "Lock stock", acquire=20, wait=41, hold=10, release=0.001)
    waiting = program.use("waiter", "Lock stock", acquire=30, wait=42, hold=1, release=0.001)
    program.use("later", "Lock stock", acquire=300, wait=0.001, hold=1, release=0.001)
    await store.write(program.batch())

    scene = await store.scene(Lens(trace=program.trace_id(waiting.id)), 100)

    assert [lifecycle.task.name for lifecycle in scene.lifecycles] == ["waiter"]
    assert [lifecycle.task.name for lifecycle in scene.context] == ["holder", "before"]


async def test_an_empty_store_answers_everything_with_nothing(store: Store) -> None:
    """No list is an error for want of items."""
    assert await everything(store) == ([], [], [], [], Scene([], {}, [], 0))
    assert await store.latest_ns() is None
    await store.check()


async def test_the_latest_instant_is_that_of_any_end(store: Store) -> None:
    """A task may end after its last lifecycle."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=2, release=3)
    await store.write(program.batch())
    assert await store.latest_ns() == at(6)
    program.task("main", finished=10, outcome=OK)
    await store.write(program.batch())
    assert await store.latest_ns() == at(10)


async def test_retention_by_age_deletes_what_is_over_and_keeps_what_is_open(store: Store, clock: Clock) -> None:
    """Old closed lifecycles go with their traces, tasks and resources; open ones stay, and so does what they name."""
    program = Program()
    program.use("main", "Pool orders", acquire=0, wait=1)
    program.task("old-1", parent="main", created=5, finished=40, outcome=OK)
    program.use("old-1", "Lock old", acquire=10, wait=1, hold=1, release=1, body=ERROR, body_exception=("E", "old"))
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
        await store.scene(Lens(task=program.id(2)), 10)
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


async def everything(store: Store) -> tuple[object, ...]:
    """All that a store can be asked for."""
    return (
        (await store.processes(Paging(1_000))).items,
        (await store.resources(ResourceQuery(paging=Paging(1_000)))).items,
        (await store.traces(TraceQuery(paging=Paging(1_000)))).items,
        await all_lifecycles(store),
        await store.scene(Lens(), 1_000),
    )
