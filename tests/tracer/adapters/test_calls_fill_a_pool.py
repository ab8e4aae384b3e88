"""A pool whose connections are held by calls that tasks run: who holds, who waits, and what the doctor says."""

import asyncio
import contextlib

import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from tests.tracer.support import programs
from tests.tracer.support.doctor_report import examine, recorded

ENGINE = "sqlalchemy.ext.asyncio.engine.AsyncEngine shop (2)"
SLEEP = sqlalchemy.text("SELECT pg_sleep(20)")

PROGRAM = """
    import asyncio, os
    import asyncpg

    async def main():
        pool = await asyncpg.create_pool(os.environ["PG"], min_size=1, max_size=2)
        await asyncio.gather(*[pool.fetch("SELECT 1") for _ in range(5)])
        await asyncio.wait_for(pool.execute("SELECT 1"), 9)
        await pool.close()

    asyncio.run(main())
"""


def test_who_holds_an_exhausted_pool_is_known(recorder, postgres):
    """Two requests started a query as a task; a third one waits. The library says the same: no place is free."""

    async def request(engine):
        async with AsyncSession(engine) as session:
            query = asyncio.ensure_future(session.execute(SLEEP))
            try:
                await asyncio.sleep(20)
            finally:
                query.cancel()
                await asyncio.wait([query])

    def uses(lines):
        return sorted(line.partition(": ")[2] for line in lines if ENGINE in line)

    async def main():
        engine = create_async_engine(f"postgresql+asyncpg:{postgres}", pool_size=2, max_overflow=0)
        requests = [asyncio.create_task(request(engine)) for _ in range(3)]
        expected = [f"{ENGINE}, ?", f"{ENGINE}, ok ?", f"{ENGINE}, ok ?"]
        seen = await recorder.until(expected, uses)
        held = engine.pool.checkedout()
        for task in requests:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await engine.dispose()
        return seen, expected, held

    seen, expected, held = asyncio.run(main())
    assert seen == expected
    assert held == 2
    places = {(site.function.rpartition(".")[2], site.expression) for site in recorder.sites()}
    assert {place for place in places if place[0] != "main"} == {
        ("request", "AsyncSession(engine)"),
        ("request", "session.execute(SLEEP)"),
    }
    assert not [line for line in recorder.lines() if line.endswith("?")]


def test_the_doctor_names_no_use_of_a_pool_that_is_left_out(tmp_path, postgres):
    """What the driver enters for its own ends is left out, with the reason; each call is a use of the pool."""
    programs.write(tmp_path, app=PROGRAM)
    done, report = examine(tmp_path, "app.py", PG=f"postgresql:{postgres}")
    assert (done.status, done.stderr) == (0, "")
    assert recorded(report)["asyncpg.pool.PoolAcquireContext"] == {"adapter": 6}
    assert report["missed"] == []
    assert {entry["type"] for entry in report["left_out"]} <= {"asyncio.timeouts.Timeout", "asyncio.locks.Lock"}
