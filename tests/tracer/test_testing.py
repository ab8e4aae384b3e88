"""One recording after another in one process: each begins with an empty tracer, and no two run at once."""

import asyncio
import gc
import sys
import weakref

import pytest

import tenure
from tenure import session, testing
from tenure._identify import libraries, tracer
from tenure._rewriting.module_filter import ModuleFilter
from tenure.adapters._kit import databases
from tenure.errors import UsageError

PROGRAM = """
import asyncio, contextlib
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return False
class Pool:
    {acquire}
async def main():
    pool = Pool()
    async with pool.acquire():
        pass
"""
BY_A_CALL = "@contextlib.asynccontextmanager\n    async def acquire(self): yield"
BY_THE_MANAGER = "\n    def acquire(self): return Manager()"


def enters(acquire: str) -> list[tuple[str, str, str]]:
    """What a recorder says of the sites of the program with this ``acquire``."""
    with testing.recorder() as recorder:
        app = recorder.load(PROGRAM.format(acquire=acquire))
        asyncio.run(app.main())
        return [(site.expression, site.enter, site.exit) for batch in recorder.batches() for site in batch.sites]


def test_what_one_recorder_learned_of_a_site_is_not_believed_by_the_next() -> None:
    """The same expression on the same line is entered by ``acquire`` in one program, by ``__aenter__`` in the next."""
    first, second = enters(BY_A_CALL), enters(BY_THE_MANAGER)

    assert first == [("pool.acquire()", "acquire", "__aexit__")]
    assert second == [("pool.acquire()", "__aenter__", "__aexit__")]
    assert enters(BY_A_CALL) == first


class Pool:
    async def connect(self) -> None:
        pass

    def connect_now(self) -> None:
        pass


def test_the_fixed_clock_measures_how_long_a_connection_took_to_make() -> None:
    """Between the clock's two readings lies one tick, whatever the machine does."""
    with testing.recorder():
        databases.time_creation(Pool, "connect", lambda pool: pool)
        databases.time_creation_now(Pool, "connect_now", lambda pool: pool)
        pool = Pool()
        asyncio.run(pool.connect())
        pool.connect_now()

        assert tracer.current.pools.take_created(pool) == [testing.TICK_NS] * 2


def test_a_recorder_in_a_recorder_is_refused_and_the_outer_one_goes_on() -> None:
    """Two recorders would share one probe: the error says so before anything is changed."""
    with testing.recorder() as outer:
        app = outer.load(PROGRAM.format(acquire=BY_THE_MANAGER))
        with pytest.raises(UsageError, match=r"^a recorder of tenure\.testing is recording already \(end it first\)$"):
            testing.recorder().__enter__()
        asyncio.run(app.main())

        assert len(outer.lifecycles()) == 1
    assert len(enters(BY_THE_MANAGER)) == 1


def test_a_recorder_beside_install_is_refused() -> None:
    """The installed recording goes on; after ``uninstall`` a recorder may begin."""
    tenure.install(collector="http://127.0.0.1:1")
    try:
        with pytest.raises(
            UsageError, match=r"^tenure\.install\(\) or tenure run is recording already \(end it first\)$"
        ):
            testing.recorder().__enter__()
        assert tracer.current.is_recording
    finally:
        tenure.uninstall()
    assert len(enters(BY_THE_MANAGER)) == 1


def test_install_in_a_recorder_is_refused() -> None:
    """The recorder would lose what it records to the collector."""
    with (
        testing.recorder() as recorder,
        pytest.raises(UsageError, match=r"^a recorder of tenure\.testing is recording already \(end it first\)$"),
    ):
        tenure.install(collector="http://127.0.0.1:1")
    assert recorder.lifecycles() == []


def test_a_recording_that_failed_to_begin_does_not_bar_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of ``install`` nor of a recorder."""
    with monkeypatch.context() as broken:
        broken.setattr("tenure.adapters.install", lambda: 1 / 0)
        tenure.install(collector="http://127.0.0.1:1")
        with pytest.raises(ZeroDivisionError):
            testing.recorder().__enter__()

    assert len(enters(BY_THE_MANAGER)) == 1


def test_a_new_recording_knows_nothing_of_the_one_before() -> None:
    """Tasks and resources count from one again, and no library is known but by the adapters."""
    with testing.recorder() as recorder:
        libraries.know("shop")
        asyncio.run(recorder.load(PROGRAM.format(acquire=BY_A_CALL)).main())
        (first,) = recorder.batches()
    with testing.recorder() as recorder:
        known = "shop" in tracer.current.libraries
        asyncio.run(recorder.load(PROGRAM.format(acquire=BY_A_CALL)).main())
        (second,) = recorder.batches()

    assert not known
    assert (second.tasks[0].id, second.resources, second.sites) == (first.tasks[0].id, first.resources, first.sites)


def test_the_tracer_of_an_ended_recording_is_dropped_by_the_next() -> None:
    """Nothing keeps the state of an earlier recording: not the probe, not an adapter, not a helper in builtins."""
    with testing.recorder() as recorder:
        asyncio.run(recorder.load(PROGRAM.format(acquire=BY_A_CALL)).main())
        before = weakref.ref(tracer.current)
    with testing.recorder() as recorder:
        del recorder
        gc.collect()

        assert before() is None


def test_a_task_that_outlives_its_recording_is_no_other_task_of_the_next() -> None:
    """Its end is not taken for the end of the task that has its number now."""

    async def main() -> list[testing.Lifecycle]:
        with testing.recorder() as recorder:
            held = asyncio.Event()
            old = asyncio.create_task(held.wait())
            await asyncio.sleep(0)
            await recorder.load(PROGRAM.format(acquire=BY_THE_MANAGER)).main()
            recorder.batches()
        with testing.recorder() as recorder:
            app = recorder.load(PROGRAM.format(acquire=BY_THE_MANAGER))
            await app.main()
            held.set()
            await old
            del old
            gc.collect()
            await app.main()
            batches = recorder.batches()
            assert [task.finished_ns for batch in batches for task in batch.tasks if task.name == "main"] == [None]
            return [lifecycle for batch in batches for lifecycle in testing.lifecycles_of(batch)]

    assert [lifecycle.task for lifecycle in asyncio.run(main())] == ["main", "main"]


def test_the_selection_of_a_refused_start_is_not_put_in_place() -> None:
    """A refused start changes nothing: no finder stays on the import path."""
    before = list(sys.meta_path)
    with testing.recorder():
        within = list(sys.meta_path)
        with pytest.raises(UsageError):
            session.start("shop", [], ModuleFilter([], (), ()))
        assert sys.meta_path == within
    assert sys.meta_path == before
