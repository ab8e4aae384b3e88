"""Which resource a manager is: the same object, objects made for one use, objects that die."""

import asyncio

from tests.tracer.support.small_programs import MANAGERS, lifecycles

from tenure import testing
from tenure._identify import tracer


def test_an_object_that_comes_back_is_one_resource() -> None:
    """Two shared objects, entered at two sites, are two resources with the names of their expressions."""
    seen = lifecycles(
        """
        async def main():
            first, second = Manager(), Manager()
            for _ in range(20):
                async with first: pass
                async with second: pass
            async with second: pass
        """
    )
    named = [row.resource for row in seen]
    assert named == ["app.Manager first", "app.Manager second"] * 20 + ["app.Manager second"]


def test_objects_made_for_one_use_are_one_resource_by_kind_and_site() -> None:
    """A loop that makes an object each time has one resource; another site has another."""
    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS
            + """
async def use():
    async with Manager(): await asyncio.sleep(0)
async def main():
    for _ in range(50):
        async with Manager(): pass
    await asyncio.gather(*[use() for _ in range(50)])
    for _ in range(50):
        made = Manager()
        async with made: pass
        del made
"""
        )
        asyncio.run(app.main())
        (batch,) = recorder.batches()
    assert [(resource.id, resource.kind, resource.name) for resource in batch.resources] == [
        (1, "app.Manager", ""),
        (2, "app.Manager", ""),
        (3, "app.Manager", "made"),
    ]
    assert len(batch.rows) == 150


def test_objects_that_live_on_are_told_apart() -> None:
    """One lock for each user is one resource for each, though all are entered at one site."""
    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS
            + """
async def main():
    of_user = {user: Manager() for user in range(20)}
    for _ in range(2):
        for user in of_user:
            async with of_user[user]: pass
"""
        )
        asyncio.run(app.main())
        (batch,) = recorder.batches()
    assert len(batch.resources) == 20
    assert [row.resource for row in batch.rows] == [*range(20), *range(20)]


def test_an_object_without_weak_references_is_a_resource_by_kind_and_site() -> None:
    """Its identity cannot be followed safely, so no address is believed."""
    seen = lifecycles(
        """
        class Slotted:
            __slots__ = ()
            async def __aenter__(self): pass
            async def __aexit__(self, *details): pass
        async def main():
            shared = Slotted()
            for _ in range(20):
                async with shared: pass
        """
    )
    assert {row.resource for row in seen} == {"program.Slotted shared"}


def test_a_synchronous_generator_is_called_by_its_function() -> None:
    """`with` of a `@contextmanager` names what a person wrote, not contextlib's class."""
    with testing.recorder(sync=True) as recorder:
        app = recorder.load("""
            import contextlib
            @contextlib.contextmanager
            def transaction(): yield 1
            def main():
                with transaction() as value: return value
        """)
        assert app.main() == 1
        (batch,) = recorder.batches()
    assert [resource.kind for resource in batch.resources] == ["app.transaction"]
    assert [(site.enter, site.exit) for site in batch.sites] == [("__enter__", "__exit__")]


def test_dead_resources_leave_the_table() -> None:
    """A program that makes a lock for each request does not fill the tables for ever."""
    with testing.recorder() as recorder:
        app = recorder.load("import asyncio\nasync def main():\n    lock = asyncio.Lock()\n    async with lock: pass\n")
        sizes = []
        for _ in range(10):
            asyncio.run(app.main())
            recorder.batches()
            sizes.append((len(tracer.current.resource_ids.table), len(tracer.current.tasks.by_id)))
    assert sizes[3:] == [sizes[3]] * 7
