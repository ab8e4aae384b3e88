"""The native probe in its process: the same records as the pure probe, one interpreter, its end."""

from tests.tracer.support import programs

from tenure import testing


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
        for number, row in kept.items():  # a timeout's length is measured, and a busy machine takes its part of it
            kept[number] = row._replace(resource=row.resource.partition(" 0.")[0])
        return [kept[number] for number in sorted(kept)]

    assert recorded("native") == recorded("python")
    assert len(recorded("native")) > 20


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
            holding.set()
            time.sleep(60)
        holding = threading.Event()
        threading.Thread(target=thread, daemon=True).start()
        holding.wait()
        import builtins
        builtins.kept = kept
        print("end")
        """,
    )
    assert programs.tenure(tmp_path, "run", "-o", "x.json", "app.py")[:2] == (0, "end\n")
