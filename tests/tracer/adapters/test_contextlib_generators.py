"""Managers that ``contextlib.asynccontextmanager`` makes of generators."""

import asyncio
import contextlib
import inspect
import traceback

import pytest


class Pool:
    def __init__(self, capacity=2):
        self.capacity = capacity
        self.free = capacity

    @contextlib.asynccontextmanager
    async def acquire(self):
        self.free -= 1
        try:
            yield "connection"
        finally:
            self.free += 1

    @contextlib.asynccontextmanager
    async def maintenance(self):
        yield


class Slotted:
    __slots__ = ("__weakref__", "max_size")

    def __init__(self):
        self.max_size = 7

    @contextlib.asynccontextmanager
    async def connection(self):
        yield


@contextlib.asynccontextmanager
async def transaction(connection):
    yield connection


@contextlib.asynccontextmanager
async def swallowing():
    with contextlib.suppress(KeyError):
        yield


async def use_pool(pool):
    async with pool.acquire() as connection:
        await asyncio.sleep(0)
        async with transaction(connection):
            return connection


async def use_both(pool):
    async with pool.acquire() as connection, transaction(connection):
        pass


async def use_maintenance(pool):
    async with pool.maintenance():
        pass


async def use_slotted(pool):
    async with pool.connection():
        pass


async def fail_in_transaction():
    async with transaction(1):
        raise ValueError("no")


async def fail_in_swallowing():
    async with swallowing():
        raise KeyError("no")


@transaction(1)
async def decorated():
    return 5


async def call_decorated():
    return await decorated()


def test_a_pool_is_the_resource_behind_the_handle_that_its_method_returns(recorder, written):
    """Every handle is a new object, and all stand for one pool, whose capacity is read off the pool."""

    async def main():
        pool = Pool()
        await asyncio.gather(form(pool), form(pool))

    form = written(use_pool)
    lines = recorder.run(main())
    assert sorted(lines) == [
        f"use_pool-{n}: {__name__}.{what}, ok ok ok" for n in (1, 2) for what in ("Pool pool (2)", "transaction")
    ]
    assert len({resource for resource in recorder.resources() if resource.kind.endswith("Pool")}) == 1
    assert {resource.stereotype for resource in recorder.resources()} == {"database"}


def test_each_item_of_a_statement_is_told_by_its_own_expression(recorder, written):
    """A resource's name and the call by which it is taken are read off the item, not off the line."""
    assert recorder.run(written(use_both)(Pool())) == [
        f"use_both: {__name__}.Pool pool (2), ok ok ok",
        f"use_both: {__name__}.transaction, ok ok ok",
    ]
    assert [(site.expression, site.enter, site.exit) for site in recorder.sites()] == [
        ("pool.acquire()", "acquire", "__aexit__"),
        ("transaction(connection)", "__aenter__", "__aexit__"),
    ]


@pytest.mark.parametrize("function", [use_slotted, use_maintenance])
def test_only_well_known_methods_make_their_object_the_resource(recorder, written, function):
    """Another method's handle is a resource of its own; a capacity is found in slots as well."""
    pool, line = {
        use_slotted: (Slotted(), f"{__name__}.Slotted pool (7)"),
        use_maintenance: (Pool(), f"{__name__}.Pool.maintenance (2)"),
    }[function]
    assert recorder.run(written(function)(pool)) == [f"{function.__name__}: {line}, ok ok ok"]


def test_a_function_is_one_resource_wherever_it_is_called_and_however_often_it_is_made(recorder):
    """Its handles are used once; a column of its own for each place would say nothing more."""

    def made():
        @contextlib.asynccontextmanager
        async def locally():
            yield

        return locally

    async def main():
        async with transaction(1):
            pass
        async with transaction(2):
            pass
        async with made()(), made()():
            pass

    recorder.run(main())
    assert [resource.id for resource in recorder.resources()] == [1, 1, 2, 2]
    assert {resource.kind for resource in recorder.resources()} == {f"{__name__}.transaction", f"{__name__}.locally"}


def test_an_exception_goes_through_a_generator(recorder, written):
    """The generator was told and did nothing about it."""

    async def main():
        with pytest.raises(ValueError, match="no"):
            await written(fail_in_transaction)()

    assert recorder.run(main()) == [f"main: {__name__}.transaction, ok error(ValueError) goes on"]


def test_an_exception_that_a_generator_swallows_is_suppressed(recorder, written):
    """The block failed and the program goes on behind it."""
    lines = recorder.run(written(fail_in_swallowing)())
    assert lines == [f"fail_in_swallowing: {__name__}.swallowing, ok error(KeyError) suppressed"]


def test_a_generator_used_as_a_decorator_is_recorded_at_the_call(recorder):
    """It is contextlib that enters it; the place to show is the one that called the decorated function."""
    lines = recorder.run(call_decorated())
    assert lines == [f"call_decorated: {__name__}.transaction, ok ok ok"]
    site = recorder.sites()[0]
    assert (site.file, site.function) == (__file__, "call_decorated")


def test_a_generator_entered_in_one_task_and_left_in_another_is_one_lifecycle(recorder):
    """Fixtures and application servers do this: the handle is used once, so it is the same use."""

    async def main():
        handle = transaction(1)
        await asyncio.create_task(handle.__aenter__(), name="enters")
        await asyncio.create_task(handle.__aexit__(None, None, None), name="leaves")

    assert recorder.run(main()) == [f"enters: {__name__}.transaction, ok ok ok"]


def test_tracebacks_show_no_frame_of_ours(recorder, written):
    """What a person reads after a failure is what Python alone would have printed."""

    async def main(function):
        try:
            await function()
        except ValueError as error:
            return [(frame.name, frame.line) for frame in traceback.extract_tb(error.__traceback__)]

    plain = inspect.unwrap(fail_in_transaction)
    seen = asyncio.run(main(written(fail_in_transaction)))
    assert recorder.lines() == [f"main: {__name__}.transaction, ok error(ValueError) goes on"]
    recorder.stop()
    assert seen == asyncio.run(main(plain))
