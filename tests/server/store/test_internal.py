"""What libraries enter for their own ends is stored, and left out of every list and count unless asked for."""

from __future__ import annotations

from msgspec.structs import replace
from tests.server.support.batches import ERROR, MS, OK, Program, Use
from tests.server.support.collector import Clock
from tests.server.support.store_queries import numbers

from tenure_server.model.lens import Lens
from tenure_server.store import LifecycleQuery, ResourceQuery, Store, TraceQuery

FAILED = ("ValueError", "no stock")


def internal(use: Use) -> Use:
    use.site = replace(use.site, internal=True)
    return use


def shop() -> Program:
    """A request with a lock of a library in it, a library's own trace, and a lock that both use."""
    program = Program()
    request = program.use("main", "Request order", acquire=0, wait=1, hold=50, release=1)
    internal(program.use("main", "Lock own", acquire=2, wait=1, hold=40, parent=request))
    shared = internal(program.use("main", "Lock shared", acquire=3, wait=1, parent=request))
    program.use("worker", "Lock shared", acquire=4, parent=request)
    internal(
        program.use("poller", "Timer tick", acquire=5, wait=1, hold=1, release=1, body=ERROR, body_exception=FAILED)
    )
    assert shared.id == 3
    return program


async def test_lifecycles_are_left_out_unless_asked_for(store: Store) -> None:
    """One that is asked for by its id is given."""
    await store.write(shop().batch())
    assert await numbers(store) == [4, 1]
    assert await numbers(store, internal=True) == [5, 4, 3, 2, 1]
    (one,) = (await store.lifecycles(LifecycleQuery(id=Program().id(2)))).items
    assert one.internal


async def test_a_resource_that_libraries_alone_use_is_not_listed(store: Store) -> None:
    """Who holds a resource that the program waits for is told, whoever that is."""
    await store.write(shop().batch())
    for order in ("newest", "used"):
        resources = (await store.resources(ResourceQuery(order=order))).items  # type: ignore[arg-type]
        assert {(r.name, r.total, r.held, r.acquiring) for r in resources} == {("order", 1, 0, 0), ("shared", 1, 1, 1)}
        every = (await store.resources(ResourceQuery(order=order, internal=True))).items  # type: ignore[arg-type]
        assert {(r.name, r.total, r.failed) for r in every} == {
            ("order", 1, 0),
            ("own", 1, 0),
            ("shared", 2, 0),
            ("tick", 1, 1),
        }
        assert {r.name: r.hold_ms.p50 for r in every}["tick"] is not None
    assert {r.name for r in (await store.resources(ResourceQuery(open=True))).items} == {"shared"}


async def test_traces_count_what_is_shown(store: Store) -> None:
    program = shop()
    await store.write(program.batch())
    (trace,) = (await store.traces(TraceQuery())).items
    assert (trace.lifecycles, trace.open, trace.errors) == (2, 1, 0)
    own, all_of_it = (await store.traces(TraceQuery(internal=True))).items
    assert (own.lifecycles, own.open, own.errors) == (1, 0, 1)
    assert (all_of_it.lifecycles, all_of_it.open) == (4, 3)
    program.go_on(program.uses[3], wait=1, hold=1, release=1)
    await store.write(program.batch())
    (trace,) = (await store.traces(TraceQuery())).items
    assert (trace.open, trace.end_ns) == (0, trace.start_ns + 52 * MS)


async def test_a_diagram_has_them_if_asked_and_their_holds_explain_its_waits(store: Store) -> None:
    await store.write(shop().batch())
    shown = await store.diagram_input(Lens(), 10)
    assert [lifecycle.id for lifecycle in shown.lifecycles] == [Program().id(1), Program().id(4)]
    assert [lifecycle.id for lifecycle in shown.context] == [Program().id(3)]
    assert (shown.earlier, shown.internal) == (0, 3)
    assert (await store.diagram_input(Lens(), 1)).earlier == 1
    every = await store.diagram_input(Lens(internal=True), 10)
    assert (len(every.lifecycles), every.earlier, every.internal) == (5, 0, 0)
    of_task = await store.diagram_input(Lens(task=Program().id(1)), 10)
    assert (len(of_task.lifecycles), of_task.earlier, of_task.internal) == (1, 0, 2)


async def test_the_counts_go_with_the_lifecycles(store: Store, clock: Clock) -> None:
    await store.write(shop().batch(final=True))
    clock.now_ns += 100 * 10**9
    while await store.retain(1, None):
        pass
    assert (await store.diagram_input(Lens(), 10)).internal == 0


async def test_an_exception_counts_once(store: Store) -> None:
    """Also where the outer lifecycle was stored before as failing."""
    program = Program()
    outer = program.use("main", "Pool db", acquire=0, wait=1, hold=5, body=ERROR, body_exception=FAILED)
    await store.write(program.batch())
    program.use("main", "Lock l", acquire=2, wait=1, hold=2, release=1, parent=outer, body=ERROR, body_exception=FAILED)
    program.go_on(outer, release=2)
    assert outer.release_outcome == OK
    batch = program.batch()
    await store.write(replace(batch, propagated=[[row.id for row in batch.rows].index(outer.id)]))
    (trace,) = (await store.traces(TraceQuery())).items
    assert trace.errors == 1
    assert {r.name: r.failed for r in (await store.resources(ResourceQuery())).items} == {"db": 0, "l": 1}
    inner, first = (await store.lifecycles(LifecycleQuery())).items
    assert (inner.propagated, first.propagated, first.body_outcome) == (False, True, "error")
