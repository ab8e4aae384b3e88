"""What exporting costs those who send: lifecycles stored a second beside exporters, against none, in the same run.

The collector is sent more than it can store for as long as a run lasts; backends are processes of their own that take
everything at once. By processor time of the collector's, so that what else the machine does is left out as far as it
can be; the figure is the middle of so many rounds' ratios.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
import grpc.aio
from aiohttp import web

from benchmarks import Measure
from benchmarks.ingest import batches, run

ROUNDS = 3
BATCHES = 800
MARK = "at least 0.95"


def rows() -> list[Measure]:
    """A ratio for each kind of backend; 1 would be no cost at all."""
    return asyncio.run(_rows())


async def _rows() -> list[Measure]:
    bodies = batches(BATCHES)
    async with AsyncExitStack() as stack:
        http = [await stack.enter_async_context(_backend("http")) for _ in range(2)]
        by_grpc = await stack.enter_async_context(_backend("grpc"))
        hole = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        cases = {
            "exporting to one backend": http[:1],
            "to two": http,
            "to one by gRPC": [by_grpc],
            "to one that never answers": [f"http://127.0.0.1:{hole.getsockname()[1]}"],
        }
        ratios: dict[str, list[float]] = {case: [] for case in cases}
        for _ in range(ROUNDS):
            alone = (await run(bodies)).core
            for case, targets in cases.items():
                ratios[case].append((await run(bodies, *targets)).core / alone)
    return [
        Measure(f"stored a second, {case}", statistics.median(found), "x without", MARK)
        for case, found in ratios.items()
    ]


@asynccontextmanager
async def _backend(protocol: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.exporting", protocol),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield (await process.stdout.readline()).decode().strip()
    process.stdin.close()
    await process.wait()


async def _serve(protocol: str) -> None:
    """A backend that takes everything, until stdin is closed."""
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
