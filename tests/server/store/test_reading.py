"""The contract of a store: the lists. Every backend passes it."""

from __future__ import annotations

import random

import pytest
from tests.server.support.batches import CANCELLED, ERROR, OK, START_NS, Program, at
from tests.server.support.collector import Clock
from tests.server.support.store_queries import all_lifecycles, everything, numbers

from tenure import wire
from tenure_server.errors import BadParameter
from tenure_server.model.diagram_input import DiagramInput
from tenure_server.model.lens import Lens
from tenure_server.model.records import Canceller, ExceptionInfo, Process, Resource, Site, TaskRef, Trace, Use
from tenure_server.store import LifecycleQuery, Paging, ResourceQuery, Store, TraceQuery
from tenure_server.store.histogram import bucket, percentiles


async def test_a_resource_names_its_holders_and_who_waits_in_the_order_they_came(store: Store) -> None:
    """Holders since they got it, waiters since they asked; a releasing one still holds.

    What goes on counts in the percentiles with the time that it has lasted so far, until the clock's 1000 ms.
    """
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
        return Use(program.id(number), TaskRef(program.id("abdc".index(task) + 1), task), site, at(since_ms))

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
            wait_ms=percentiles({bucket(1_000_000): 2, bucket(970_000_000): 1, bucket(980_000_000): 1}),
            hold_ms=percentiles({bucket(50_000_000): 1, bucket(999_000_000): 1}),
        )
    ]


async def test_a_cancellation_names_who_asked_for_it(store: Store) -> None:
    """A task with its line, or on whose behalf; told apart where all else is equal, and kept over batches."""
    program = Program()
    by_boss, by_timeout, unknown = ("CancelledError", ""), ("CancelledError", "late"), ("CancelledError", "who knows")
    program.cancelled(by_boss, by="boss", line=41)
    program.cancelled(by_timeout, via="timeout 0.5 s")
    for task, exception in (("a", by_boss), ("b", by_timeout), ("c", unknown)):
        program.use(
            task, "Lock stock", acquire=0, release=2, acquire_outcome=CANCELLED, release_outcome=0, exception=exception
        )
        await store.write(program.batch())
    program.cancelled(by_boss, via="SIGINT")
    program.use("a", "Lock stock", acquire=5, wait=1, hold=1, release=1, body=CANCELLED, body_exception=by_boss)
    await store.write(program.batch())

    boss = Canceller(TaskRef(program.id(1), "boss"), "", Site("shop.py", 41, "boss", "task.cancel()"))
    assert [(lifecycle.raised or lifecycle.body_exception) for lifecycle in await all_lifecycles(store)][::-1] == [
        ExceptionInfo("CancelledError", "", boss),
        ExceptionInfo("CancelledError", "late", Canceller(None, "timeout 0.5 s", None)),
        ExceptionInfo("CancelledError", "who knows"),
        ExceptionInfo("CancelledError", "", Canceller(None, "SIGINT", None)),
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
            Process(
                polite.hex,
                "mail",
                "host-1",
                4002,
                "3.11.7",
                START_NS,
                at(1_000),
                alive=False,
                dropped={},
                clock_skew_ms=-999,
                name="mail #4002",
            ),
            Process(
                quiet.hex,
                "shop",
                "host-1",
                4001,
                "3.11.7",
                START_NS,
                at(1_000),
                quiet_alive,
                {"full": 2},
                -999,
                "shop #4001",
            ),
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
    assert (await store.diagram_input(Lens(trace=otel.hex()), 10)).lifecycles == found[::-1]


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


async def test_an_empty_store_answers_everything_with_nothing(store: Store) -> None:
    """No list is an error for want of items."""
    assert await everything(store) == ([], [], [], [], DiagramInput([], {}, [], 0))
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
