"""A real program's pool, from its library through tracer, wire, store and collector to Prometheus' parser."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp
import pytest
from tests.interop.otel.support import peers
from tests.server.support.metrics_page import labelled, parsed, shop
from tests.server.support.otlp_backend import Backend, serving
from tests.support.waiting import until
from tests.tracer.support import servers

PROGRAM = """
import asyncio, sys
import redis.asyncio as redis

async def main():
    pool = redis.BlockingConnectionPool.from_url(sys.argv[1], max_connections=3, timeout=5)
    first, second, third = [await pool.get_connection() for _ in range(3)]
    waiting = asyncio.create_task(pool.get_connection(), name="late")
    await asyncio.sleep(0.2)
    await pool.release(third)
    await pool.release(await waiting)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await pool.release(first)
    await pool.release(second)
    await pool.disconnect()

asyncio.run(main())
"""


async def scrape(collector: peers.Collector) -> dict:
    async with aiohttp.ClientSession() as session, session.get(f"{collector.url}/metrics") as answer:
        assert answer.status == 200
        return parsed(await answer.text())


async def test_a_pool_of_a_real_program_is_on_the_page(tmp_path: Path) -> None:
    """Used and idle connections as they are now, who waited and how long each connection was made."""
    script = tmp_path / "shop.py"
    script.write_text(PROGRAM)
    with servers.redis() as url:
        async with peers.serving(tmp_path / "store.sqlite") as collector:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tenure", "run", "--collector", collector.url, "--service", "shop"),
                *(str(script), url),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={name: value for name, value in os.environ.items() if name != "TENURE_TOKEN"},
            )
            assert process.stdin
            assert process.stdout
            async with asyncio.timeout(30):
                assert await process.stdout.readline() == b"ready\n"

            async def settled() -> dict | None:
                page = await scrape(collector)
                is_settled = len(page.get("db_client_connection_count", ())) >= 2 and used(page) == 2
                return page if is_settled else None

            found = await until(settled, 20)
            process.stdin.write(b"\n")
            assert await process.wait() == 0

    assert {dict(labels)["db_client_connection_state"]: value for labels, value in states(found).items()} == {
        "idle": 1,
        "used": 2,
    }
    assert one(found, "db_client_connection_max") == 3
    assert one(found, "db_client_connection_pending_requests") == 0
    assert one(found, "db_client_connection_create_time_seconds_count") == 3
    assert 0 < one(found, "db_client_connection_create_time_seconds_sum") < 15
    assert one(found, "db_client_connection_wait_time_seconds_count") == 4
    assert one(found, "db_client_connection_wait_time_seconds_sum") >= 0.1


def states(found: dict) -> dict:
    return labelled(found.get("db_client_connection_count", {}), service_name="shop")


def used(found: dict) -> float:
    return sum(labelled(states(found), db_client_connection_state="used").values())


def one(found: dict, name: str) -> float:
    (value,) = found[name].values()
    return value


@pytest.mark.parametrize("ending", ["killed", "ended"])
async def test_counts_go_on_where_they_were_when_the_collector_comes_back(tmp_path: Path, ending: str) -> None:
    """The store has them; the backend of the second one sees what the first one counted."""
    program = shop()
    async with serving(Backend()) as backend:
        async with peers.serving(tmp_path / "store.sqlite") as collector:
            await collector.post(program.batch())
            if ending == "killed":
                await collector.kill()
        program.use("worker-1", "Lock stock", acquire=800, wait=1, hold=1, release=1)
        async with peers.serving(tmp_path / "store.sqlite", "--otlp", backend.url) as collector:
            await collector.post(program.batch())
        groups = [group for request in backend.metrics for group in request.resource_metrics]
        held = [
            point.count
            for group in groups
            for scope in group.scope_metrics
            for metric in scope.metrics
            if metric.name == "tenure.resource.hold_time"
            for point in metric.histogram.data_points
        ]
    assert held == [2]
