"""The HTTP status of a request in the store."""

from tests.server.support.batches import Program
from tests.server.support.store_queries import all_lifecycles, everything

from tenure_server.store import LifecycleQuery, Store, TraceQuery

ROUTE = "Request GET /orders/{n}"


async def statuses(store: Store) -> list[int | None]:
    """Of the lifecycles, and then of the traces."""
    traces = (await store.traces(TraceQuery())).items
    return [item.status for item in (*await all_lifecycles(store), *traces)]


async def test_a_request_and_its_trace_have_the_status(store: Store) -> None:
    """Other lifecycles of the batch have none, and a trace has the status of its root alone."""
    program = Program()
    request = program.use("request", ROUTE, acquire=0, wait=0, hold=9, release=0)
    request.status = 404
    call = program.use("request", ROUTE, acquire=1, wait=0, hold=5, release=0, parent=request)
    call.status = 503
    program.use("request", "Lock stock", acquire=2, wait=0, hold=1, release=0, parent=call)
    await store.write(program.batch())
    assert sorted(item.status or 0 for item in await all_lifecycles(store)) == [0, 404, 503]
    assert [trace.status for trace in (await store.traces(TraceQuery())).items] == [404]


async def test_lifecycles_are_selected_by_their_status(store: Store) -> None:
    """Only those with this one."""
    program = Program()
    for number, status in enumerate((200, 404, 200, 0)):
        program.use("request", ROUTE, acquire=number * 10, wait=0, hold=1, release=0).status = status
    await store.write(program.batch())
    found = {code: len((await store.lifecycles(LifecycleQuery(status=code))).items) for code in (200, 404, 500)}
    assert found == {200: 2, 404: 1, 500: 0}


async def test_a_status_that_comes_while_the_request_is_open_is_stored(store: Store) -> None:
    """In the same phase, of a newer batch. The end keeps it, and what comes late takes nothing away."""
    program = Program()
    request = program.use("request", ROUTE, acquire=0, wait=1)
    batches = [program.batch()]
    await store.write(batches[0])
    assert await statuses(store) == [None, None]
    request.status = 200
    program.go_on(request)
    batches.append(program.batch())
    await store.write(batches[1])
    assert await statuses(store) == [200, 200]
    program.go_on(request, hold=100, release=1)
    await store.write(program.batch())
    assert await statuses(store) == [200, 200]
    in_order = await everything(store)
    for batch in batches:
        await store.write(batch)
    assert await everything(store) == in_order


async def test_a_status_that_comes_with_the_end_is_stored(store: Store) -> None:
    """As that of a request that was stored before it was answered."""
    program = Program()
    request = program.use("request", ROUTE, acquire=0, wait=1)
    await store.write(program.batch())
    request.status = 500
    program.go_on(request, hold=100, release=1)
    await store.write(program.batch())
    assert await statuses(store) == [500, 500]
