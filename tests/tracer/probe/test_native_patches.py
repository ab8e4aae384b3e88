"""Class patches of the native probe add no frame, and look like the original."""

import asyncio
import contextlib
import copy
import gc
import inspect
import pickle
import types
import warnings
import weakref

import pytest
from tests.tracer.support.coroutine_driver import Connection, chain, enter, finish, pause

import tenure
from tenure import testing
from tenure._patching import class_patches


def test_a_suspended_patch_is_the_original_coroutine_to_whoever_looks(patched) -> None:
    """Debuggers, task dumps and asyncio ask these things; no frame and no name of ours is among the answers."""

    def looks(manager):
        coroutine = manager.__aenter__()
        outer = enter(Connection())
        seen = [isinstance(coroutine, types.CoroutineType), inspect.iscoroutine(coroutine)]
        seen += [asyncio.iscoroutine(coroutine), inspect.isawaitable(coroutine), inspect.getcoroutinestate(coroutine)]
        seen += [coroutine.cr_code, coroutine.__name__, coroutine.__qualname__, coroutine.cr_running]
        coroutine.send(None)
        outer.send(None)
        seen += [inspect.getcoroutinestate(coroutine), coroutine.cr_frame.f_lineno, chain(coroutine), chain(outer)]
        seen += [finish(coroutine) is manager, inspect.getcoroutinestate(coroutine), coroutine.cr_frame]
        finish(outer)
        return seen

    with_patch = looks(Connection())
    class_patches.undo()
    assert with_patch == looks(Connection())


async def test_the_stack_of_a_waiting_task_shows_the_program_alone() -> None:
    """A program prints it when something hangs, which is when people look: a class patch adds no frame to it."""

    class Gate:
        async def __aenter__(self):
            await asyncio.Event().wait()

        async def __aexit__(self, *details):
            pass

    async def waits():
        async with gate:
            pass

    def stack():
        return [frame.f_code.co_qualname.rpartition(".")[2] for frame in task.get_stack()], repr(task.get_coro())[:40]

    gate, stacks = Gate(), []
    for traced in (False, True):
        with testing.recorder() if traced else contextlib.nullcontext() as recorder:
            if traced:
                tenure.track(gate, name="gate")
            task = asyncio.create_task(waits())
            await asyncio.sleep(0)
            stacks.append((stack(), chain(task.get_coro())))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            if traced:
                assert [len(batch.rows) for batch in recorder.batches()] == [1]
    assert stacks[0] == stacks[1]


def test_a_patched_method_is_the_original_to_whoever_looks(patched) -> None:
    """Functions are asked for their code and source, set attributes on, pickled and copied."""

    def looks(method):
        return (
            inspect.isfunction(method),
            inspect.iscoroutinefunction(method),
            asyncio.iscoroutinefunction(method),
            method.__code__,
            method.__defaults__,
            method.__globals__,
            inspect.getsource(method),
            inspect.signature(method),
            copy.deepcopy(method) is method,
            pickle.loads(pickle.dumps(method)) is method,
            repr(method),
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # asyncio's function, from 3.14 on
        with_patch = looks(Connection.__aenter__)
        Connection.__aenter__.note = 1
        class_patches.undo()
        assert Connection.__aenter__.note == 1
        del Connection.__aenter__.note
        assert with_patch == looks(Connection.__aenter__)


@pytest.mark.parametrize("value", [None, 1, (), (1, 2), ValueError("returned, not raised"), StopIteration(3)])
def test_what_a_coroutine_returns_comes_through(value) -> None:
    """A value in a StopIteration is easily taken apart: a tuple into arguments, an exception into the one raised."""

    class Returning:
        async def __aenter__(self):
            return value

        async def __aexit__(self, *details): ...

    with testing.recorder():
        class_patches.patch_manager(Returning)
        assert finish(Returning().__aenter__()) is value
        assert finish(enter(Returning())) is value
        with pytest.raises(StopIteration) as by_next:
            next(Returning().__aenter__().__await__())
        assert by_next.value.value is value


def test_a_coroutine_is_thrown_into_closed_and_reused_as_ever(patched) -> None:
    """Results, exceptions and warnings are those of the coroutine itself, in every state that it can be in."""

    def outcomes():
        for state in ("new", "suspended", "finished", "closed"):
            for act in (
                lambda c: c.send(None),
                lambda c: c.send("value too early"),
                lambda c: c.throw(KeyError("thrown")),
                lambda c: c.throw(KeyError, "thrown", None),
                lambda c: c.throw(KeyError, KeyError("thrown"), None),
                lambda c: c.throw(KeyError, None),
                lambda c: c.throw(1, None),
                lambda c: c.throw(1),
                lambda c: c.close(),
            ):
                coroutine = Connection().__aenter__()
                if state != "new":
                    coroutine.send(None)
                if state == "finished":
                    finish(coroutine)
                if state == "closed":
                    coroutine.close()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)  # of throw with three arguments
                    try:
                        yield state, act(coroutine)
                    except BaseException as error:  # noqa: BLE001
                        yield state, type(error), str(error) if type(error) is not StopIteration else ""
                coroutine.close()

    with_patch = list(outcomes())
    class_patches.undo()
    assert with_patch == list(outcomes())


def test_a_coroutine_that_is_never_awaited_is_warned_about_by_its_name(patched) -> None:
    """The warning is the coroutine's own, and nothing was recorded."""
    with pytest.warns(RuntimeWarning, match=r"coroutine 'Connection.__aenter__' was never awaited"):
        Connection().__aenter__()
    assert patched.lifecycles() == []


@pytest.mark.parametrize(("steps", "outcomes"), [(1, "cancelled - -"), (3, "ok ok cancelled")])
def test_a_coroutine_that_is_dropped_while_it_is_suspended_ends_its_record(patched, steps, outcomes) -> None:
    """Nobody will ever send into it again: it was cancelled where it stood."""

    async def program():
        async with Connection():
            await pause()

    coroutine = program()
    for _ in range(steps):
        coroutine.send(None)
    del coroutine
    (seen,) = patched.lifecycles()
    assert seen.outcomes == outcomes


def test_what_cannot_be_awaited_is_refused_as_ever() -> None:
    """The interpreter's own message, with the type it was about."""

    class Wrong:
        def __aenter__(self):
            return 1

        async def __aexit__(self, *details): ...

    async def main():
        async with Wrong():
            pass

    def refusal():
        with pytest.raises(TypeError) as refused:
            finish(main())
        return str(refused.value)

    as_ever = refusal()
    with testing.recorder() as recorder:
        class_patches.patch_manager(Wrong)
        assert refusal() == as_ever
        (seen,) = recorder.lifecycles()
    assert (seen.outcomes, seen.exception.partition(":")[0]) == ("error - -", "TypeError")


async def test_an_awaitable_that_is_no_coroutine_stays_what_it_is() -> None:
    """A method that returns a future returns a future: it can be waited for, and asked what it is."""

    class Future:
        def __aenter__(self):
            self.future = asyncio.get_running_loop().create_future()
            self.future.set_result("value")
            return self.future

        async def __aexit__(self, *details): ...

    with testing.recorder() as recorder:
        class_patches.patch_manager(Future)
        entering = Future().__aenter__()
        assert (asyncio.isfuture(entering), entering.done(), await entering) == (True, True, "value")
        assert [seen.outcomes for seen in recorder.lifecycles()] == ["ok - -"]


def test_cycles_through_a_suspended_patch_are_collected(patched) -> None:
    """A task that waits for itself is garbage, traced or not."""

    class Waiting(Connection):
        async def __aenter__(self):
            await super().__aenter__()

    manager = Waiting()
    manager.entering = enter(manager)
    manager.entering.send(None)
    reference = weakref.ref(manager)
    del manager
    gc.collect()
    assert reference() is None
