"""``tenure doctor`` on what calls open: it is recorded once, and an unknown library is named."""

from pathlib import Path

from tests.tracer.support import programs
from tests.tracer.support.doctor_report import examine, install, missed, recorded

POOL = "psycopg_pool.pool_async.AsyncConnectionPool"


def test_what_is_open_when_it_is_entered_is_left_out_with_the_reason(tmp_path: Path) -> None:
    """It is held since it was opened; entered anew it is recorded anew."""
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from psycopg_pool import AsyncConnectionPool

            async def main():
                pool = AsyncConnectionPool("dbname=shop", min_size=0, max_size=1, open=False)
                await pool.open()
                async with pool:
                    pass
                async with AsyncConnectionPool("dbname=shop", min_size=0, max_size=1, open=False):
                    pass

            asyncio.run(main())
        """,
    )
    done, report = examine(tmp_path, "app.py")
    assert done == programs.python(tmp_path, "app.py")
    assert recorded(report) == {POOL: {"adapter": 1, "rewritten": 1}}
    assert missed(report) == []
    assert [line for line in missed(report, "left_out") if "app.py" in line] == [
        f"1 {POOL} at app.py:8 in main: it is already held by the call that opened it"
    ]
    assert report["faults"] == []


def test_a_library_of_an_unexpected_version_is_named_and_its_managers_are_recorded_all_the_same(tmp_path: Path) -> None:
    """Its connections open by another method: the adapter gives up, and what the program enters is known by type."""
    environment = install(
        tmp_path,
        aiosqlite="""
            from types import SimpleNamespace

            __version__ = "9.9"

            class Connection:
                async def __aenter__(self): return self
                async def __aexit__(self, *details): return None

            context = SimpleNamespace(Result=type("Result", (Connection,), {}))

            def connect(database): return Connection()
        """,
    )
    programs.write(
        tmp_path,
        app="""
            import asyncio
            import aiosqlite

            async def main():
                async with aiosqlite.connect("shop"):
                    print("open")

            asyncio.run(main())
        """,
    )
    done, report = examine(tmp_path, "app.py", **environment)
    assert (done.status, done.stdout) == (0, "open\n")
    assert recorded(report) == {"aiosqlite.Connection": {"rewritten": 1}}
    assert report["faults"] == [
        {
            "where": "the adapter aiosqlite for aiosqlite 9.9",
            "error": "TypeError: Connection has no function _connect",
        }
    ]
