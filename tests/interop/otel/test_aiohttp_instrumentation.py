"""opentelemetry-instrumentation-aiohttp-server in a traced program. Run by `make interop`.

It wants an SDK of its very own version, so it lies in the environment whose Python is $TENURE_INTEROP_PYTHON.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.interop.otel.support import peers
from tests.interop.otel.support.sdk import ask
from tests.tracer.support.programs import write

pytestmark = pytest.mark.interop

PYTHON = os.environ.get("TENURE_INTEROP_PYTHON", "")
ROOT = Path(__file__).parent.parent.parent.parent

SHOP = """
import asyncio, os
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(os.environ["COLLECTOR"] + "/v1/traces")))
trace.set_tracer_provider(provider)
AioHttpServerInstrumentor().instrument()

from aiohttp import ClientSession, web

async def main():
    lock = asyncio.Lock()

    async def order(request):
        async with lock:
            return web.Response(text="ordered")

    app = web.Application()
    app.router.add_get("/orders/{id}", order)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with ClientSession() as session:
        for number in range(2):
            async with session.get(f"http://127.0.0.1:{port}/orders/{number}") as answer:
                print(await answer.text())
    await runner.cleanup()

asyncio.run(main())
provider.shutdown()
"""


async def test_a_request_hangs_under_the_span_of_the_instrumentation(tmp_path: Path) -> None:
    """In its trace, and all that the request holds below it."""
    write(tmp_path, app=SHOP)
    async with peers.serving(tmp_path / "store.sqlite") as collector:
        process = await asyncio.create_subprocess_exec(
            *(PYTHON, "-m", "tenure", "run", "--collector", collector.url, "--service", "shop", "app.py"),
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT / "tracer"), "COLLECTOR": collector.url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
        assert (process.returncode, out.decode(), err.decode()) == (0, "ordered\n" * 2, "")
        traces = (await asyncio.to_thread(ask, f"{collector.url}/api/traces"))["items"]
        trees = [
            await asyncio.to_thread(ask, f"{collector.url}/api/lifecycles?trace={item['id']}")
            for item in traces
            if item["name"].startswith("GET")
        ]

    span, request = ("Request", "GET /orders/{id}"), ("aiohttp.web.Request", "GET /orders/{id}")
    for tree in trees:
        names = {item["id"]: (item["resource"]["kind"], item["resource"]["name"]) for item in tree["items"]}
        assert {names[item["id"]]: names.get(item["parent"]) for item in tree["items"]} == {
            span: None,
            request: span,
            ("asyncio.locks.Lock", "lock"): request,
        }
    assert len(trees) == 2
