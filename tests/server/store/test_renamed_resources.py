"""A stored lifecycle that moves to another resource: a request whose route is found late."""

import random

from msgspec.structs import replace
from tests.server.support.batches import ERROR, Program
from tests.server.support.store_queries import all_lifecycles, everything

from tenure_server.store import ResourceQuery, Store

GET, ROUTE = "Request GET", "Request GET /orders/{n}"


async def names(store: Store) -> list[str]:
    return [f"{found.phase} {found.resource.name}" for found in await all_lifecycles(store)]


async def totals(store: Store) -> dict[str, tuple[int, int]]:
    found = (await store.resources(ResourceQuery())).items
    return {resource.name: (resource.total, resource.failed) for resource in found}


def request(program: Program):
    """A request that was stored under its method while it was open."""
    return program.use("request", GET, acquire=0, wait=1)


async def test_a_name_that_comes_while_the_request_is_open_is_stored(store: Store) -> None:
    """The phase is the same one: what a newer batch says counts. Of the resources only the route has the use."""
    program = Program()
    use = request(program)
    await store.write(program.batch())
    use.resource, use.site = ROUTE, replace(use.site, line=20)
    program.resource(ROUTE)
    program.go_on(use)
    await store.write(program.batch())
    assert await names(store) == ["held GET /orders/{n}"]
    assert (await all_lifecycles(store))[0].site.line == 20
    program.go_on(use, hold=100, release=1)
    await store.write(program.batch())
    assert await names(store) == ["closed GET /orders/{n}"]
    assert await totals(store) == {"GET": (0, 0), "GET /orders/{n}": (1, 0)}


async def test_a_name_that_comes_with_the_end_is_stored(store: Store) -> None:
    """As that of a request whose route is read when it ends; its failure is the route's."""
    program = Program()
    use = request(program)
    await store.write(program.batch())
    use.resource = ROUTE
    program.resource(ROUTE)
    use.body_outcome = ERROR
    program.go_on(use, hold=100, release=1)
    await store.write(program.batch())
    assert await names(store) == ["closed GET /orders/{n}"]
    assert await totals(store) == {"GET": (0, 0), "GET /orders/{n}": (1, 1)}


async def test_an_older_batch_that_comes_late_takes_no_name_away(store: Store) -> None:
    """Batches that come once more change nothing."""
    program = Program()
    use = request(program)
    batches = [program.batch()]
    use.resource = ROUTE
    program.resource(ROUTE)
    program.go_on(use)
    batches.append(program.batch())
    program.go_on(use, hold=100, release=1)
    batches.append(program.batch())
    for batch in batches:
        await store.write(batch)
    in_order = await everything(store)
    other = random.Random(9)
    for _ in range(3):
        await store.write(other.choice(batches))
    assert await everything(store) == in_order
    assert await names(store) == ["closed GET /orders/{n}"]


async def test_batches_out_of_order_end_with_the_newest_name(store: Store) -> None:
    """One that was tried again comes after a newer one."""
    program = Program()
    use = request(program)
    first = program.batch()
    use.resource = ROUTE
    program.resource(ROUTE)
    program.go_on(use)
    second = program.batch()
    for batch in (second, first):
        await store.write(batch)
    assert await names(store) == ["held GET /orders/{n}"]
    assert (await totals(store))["GET /orders/{n}"] == (1, 0)
