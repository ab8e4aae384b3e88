"""What only the native probe does: its class patches add no frame, its records are small. Not collected without it."""

import asyncio
import contextlib
import copy
import gc
import inspect
import pickle
import time
import types
import warnings
import weakref

import pytest
from tests.tracer import programs

import tenure
from tenure import _probe, patching, testing


class Connection:
    """Suspends once on its way in, and once on its way out."""

    async def __aenter__(self):
        await pause()
        return self

    async def __aexit__(self, kind, error, traceback):
        await pause()


async def enter(manager):
    return await manager.__aenter__()


@types.coroutine
def pause():
    return (yield "paused")


def finish(coroutine, value=None):
    """Send until it returns; what it returned."""
    try:
        while True:
            coroutine.send(value)
    except StopIteration as stop:
        return stop.value


def chain(coroutine):
    """The names of what awaits what, from the outside in."""
    names = []
    while coroutine is not None:
        names.append(getattr(coroutine, "__qualname__", type(coroutine).__name__))
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return names


@pytest.fixture
def patched():
    """Connection reports its lifecycles; the recorder has them."""
    with testing.recorder() as recorder:
        patching.patch_manager(Connection)
        yield recorder


def test_both_probes_record_the_same(tmp_path) -> None:
    """Everything but the times: tasks, resources, sites, parents, outcomes, exceptions, whoever enters and however."""
    programs.write(
        tmp_path,
        app="""
        import asyncio, contextlib
        class Manager:
            async def __aenter__(self): await asyncio.sleep(0); return self
            async def __aexit__(self, kind, error, traceback): return kind is KeyError
        @contextlib.asynccontextmanager
        async def transaction():
            yield
        async def generates(lock):
            async with lock: yield 1
        async def worker(lock, number):
            for attempt in range(3):
                async with lock, Manager() as manager, transaction():
                    if number == attempt: raise KeyError(number)
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(Manager())
            async for _ in generates(lock): pass
            try:
                async with asyncio.timeout(0.1), Manager(): await asyncio.sleep(60)
            except TimeoutError: pass
        async def main():
            lock = asyncio.Lock()
            try:
                async with asyncio.TaskGroup() as group:
                    await asyncio.wait([group.create_task(worker(lock, number)) for number in range(3)])
                    raise ValueError("the end")
            except* ValueError: pass
            await worker(lock, 0)
        asyncio.run(main())
        """,
    )

    def recorded(probe):
        assert programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", TENURE_PROBE=probe) == (0, "", "")
        rows = [row for batch in programs.recorded(tmp_path / "x.json") for row in testing.lifecycles_of(batch)]
        kept = {row.id: row._replace(acquire=0, wait=0, hold=0, release=0) for row in rows}
        return [kept[number] for number in sorted(kept)]

    assert recorded("native") == recorded("python")
    assert len(recorded("native")) > 20


def test_records_are_as_small_as_promised() -> None:
    """64 bytes a closed and 160 an open record are the marks."""
    assert _probe.CLOSED_BYTES <= 64
    assert _probe.OPEN_BYTES <= 160


def test_its_clock_is_perf_counter(patched) -> None:
    """Tasks are stamped by Python, lifecycles by C: both must read the same clock."""
    _probe.set_clock(None)
    before = time.perf_counter_ns()
    finish(enter(Connection()))
    after = time.perf_counter_ns()
    (record,) = (entry for entry in _probe.drain() if isinstance(entry, list))
    assert before <= record[3] <= record[4] <= after


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
    patching.undo()
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
        patching.undo()
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
        patching.patch_manager(Returning)
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
    patching.undo()
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
        patching.patch_manager(Wrong)
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
        patching.patch_manager(Future)
        entering = Future().__aenter__()
        assert (asyncio.isfuture(entering), entering.done(), await entering) == (True, True, "value")
        assert [seen.outcomes for seen in recorder.lifecycles()] == ["ok - -"]


def test_an_open_record_is_brought_up_to_date_where_it_lies(patched) -> None:
    """The ledger reads the list that it was given; a record that closes in the meantime is not given twice."""
    outer, inner = enter(Connection()), enter(Connection())
    outer.send(None)
    (first,) = _probe.drain()[-1:]
    inner.send(None)
    finish(inner)
    finish(outer)
    (second,) = (entry for entry in _probe.drain() if isinstance(entry, list))
    assert first is not second
    assert [bool(record[4]) for record in (first, second)] == [True, True]
    assert first[3] < second[3]


def test_records_come_in_the_order_of_their_acquires(patched) -> None:
    """The ledger finds parents by it; closed ones, open ones and tasks lie in different places until then."""
    app = patched.load(
        """
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): return False
        async def main(fail):
            async with Manager():
                async with Manager(): pass
                try:
                    async with Manager(): raise KeyError
                except KeyError: pass
                async with Manager(): pass
                await fail
        """
    )
    future = asyncio.Future(loop=asyncio.new_event_loop())
    coroutine = app.main(future)
    coroutine.send(None)
    records = [entry for entry in _probe.drain() if isinstance(entry, list)]
    coroutine.close()
    future.get_loop().close()
    assert [record[3] for record in records] == sorted(record[3] for record in records)
    assert [bool(record[6]) for record in records] == [False, True, True, True]


def test_managers_that_are_entered_and_never_left_are_not_kept(patched) -> None:
    """Nor does their memory, given to another object, make that one look entered."""
    references = []
    for _ in range(3_000):
        manager = Connection()
        finish(manager.__aenter__())
        references.append(weakref.ref(manager))
        del manager
    gc.collect()
    assert [reference() for reference in references] == [None] * 3_000
    finish(Connection().__aexit__(None, None, None))
    assert {seen.outcomes for seen in patched.lifecycles()} == {"ok - -"}


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


def test_a_subinterpreter_is_refused(tmp_path) -> None:
    """Its state is the process's: where another interpreter loads it, it says so, and the first one records on."""
    programs.write(
        tmp_path,
        app="""
        import asyncio, textwrap
        from tenure import testing
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        from tenure import _probe
        source = f'''
            import importlib.machinery, importlib.util
            loader = importlib.machinery.ExtensionFileLoader("tenure._probe", {_probe.__file__!r})
            spec = importlib.util.spec_from_loader(loader.name, loader)
            try:
                loader.exec_module(importlib.util.module_from_spec(spec))
            except ImportError:
                print("refused", flush=True)
        '''
        async def main():
            async with asyncio.Lock():
                interpreter = interpreters.create()
                interpreters.run_string(interpreter, textwrap.dedent(source))
                interpreters.destroy(interpreter)
        with testing.recorder() as recorder:
            asyncio.run(main())
            print([seen.outcomes for seen in recorder.lifecycles()])
        """,
    )
    assert programs.python(tmp_path, "app.py") == (0, "refused\n['ok ok ok']\n", "")


def test_the_end_of_the_interpreter_finds_everything_open(tmp_path) -> None:
    """Coroutines, tasks and threads that hold something at the end end as quietly as ever."""
    programs.write(
        tmp_path,
        app="""
        import asyncio, threading, time
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): await asyncio.sleep(0)
        async def holds(forever):
            async with Manager(), asyncio.Lock():
                await forever
        async def generates():
            async with Manager():
                yield
        class Forever:
            def __await__(self): yield
        kept = [holds(Forever()) for _ in range(10)]
        for coroutine in kept: coroutine.send(None)
        generator = generates()
        try: generator.__anext__().send(None)
        except StopIteration: pass
        def thread():
            coroutine = holds(Forever())
            coroutine.send(None)
            time.sleep(60)
        threading.Thread(target=thread, daemon=True).start()
        time.sleep(0.05)
        import builtins
        builtins.kept = kept
        print("end")
        """,
    )
    assert programs.tenure(tmp_path, "run", "-o", "x.json", "app.py")[:2] == (0, "end\n")
