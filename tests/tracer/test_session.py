"""``install`` from code: several loops in several threads, forks, and uninstalling."""

import asyncio
import builtins
import contextlib
import logging
import os
import sys
import threading
from pathlib import Path

import pytest
from tests.support.waiting import until_blocking
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import Memory, serving

import tenure
from tenure import session, testing, wire
from tenure._core import buffer, faults
from tenure._identify import tasks, tracer
from tenure._rewriting.module_filter import ModuleFilter
from tenure._sinks.recording_sink import RecordingSink


def recorded(sink: Memory) -> list[testing.Lifecycle]:
    """Each lifecycle in its last state."""
    last = {(batch.process.id, row.id): row for batch in sink.batches for row in testing.lifecycles_of(batch)}
    return [last[key] for key in sorted(last)]


@contextlib.contextmanager
def recording():
    """A session into memory."""
    sink = Memory()
    session.start("service", [sink], ModuleFilter([]))
    try:
        yield sink
    finally:
        tenure.uninstall()


def test_install_ships_what_is_imported_afterwards(tmp_path: Path) -> None:
    """From code, with the environment's collector, to the end of the program; a second call changes nothing."""
    programs.write(
        tmp_path,
        app="""
        import asyncio
        import tenure
        tenure.install(service="mine")
        tenure.install(service="another")
        import work
        asyncio.run(work.main())
        """,
        work="""
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): pass
        async def main():
            async with Manager(): pass
        """,
    )
    with serving() as server:
        done = programs._run(tmp_path, [sys.executable, "app.py"], "", TENURE_COLLECTOR=server.url)
    assert done == (0, "", "")
    assert {batch.process.service for batch in server.received} == {"mine"}
    assert [row.resource for batch in server.received for row in testing.lifecycles_of(batch)] == ["work.Manager"]
    assert server.received[-1].final


def test_uninstall_leaves_nothing_behind() -> None:
    """Patches, hooks and threads are gone, and what is entered afterwards is not recorded."""
    threads = threading.enumerate()
    before = (
        asyncio.Lock.__aenter__,
        contextlib._AsyncGeneratorContextManager.__aenter__,
        list(sys.meta_path),
        asyncio.BaseEventLoop.create_task,
    )

    async def use() -> None:
        async with asyncio.Lock():
            pass

    with recording() as sink:
        assert asyncio.Lock.__aenter__ is not before[0]
        asyncio.run(use())
    assert len(recorded(sink)) == 1
    asyncio.run(use())
    assert buffer.waiting() == 0
    assert before == (
        asyncio.Lock.__aenter__,
        contextlib._AsyncGeneratorContextManager.__aenter__,
        list(sys.meta_path),
        asyncio.BaseEventLoop.create_task,
    )
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == []


def test_loops_in_threads_and_threads_without_a_loop_are_told_apart() -> None:
    """Every lifecycle belongs to the task or thread that entered it, whatever else runs at the same time."""
    with testing.recorder(sync=True) as recorder:
        app = recorder.load("""
            import asyncio, threading
            class Manager:
                async def __aenter__(self): await asyncio.sleep(0)
                async def __aexit__(self, *details): await asyncio.sleep(0)
                def __enter__(self): pass
                def __exit__(self, *details): pass
            async def work(name, barrier):
                asyncio.current_task().set_name(name)
                await asyncio.to_thread(barrier.wait)
                for _ in range(50):
                    async with Manager(): pass
            def plain(barrier):
                barrier.wait()
                for _ in range(50):
                    with Manager(): pass
        """)
        barrier = threading.Barrier(4)
        loops = [
            threading.Thread(target=lambda name=name: asyncio.run(app.work(name, barrier))) for name in ("one", "two")
        ]
        plain = [threading.Thread(target=app.plain, args=(barrier,), name=name) for name in ("three", "four")]
        for thread in loops + plain:
            thread.start()
        for thread in loops + plain:
            thread.join()
        names = [row.task for row in recorder.lifecycles()]
    assert {name: names.count(name) for name in names} == {"one": 50, "two": 50, "three": 50, "four": 50}


def test_a_loop_that_moves_to_another_thread_takes_its_tasks_along() -> None:
    """What a thread remembers of its loop is not believed when the loop runs elsewhere."""
    loop = asyncio.new_event_loop()

    async def who() -> int:
        return tasks.current()

    with testing.recorder():
        here = [loop.run_until_complete(who()), tasks.current()]
        there: list[int] = []

        async def elsewhere() -> None:
            there.append(tasks.current())
            inside.set()
            await asyncio.to_thread(leave.wait)
            there.append(tasks.current())

        inside, leave = threading.Event(), threading.Event()
        thread = threading.Thread(target=loop.run_until_complete, args=(elsewhere(),))
        thread.start()
        inside.wait()
        here.append(tasks.current())
        leave.set()
        thread.join()
        kinds = {tracer.current.tasks.by_id[number].kind for number in (here[1], here[2])}
    loop.close()
    assert here[1] == here[2]
    assert kinds == {"thread"}
    assert there[0] == there[1]
    assert len({*here, *there}) == 3


def test_a_fork_while_shipping_leaves_both_processes_working() -> None:
    """The child begins with an empty buffer and a process id of its own; the parent goes on where it was."""
    with recording() as sink:

        async def use() -> None:
            async with asyncio.Lock():
                pass

        asyncio.run(use())
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            asyncio.run(use())
            shipper = session._process.session.shipper
            shipper.flush()
            rows = [batch for batch in sink.batches if batch.process.id == shipper._ledger.process.id and batch.rows]
            os.write(writing, f"{len(rows)} {rows[0].process.pid == os.getpid()}".encode())
            os._exit(0)
        os.waitpid(child, 0)
        told = os.read(reading, 100)
        os.close(reading)
        os.close(writing)
        asyncio.run(use())
        until_blocking(lambda: len(recorded(sink)) == 2)
    assert told == b"1 True"
    assert len({batch.process.id for batch in sink.batches}) == 1


def test_a_fault_is_logged_and_not_raised(caplog: pytest.LogCaptureFixture) -> None:
    """The logger is called tenure; the same place is not told twice."""
    faults.fault("one thing", RuntimeError("first"))
    faults.fault("one thing", RuntimeError("second"))
    assert [(record.name, record.levelno) for record in caplog.records] == [("tenure", logging.WARNING)]
    assert faults.dropped == {"fault": 2}
    buffer.clear()


def test_helpers_lie_in_builtins_and_nowhere_else() -> None:
    """Their names can be written by no program."""
    names = [name for name in vars(builtins) if "tenure" in name]
    assert [name for name in names if name.isidentifier()] == []


def test_the_public_names_are_these() -> None:
    """What the package offers, no more and no less."""
    assert all(hasattr(tenure, name) for name in tenure.__all__)
    assert not hasattr(tenure, "something_else")
    assert set(tenure.__all__) == {
        "TenureError",
        "UsageError",
        "__version__",
        "adapter",
        "install",
        "probe_backend",
        "track",
        "tracked",
        "uninstall",
        "work",
    }


def test_a_recording_is_whole_after_every_flush(tmp_path: Path) -> None:
    """Each batch leaves a complete JSON document that holds all batches so far."""
    path = tmp_path / "x.json"
    recording = RecordingSink(path)
    assert programs.recorded(path) == []
    sent: list[wire.Batch] = []
    for sequence in (1, 2, 3):
        batch = wire.Batch(wire.VERSION, testing.PROCESS, sequence, 0, 0, [], [], [], [], [], [])
        recording.send(batch)
        sent.append(batch)
        assert programs.recorded(path) == sent
    recording.close(0)
