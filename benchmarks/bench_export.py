"""What exporting costs a collector: lifecycles stored a second with exporters, against without.

Two collectors run side by side, one without exporters and one with them, and are sent more than they can store in
turns of half a second, so that whatever else the machine does falls on both; the figure is the middle of the ratios of
neighbouring turns. By processor time it is the collector's own; by the clock also what the process that exports takes
of the two's common processors. That process is stopped while it is the other collector's turn, and has a backlog all
the time, so that it always has something to do. Backends are processes of their own that take everything at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import grpc
import grpc.aio
from aiohttp import web

from benchmarks.collector_process import HEADERS, Running, collector, flood
from benchmarks.figure import Figure
from benchmarks.lifecycle_batches import batches

ROUNDS = 24
BATCHES = 80  # of one turn
BOUND = "at least 0.95"


class Round(NamedTuple):
    """What is stored a second, as a multiple of what is without; and what is exported a second meanwhile."""

    wall: float
    core: float
    exported: float


def figures() -> list[Figure]:
    """Two ratios for each kind of backend; 1 would be no cost at all."""
    return asyncio.run(_figures())


async def _figures() -> list[Figure]:
    bodies = batches(BATCHES * (ROUNDS + 1))
    async with AsyncExitStack() as stack:
        http = [await stack.enter_async_context(_backend("http")) for _ in range(2)]
        by_grpc = await stack.enter_async_context(_backend("grpc"))
        hole = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        cases = {
            "one backend": http[:1],
            "two": http,
            "one by gRPC": [by_grpc],
            "one that never answers": [f"http://127.0.0.1:{hole.getsockname()[1]}"],
        }
        figures = []
        for case, targets in cases.items():
            rounds = await _compare(bodies, targets)
            wall, core, exported = (statistics.median(values) for values in zip(*rounds, strict=True))
            figures += [
                Figure(f"to {case}: stored, by processor time", core, "x without", BOUND),
                Figure(f"to {case}: stored, by the clock", wall, "x without", BOUND),
                Figure(f"to {case}: exported meanwhile", exported, "lifecycles/s", ""),
            ]
        return figures


async def _compare(bodies: list[bytes], targets: list[str]) -> list[Round]:
    async with collector() as alone, collector(*targets) as beside, aiohttp.ClientSession(headers=HEADERS) as session:
        for running in (alone, beside):
            await flood(session, running, bodies[:BATCHES])  # to get warm, and a backlog
        exporting = _child(beside)
        rounds = []
        for number in range(1, ROUNDS + 1):
            turn = bodies[number * BATCHES :][:BATCHES]
            os.kill(exporting, signal.SIGSTOP)
            if number % 2:
                other = await flood(session, alone, turn)
            os.kill(exporting, signal.SIGCONT)
            before, began = await _exported(session, beside), time.perf_counter()
            cost = await flood(session, beside, turn)
            exported = (await _exported(session, beside) - before) / (time.perf_counter() - began)
            os.kill(exporting, signal.SIGSTOP)
            if not number % 2:
                other = await flood(session, alone, turn)
            rounds.append(Round(other.wall / cost.wall, other.core / cost.core, exported))
        os.kill(exporting, signal.SIGCONT)
        return rounds


def _child(running: Running) -> int:
    """The one process that a collector has started (Linux)."""
    (pid,) = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    return int(pid)


async def _exported(session: aiohttp.ClientSession, running: Running) -> int:
    """By all exporters together."""
    async with session.get(f"{running.url}/api/exporters") as answer:
        return sum(exporter["exported"] for exporter in (await answer.json())["items"])


@asynccontextmanager
async def _backend(protocol: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.bench_export", protocol),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield (await process.stdout.readline()).decode().strip()
    process.stdin.close()
    await process.wait()


async def _serve(protocol: str) -> None:
    """A backend that takes everything, until stdin is closed. In earnest it has processors of its own."""
    os.nice(19)
    if protocol == "grpc":
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((_Taking(),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
    else:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/{path:.*}", _take)
        runner = web.AppRunner(app, auto_decompress=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
    print(f"{protocol}://127.0.0.1:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _take(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(content_type="application/x-protobuf")


class _Taking(grpc.GenericRpcHandler):
    def service(self, _: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        async def take(_: bytes, __: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
            return b""

        return grpc.unary_unary_rpc_method_handler(take)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
