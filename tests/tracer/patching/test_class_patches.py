"""A class patch changes nothing that a program sees, and can be removed."""

import asyncio
import contextlib
import gc
import inspect
import traceback
import types
import weakref

import pytest

from tenure import adapters
from tenure._patching import class_patches

PATCHED = [
    (asyncio.Lock, "__aenter__"),
    (asyncio.Lock, "__aexit__"),
    (asyncio.Lock, "acquire"),
    (asyncio.Lock, "release"),
    (asyncio.Condition, "__init__"),
    (asyncio.Semaphore, "__init__"),
    (asyncio.BaseEventLoop, "create_task"),
    (contextlib.AsyncExitStack, "enter_async_context"),
    (contextlib._AsyncGeneratorContextManager, "__aenter__"),
]


class Refusing:
    def __init__(self, error):
        self.error = error

    async def __aenter__(self):
        raise self.error

    async def __aexit__(self, kind, error, traceback):
        raise self.error


class FailingAtTheEnd(Refusing):
    async def __aenter__(self):
        return self


class Awaited:
    """Its __aenter__ is no coroutine function: it returns something to await."""

    def __aenter__(self):
        async def entered():
            return "value"

        return entered()

    def __aexit__(self, kind, error, traceback):
        future = asyncio.get_running_loop().create_future()
        future.set_result(True)
        return future


class Synchronous:
    def __enter__(self):
        return "value"

    def __exit__(self, kind, error, traceback):
        return isinstance(error, KeyError)


class Slotted:
    """Allows no weak reference."""

    __slots__ = ()

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        pass


async def use(manager):
    async with manager as value:
        return value


@pytest.mark.parametrize(("owner", "name"), PATCHED)
def test_a_patched_method_looks_like_the_original(owner, name):
    """Name, signature, documentation and kind of function are what a program may ask about."""

    def looks():
        method = getattr(owner, name)
        return (
            method.__name__,
            method.__qualname__,
            method.__module__,
            method.__doc__,
            inspect.signature(method),
            inspect.iscoroutinefunction(method),
        )

    before, original = looks(), getattr(owner, name)
    adapters.install()
    try:
        assert getattr(owner, name) is not original
        assert looks() == before
    finally:
        adapters.uninstall()
    assert getattr(owner, name) is original


def test_installing_twice_is_installing_once():
    """A second patch around the first would record everything twice."""
    originals = [getattr(owner, name) for owner, name in PATCHED]
    adapters.install()
    once = [getattr(owner, name) for owner, name in PATCHED]
    adapters.install()
    twice = [getattr(owner, name) for owner, name in PATCHED]
    adapters.uninstall()
    assert once == twice
    assert [getattr(owner, name) for owner, name in PATCHED] == originals
    assert "__aenter__" not in vars(asyncio.Lock)  # it inherits it, as before


@pytest.mark.parametrize("kind", [Refusing, FailingAtTheEnd])
def test_an_exception_passes_a_patch_unchanged(recorder, kind):
    """The same object, its context, and a traceback of the program's frames alone."""

    async def main():
        error = OSError("no")
        try:
            await use(kind(error))
        except OSError as raised:
            frames = [frame.name for frame in traceback.extract_tb(raised.__traceback__)]
            return raised is error, raised.__context__, raised.__cause__, frames

    plain = asyncio.run(main())
    class_patches.patch_manager(kind)
    assert asyncio.run(main()) == plain
    assert len(recorder.lines()) == 1


def test_a_manager_whose_methods_return_awaitables_keeps_doing_so(recorder):
    """Not every __aenter__ is a coroutine function; what comes back is awaited all the same."""
    class_patches.patch_manager(Awaited)

    async def main():
        assert not inspect.iscoroutinefunction(Awaited.__aenter__)
        async with Awaited() as value:
            raise ValueError("suppressed")
        return value

    assert asyncio.run(main()) == "value"
    assert recorder.lines() == [f"main: {__name__}.Awaited, ok error(ValueError) suppressed"]


def test_a_synchronous_class_is_patched_the_same_way(recorder):
    """`with` outside a task is recorded under its thread."""
    class_patches.patch_manager(Synchronous, sync=True)
    with Synchronous() as value:
        raise KeyError("suppressed")
    assert value == "value"
    assert recorder.lines() == [f"MainThread: {__name__}.Synchronous, ok error(KeyError) suppressed"]


def test_an_object_that_allows_no_weak_reference_is_recorded(recorder):
    """Its lifecycle is found again by its address."""
    class_patches.patch_manager(Slotted)
    assert recorder.run(use(Slotted())) == [f"use: {__name__}.Slotted manager, ok ok ok"]


def test_a_class_that_is_no_manager_is_refused():
    """The error says what is missing."""
    with pytest.raises(TypeError, match="int has no __aenter__ and __aexit__"):
        class_patches.patch_manager(int)


def test_a_manager_that_is_held_when_it_dies_is_not_kept_alive(recorder):
    """Tracing must not change when an object is collected."""

    async def main():
        lock = asyncio.Lock()
        await lock.__aenter__()
        return weakref.ref(lock)

    reference = asyncio.run(main())
    gc.collect()
    assert reference() is None
    assert recorder.lines() == ["main: asyncio.locks.Lock lock (1), ok ?"]


def test_an_exit_without_an_entry_passes_through(recorder):
    """A program may leave by hand what it took before tracing began."""

    async def main():
        semaphore = asyncio.Semaphore(1)
        recorder.stop()
        await semaphore.acquire()
        adapters.install()
        await semaphore.__aexit__(None, None, None)
        adapters.uninstall()
        return semaphore.locked()

    assert asyncio.run(main()) is False
    assert recorder.lines() == []


def test_what_was_entered_before_uninstalling_is_left_in_peace(recorder):
    """The program goes on when tracing has stopped between the two calls."""

    async def main():
        lock = asyncio.Lock()
        await lock.__aenter__()
        recorder.stop()
        await lock.__aexit__(None, None, None)
        return lock.locked()

    assert asyncio.run(main()) is False


def test_a_coroutine_that_is_closed_while_it_waits_ends_its_lifecycle(recorder):
    """GeneratorExit is a cancellation of the acquire."""

    class Forever:
        async def __aenter__(self):
            await asyncio.Future()

        async def __aexit__(self, kind, error, traceback):
            pass

    class_patches.patch_manager(Forever)

    async def main():
        coroutine = use(Forever())
        coroutine.send(None)
        coroutine.close()

    assert [line.rpartition(", ")[2] for line in recorder.run(main())] == ["cancelled(GeneratorExit)"]


@pytest.mark.parametrize("adapter", sorted({name for names in adapters.ADAPTERS.values() for name in names}))
def test_any_library_may_have_any_shape(caplog, adapter):
    """A version of which nothing is known: its adapter gives up, says so once, and the program goes on."""
    try:
        for _ in range(2):
            adapters._installer(adapter)(types.ModuleType("strange"))
    finally:
        adapters.uninstall()
    messages = [record.getMessage().partition(" failed")[0] for record in caplog.records]
    assert messages == [f"tenure: the adapter {adapter} for strange "]


def test_a_library_of_unexpected_shape_costs_its_adapter_and_nothing_else(recorder, monkeypatch, caplog):
    """It is said once in the log; the other adapters and the program go on."""
    recorder.stop()
    monkeypatch.delattr(asyncio, "BoundedSemaphore")
    try:
        adapters.install()
        adapters.install()
        assert asyncio.run(use(asyncio.Lock())) is None
    finally:
        adapters.uninstall()
    assert [record.getMessage().partition(" failed")[0] for record in caplog.records] == [
        "tenure: the adapter asyncio_locks for asyncio "
    ]
