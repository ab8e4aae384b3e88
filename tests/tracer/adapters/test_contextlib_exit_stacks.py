"""contextlib.AsyncExitStack: what it enters is recorded as its caller's."""

import asyncio
import contextlib
import gc
import weakref

import pytest


class Pool:
    def __init__(self, capacity=2):
        self.capacity = capacity

    @contextlib.asynccontextmanager
    async def acquire(self):
        yield "connection"


class Plain:
    """A manager that no adapter knows and nobody patched."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        return isinstance(error, KeyError)


class Refusing(Plain):
    async def __aenter__(self):
        raise OSError("refused")


async def enter_by_stack(*managers, error=None):
    async with contextlib.AsyncExitStack() as stack:
        for manager in managers:
            await stack.enter_async_context(manager)
        if error is not None:
            raise error


def test_what_a_stack_enters_is_recorded_once_at_the_callers_place(recorder, written):
    """Patched classes, generators and classes that nobody knows: one lifecycle each, none of them contextlib's."""
    pool, lock = Pool(), asyncio.Lock()
    lines = recorder.run(written(enter_by_stack)(lock, pool.acquire(), Plain()))
    own = [line for line in lines if "AsyncExitStack" not in line]
    assert own == [
        "enter_by_stack: asyncio.locks.Lock manager (1), ok ok ok",
        f"enter_by_stack: {__name__}.Pool manager (2), ok ok ok",
        f"enter_by_stack: {__name__}.Plain manager, ok ok ok",
    ]
    sites = recorder.sites()[-3:]
    assert {(site.file, site.function, site.expression) for site in sites} == {(__file__, "enter_by_stack", "manager")}


def test_a_stack_hands_an_exception_to_each_manager_and_one_of_them_suppresses_it(recorder):
    """Left in the reverse order: the inner one lets it go on, the next one suppresses it, the outer sees none."""
    managers = asyncio.Lock(), Plain(), asyncio.Semaphore(2)
    assert recorder.run(enter_by_stack(*managers, error=KeyError("lost"))) == [
        "enter_by_stack: asyncio.locks.Lock manager (1), ok ok ok",
        f"enter_by_stack: {__name__}.Plain manager, ok error(KeyError) suppressed",
        "enter_by_stack: asyncio.locks.Semaphore manager (2), ok error(KeyError) goes on",
    ]


def test_the_callback_of_a_stack_is_the_managers_method(recorder):
    """As contextlib has it: who looks through a stack finds the managers in it."""

    async def main():
        manager = Plain()
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(manager)
            return stack._exit_callbacks[-1][1].__self__ is manager

    assert asyncio.run(main()) is True
    assert recorder.lines() == [f"main: {__name__}.Plain manager, ok ok ok"]


def test_a_manager_that_refuses_is_an_acquire_that_failed(recorder):
    """What was entered before it is left again."""

    async def main():
        with pytest.raises(OSError, match="refused"):
            await enter_by_stack(asyncio.Lock(), Refusing())

    assert recorder.run(main()) == [
        "main: asyncio.locks.Lock manager (1), ok error(OSError) goes on",
        f"main: {__name__}.Refusing manager, error(OSError)",
    ]


def test_what_pop_all_moves_to_another_stack_stays_open_until_that_is_closed(recorder):
    """The lifecycle ends where the manager is left, whichever stack does it."""

    async def main():
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(asyncio.Lock())
            kept = stack.pop_all()
        before = recorder.lines()
        await kept.aclose()
        return before, recorder.lines()

    before, after = asyncio.run(main())
    assert [line.rpartition(", ")[2] for line in (*before, *after)] == ["ok ?", "ok ok ok"]


def test_no_manager_is_refused_in_contextlibs_own_words(recorder):
    """An object that is no manager makes no record, and the program gets its TypeError."""

    async def main():
        with pytest.raises(TypeError, match="asynchronous context manager protocol"):
            await enter_by_stack(object())

    assert recorder.run(main()) == []


def test_what_a_stack_entered_is_freed_with_the_stack(recorder):
    """At once, and not when the garbage collector comes by: a generator that lives on is closed later."""

    async def main():
        pool = Pool()
        async with contextlib.AsyncExitStack() as stack:
            handle = pool.acquire()
            generator = weakref.ref(handle.gen)
            await stack.enter_async_context(handle)
            del handle
        return generator()

    gc.disable()
    try:
        assert asyncio.run(main()) is None
    finally:
        gc.enable()


def test_a_stacks_site_tells_the_expression_as_it_is_written(recorder):
    """Source text, not what another writer would make of the same tree."""

    async def main():
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(Pool( capacity=0x2 ).acquire())  # fmt: skip

    asyncio.run(main())
    assert [site.expression for site in recorder.sites()] == ["Pool( capacity=0x2 ).acquire()"]
