"""arq and version 1 of mcp need older libraries than the rest: their programs run in an environment of their own."""

import os
import subprocess
import textwrap
from pathlib import Path

import pytest
from tests.tracer.support import programs, servers

from tenure import testing

ROOT = Path(__file__).parents[3]
TIME_LIMIT = 120  # s
ARQ = """
    import asyncio, os
    from arq import Retry, Worker, create_pool, func
    from arq.connections import RedisSettings

    settings = RedisSettings.from_dsn(os.environ["SHOP_REDIS"])

    async def bill(ctx, customer):
        async with asyncio.timeout(9):
            return customer

    async def refuse(ctx, customer):
        raise ValueError("no money")

    async def again(ctx, customer):
        if ctx["job_try"] == 1:
            raise Retry(defer=0)

    async def late(ctx, customer):
        await asyncio.sleep(60)

    async def main():
        pool = await create_pool(settings)
        for name in "bill", "refuse", "again", "late":
            await pool.enqueue_job(name, "customer 4711")
        worker = Worker(
            functions=[bill, refuse, again, func(late, timeout=0.05)],
            redis_settings=settings, burst=True, poll_delay=0.01, max_jobs=1, handle_signals=False,
        )
        await worker.main()
        print(worker.jobs_complete, worker.jobs_failed, worker.jobs_retried)
        await worker.close()
        await pool.aclose()

    asyncio.run(main())
"""
MCP = """
    import asyncio
    from mcp.server.fastmcp import FastMCP
    from mcp.shared.memory import create_connected_server_and_client_session

    server = FastMCP("shop", log_level="CRITICAL")
    lock = asyncio.Lock()

    @server.tool()
    async def add(a: int, b: int) -> int:
        async with lock:
            return a + b

    @server.tool()
    def fail(customer: str) -> str:
        raise ValueError("no stock")

    async def main():
        async with create_connected_server_and_client_session(server._mcp_server) as session:
            for name, arguments in ("add", {"a": 1, "b": 2}), ("fail", {"customer": "4711"}), ("invented", {}):
                result = await session.call_tool(name, arguments)
                print(name, result.isError)

    asyncio.run(main())
"""


def run(directory: Path, source: str, *arguments: str, **environment: str) -> str:
    """The output of the program under the interpreter that has the libraries."""
    (directory / "program.py").write_text(textwrap.dedent(source))
    path = f"{ROOT / 'tracer'}"
    done = subprocess.run(
        [os.environ["TENURE_INTEROP_PYTHON"], *arguments, "program.py"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def units(recording: Path, *kinds: str) -> list[str]:
    """The lifecycles of these kinds, with what ended them."""
    rows = {row.id: row for batch in programs.recorded(recording) for row in testing.lifecycles_of(batch)}
    return [
        f"{row.resource} {row.body_exception.partition(':')[0].rpartition('.')[2] or 'ok'}"
        for _, row in sorted(rows.items())
        if row.resource.startswith(kinds)
    ]


@pytest.mark.interop
def test_jobs_of_arq(tmp_path) -> None:
    """Each run is one, by its function's name: one that fails, one that is tried again, one that takes too long."""
    with servers.redis() as address:
        plain = run(tmp_path, ARQ, SHOP_REDIS=address)
        assert run(tmp_path, ARQ, "-m", "tenure", "run", "-o", "x.json", SHOP_REDIS=address) == plain == "2 2 1\n"
    assert sorted(units(tmp_path / "x.json", "arq.Job")) == [
        "arq.Job again Retry",
        "arq.Job again ok",
        "arq.Job bill ok",
        "arq.Job late CancelledError",
        "arq.Job refuse ValueError",
    ]


@pytest.mark.interop
def test_tools_of_mcp_1(tmp_path) -> None:
    """Calls at the client and at the server, by the tool; a name that no tool has is not believed at the server."""
    plain = run(tmp_path, MCP)
    assert run(tmp_path, MCP, "-m", "tenure", "run", "-o", "x.json") == plain
    assert units(tmp_path / "x.json", "mcp.Tool ", "mcp.Request tools/call") == [
        "mcp.Tool add ok",
        "mcp.Tool fail ValueError",
        "mcp.Request tools/call RequestFailed",
    ]
    assert units(tmp_path / "x.json", "mcp.ToolCall", "mcp.ClientSession") == [
        "mcp.ClientSession ok",
        "mcp.ToolCall add ok",
        "mcp.ToolCall fail CallFailed",
        "mcp.ToolCall invented CallFailed",
    ]
