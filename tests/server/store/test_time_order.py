"""Rows that come late: pages of lists and windows of time contain each of them."""

from __future__ import annotations

from msgspec.structs import replace
from tests.server.support.batches import Program, at
from tests.server.support.collector import Clock
from tests.server.support.spans import encoded, group, request, span
from tests.server.support.store_queries import all_lifecycles, numbers

from tenure_server.ingest.otlp import from_protobuf
from tenure_server.ingest.otlp.batches import batches
from tenure_server.limits import ALIVE_NS
from tenure_server.store import LifecycleQuery, Paging, Store, TraceQuery

S = 1_000  # milliseconds


async def forgotten(store: Store, clock: Clock, program: Program) -> None:
    """Let the program fall silent, so that the retention deletes all that it has."""
    await store.write(program.batch())
    clock.now_ns += 2 * ALIVE_NS
    assert await store.retain(ALIVE_NS, None)


async def listed_traces(store: Store, page: int) -> list[str]:
    """All of the list, in pages."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        listing = await store.traces(TraceQuery(paging=Paging(page, cursor)))
        found += [trace.id for trace in listing.items]
        cursor = listing.cursor
        if cursor is None:
            return found


async def test_a_trace_that_is_made_again_is_listed_where_it_was(store: Store, clock: Clock) -> None:
    """Its child comes long after it was deleted: pages and windows have it, and all traces that came between."""
    program = Program()
    root = program.use("main", "Pool orders", acquire=0, wait=1)
    await forgotten(store, clock, program)
    for n in range(1, 6):
        program.use("main", "Lock stock", acquire=n * 100 * S, wait=0, hold=0, release=0)
    await store.write(program.batch())
    program.use("main", "Lock stock", acquire=1_000 * S, wait=0, hold=0, release=0, parent=root)
    await store.write(program.batch())

    newest_first = [program.trace_id(root) for root in (6, 5, 4, 3, 2, 1)]
    for page in (1, 2, 3, 100):
        assert await listed_traces(store, page) == newest_first
    since = await store.traces(TraceQuery(since_ns=at(250 * S)))
    assert [trace.id for trace in since.items] == newest_first[:3]
    until = await store.traces(TraceQuery(until_ns=at(250 * S)))
    assert [trace.id for trace in until.items] == newest_first[3:]


async def test_a_lifecycle_that_is_told_again_is_found_by_its_time(store: Store, clock: Clock) -> None:
    """It was deleted while it was open, and by a clock that was set since it is later than what followed it."""
    program = Program()
    first = program.use("main", "Pool orders", acquire=0, wait=1)
    await forgotten(store, clock, program)
    for n in range(5):
        program.use("main", "Lock stock", acquire=(100 + 10 * n) * S, wait=0, hold=0, release=0)
    await store.write(program.batch())
    program.go_on(first, hold=1, release=1)
    batch = program.batch()
    await store.write(replace(batch, clock_offset_ns=batch.clock_offset_ns + 135 * S * 1_000_000))

    assert await numbers(store, since_ns=at(130 * S)) == [6, 1, 5]
    assert await numbers(store, since_ns=at(134 * S), until_ns=at(136 * S)) == [1]
    for page in (1, 2, 3, 100):
        found = await all_lifecycles(store, page=page)
        assert [int(lifecycle.id.partition("-")[2]) for lifecycle in found] == [6, 1, 5, 4, 3, 2]


async def test_an_open_lifecycle_that_goes_on_leaves_its_process_in_order(store: Store) -> None:
    """A clock that is set does not move what is stored: windows are found by keys as before."""
    program = Program()
    first = program.use("main", "Pool orders", acquire=0, wait=1)
    for n in range(1, 6):
        program.use("main", "Lock stock", acquire=n * 10 * S, wait=0, hold=0, release=0)
    await store.write(program.batch())
    program.go_on(first, hold=1, release=1)
    batch = program.batch()
    await store.write(replace(batch, clock_offset_ns=batch.clock_offset_ns + 500 * S * 1_000_000))

    assert await numbers(store, until_ns=at(15 * S)) == [2, 1]
    with store._guard:  # type: ignore[attr-defined]
        unordered = store._connection.execute("SELECT count(*) FROM unordered").fetchone()  # type: ignore[attr-defined]
    assert unordered == (0,)


async def test_spans_that_found_no_room_near_their_begin_are_found_by_it(store: Store) -> None:
    """So many begin at once and want the same number that the last is seconds away from it, among later spans."""
    crowd = [span(n << 20 | 0x3FF << 8, "GET /", begin=0, end=1) for n in range(1, 35)]
    later = [span(n, "GET /", begin=(5 + n) * S, end=(5 + n) * S + 1) for n in range(1, 42)]
    spans, _ = batches(from_protobuf.read(encoded(request(group("shop", *crowd, *later)))))
    await store.write_spans(spans)

    at_once = await store.lifecycles(LifecycleQuery(until_ns=at(1), paging=Paging(100)))
    assert len(at_once.items) == 34
    for page in (7, 100):
        assert len({lifecycle.id for lifecycle in await all_lifecycles(store, page=page)}) == 75
