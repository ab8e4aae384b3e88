"""``track`` and ``tracked``: what they name is recorded wherever it is entered, and is not changed."""

import asyncio
import contextlib

import pytest

import tenure
from tenure import testing

PLAIN = """
import asyncio
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return False
class Both(Manager):
    def __enter__(self): return "sync"
    def __exit__(self, *details): return False
"""


def entered_elsewhere(name: str = "Manager") -> type:
    """A class of a module that is not rewritten."""
    names: dict[str, type] = {"__name__": "library"}
    exec(PLAIN, names)
    return names[name]


async def enter(manager, times: int = 1) -> None:
    for _ in range(times):
        async with manager:
            pass


def seen(recorder: testing.Recorder) -> list[tuple[str, int | None, str]]:
    return [(row.resource, row.capacity, row.expression) for row in recorder.lifecycles()]


def test_a_tracked_manager_is_the_manager() -> None:
    """The very object comes back, so type, attributes and identity are untouched, recorded or not."""
    manager = entered_elsewhere()()
    with testing.recorder():
        assert tenure.track(manager, "pool", 2) is manager
    assert tenure.track(manager) is manager


def test_a_tracked_manager_is_recorded_where_no_code_is_rewritten() -> None:
    """By hand, in an exit stack, in a library: with its name, its capacity and the caller's site."""
    kind = entered_elsewhere()
    with testing.recorder() as recorder:

        async def main() -> None:
            pool = tenure.track(kind(), "orders", 2)
            await enter(pool)
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(pool)
            await pool.__aenter__()
            await pool.__aexit__(None, None, None)

        asyncio.run(main())
        assert seen(recorder) == [
            ("library.Manager orders", 2, "manager"),
            ("library.Manager orders", 2, "pool"),
            ("library.Manager orders", 2, "pool"),
        ]


def test_only_the_tracked_object_of_a_class_is_recorded() -> None:
    """Its siblings, entered by code that is not rewritten, are nobody's business."""
    kind = entered_elsewhere()
    with testing.recorder() as recorder:
        tracked, other = tenure.track(kind(), "tracked"), kind()

        async def main() -> None:
            await enter(tracked)
            await enter(other)

        asyncio.run(main())
        assert seen(recorder) == [("library.Manager tracked", None, "manager")]


def test_a_tracked_manager_in_rewritten_code_is_recorded_once() -> None:
    """With the name that it was given; objects made anew under one name are one resource."""
    with testing.recorder() as recorder:
        app = recorder.load(
            PLAIN + "import tenure\nasync def main():\n    for _ in range(20):\n"
            "        async with tenure.track(Manager(), 'db', 1): pass\n"
        )
        asyncio.run(app.main())
        (batch,) = recorder.batches()
    assert len(batch.rows) == 20
    assert [(resource.id, resource.name, resource.capacity) for resource in batch.resources] == [(1, "db", 1)]


def test_two_living_objects_of_one_name_are_two_resources() -> None:
    """A name does not melt objects together."""
    with testing.recorder() as recorder:
        app = recorder.load(
            PLAIN + "import tenure\nasync def main():\n"
            "    first, second = tenure.track(Manager(), 'db'), tenure.track(Manager(), 'db')\n"
            "    async with first, second, first: pass\n"
        )
        asyncio.run(app.main())
        (batch,) = recorder.batches()
    assert [row.resource for row in batch.rows] == [0, 1, 0]
    assert [(resource.id, resource.name) for resource in batch.resources] == [(1, "db"), (2, "db")]


def test_an_adapters_knowledge_stays_when_a_name_is_given() -> None:
    """A tracked lock is still a lock of capacity 1."""
    with testing.recorder() as recorder:

        async def main() -> None:
            await enter(tenure.track(asyncio.Lock(), "stock"))

        asyncio.run(main())
        assert seen(recorder) == [("asyncio.locks.Lock stock", 1, "manager")]


def test_what_was_tracked_before_recording_began_is_recorded() -> None:
    """A lock named at import time keeps its name when ``install`` comes later."""
    manager = tenure.track(entered_elsewhere()(), "early")
    asyncio.run(enter(manager))
    with testing.recorder() as recorder:
        asyncio.run(enter(manager))
        assert seen(recorder) == [("library.Manager early", None, "manager")]


def test_naming_one_lock_early_leaves_the_others_to_their_adapter() -> None:
    """A class that an adapter reports anyway is not narrowed to its named objects."""
    stock = tenure.track(asyncio.Lock(), "stock")
    with testing.recorder() as recorder:

        async def main() -> None:
            await enter(stock)
            await enter(asyncio.Lock())

        asyncio.run(main())
        assert [row.resource for row in recorder.lifecycles()] == [
            "asyncio.locks.Lock stock",
            "asyncio.locks.Lock manager",
        ]


def test_synchronous_managers_can_be_tracked() -> None:
    """`with` is recorded by its own calls."""
    kind = entered_elsewhere("Both")
    with testing.recorder() as recorder:
        both = tenure.track(kind(), "both")
        with both as value:
            assert value == "sync"
        (batch,) = recorder.batches()
    assert [(site.expression, site.enter, site.exit) for site in batch.sites] == [("both", "__enter__", "__exit__")]


def test_a_type_that_takes_neither_weak_references_nor_attributes_is_left_as_it_is() -> None:
    """Tracking it changes nothing and raises nothing."""

    class Slotted:
        __slots__ = ()

        async def __aenter__(self) -> str:
            return "value"

        async def __aexit__(self, *details: object) -> None: ...

    with testing.recorder() as recorder:
        slotted = Slotted()
        assert tenure.track(slotted, "x") is slotted
        asyncio.run(enter(slotted))
        assert seen(recorder) == []


def test_every_object_of_a_tracked_class_is_recorded() -> None:
    """The decorator gives back the class; subclasses are included, and a super() call is not a second lifecycle."""
    kind = entered_elsewhere()
    with testing.recorder() as recorder:
        assert tenure.tracked(kind) is kind

        class Sub(kind):
            async def __aenter__(self):
                return await super().__aenter__()

        tenure.tracked(Sub)

        async def main() -> None:
            await enter(kind())
            await enter(Sub())

        asyncio.run(main())
        sub = f"{Sub.__module__}.{Sub.__qualname__}"
        assert [row.resource for row in recorder.lifecycles()] == ["library.Manager manager", f"{sub} manager"]


def test_a_tracked_class_made_anew_for_each_use_is_recorded_once_each_time() -> None:
    """Its site's habit is known after a few uses; the class patch still has to hear of every entry."""
    with testing.recorder() as recorder:
        app = recorder.load(
            """
            import tenure

            @tenure.tracked
            class Connection:
                async def __aenter__(self): pass
                async def __aexit__(self, *details): pass

            async def main():
                for _ in range(20):
                    async with Connection(): pass
            """
        )
        asyncio.run(app.main())
        assert [row.resource for row in recorder.lifecycles()] == ["app.Connection"] * 20


def test_only_context_managers_can_be_tracked_classes() -> None:
    """The error names the class and says what to decorate."""
    with pytest.raises(TypeError, match=r"has neither __aenter__ nor __enter__ \(decorate a context manager\)"):

        @tenure.tracked
        class Nothing: ...


def test_after_recording_the_classes_are_as_before() -> None:
    """Patches are taken away; what was tracked simply works."""
    kind = entered_elsewhere()
    before = dict(vars(kind))
    with testing.recorder():
        tenure.tracked(kind)
        assert dict(vars(kind)) != before
    assert dict(vars(kind)) == before
    asyncio.run(enter(kind()))


def test_a_class_can_be_given_a_name_and_a_capacity() -> None:
    """Each object has them, subclasses included; what is said of one object counts more."""
    kind = entered_elsewhere()
    assert tenure.tracked(name="orders", capacity=2)(kind) is kind
    with testing.recorder() as recorder:

        class Sub(kind): ...

        async def main() -> None:
            await enter(kind())
            await enter(Sub())
            await enter(tenure.track(kind(), "invoices", 3))

        asyncio.run(main())
        assert [(row.resource.rpartition(".")[2], row.capacity) for row in recorder.lifecycles()] == [
            ("Manager orders", 2),
            ("Sub orders", 2),
            ("Manager invoices", 3),
        ]


def test_a_class_can_be_given_a_capacity_alone() -> None:
    """The name is then the program's, and a decorator with empty parentheses changes nothing."""
    with testing.recorder() as recorder:
        pool = tenure.tracked(capacity=2)(entered_elsewhere())()
        other = tenure.tracked()(entered_elsewhere())()

        async def main() -> None:
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(pool)
                await stack.enter_async_context(other)

        asyncio.run(main())
        assert seen(recorder) == [("library.Manager pool", 2, "pool"), ("library.Manager other", None, "other")]


def test_objects_of_a_named_class_that_are_made_for_each_use_are_one_resource() -> None:
    """Two that live at the same time are two, of one name; recording may have begun already."""
    with testing.recorder() as recorder:
        app = recorder.load(
            """
            import tenure

            class Connection:
                async def __aenter__(self): pass
                async def __aexit__(self, *details): pass

            async def main():
                for _ in range(20):
                    async with Connection(): pass
                tenure.tracked(name="db", capacity=1)(Connection)
                for _ in range(20):
                    async with Connection(): pass
                async with Connection(), Connection(): pass
            """
        )
        asyncio.run(app.main())
        (batch,) = recorder.batches()
    assert [(resource.name, resource.capacity) for resource in batch.resources] == [("", None), ("db", 1), ("db", 1)]
    assert [row.resource for row in batch.rows] == [0] * 20 + [1] * 20 + [1, 2]


def test_a_named_subclass_of_a_lock_is_still_a_lock() -> None:
    """The adapter of its base says the kind's stereotype; the class only says name and capacity."""
    with testing.recorder() as recorder:

        @tenure.tracked(name="stock")
        class Stock(asyncio.Lock): ...

        async def main() -> None:
            await enter(Stock())

        asyncio.run(main())
        (batch,) = recorder.batches()
    (resource,) = batch.resources
    assert (resource.name, resource.capacity, resource.stereotype) == ("stock", 1, "control")
