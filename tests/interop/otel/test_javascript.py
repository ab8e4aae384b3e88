"""OpenTelemetry's SDK for JavaScript as the sender, called by a program under the tracer. Run by `make interop`."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.interop.otel.support import peers
from tests.interop.otel.support.sdk import ReceivedSpan, received_spans
from tests.tracer.support.programs import tenure, write

pytestmark = pytest.mark.interop

ROOT = Path(__file__).parent.parent.parent.parent
PAYMENT = Path(__file__).parent / "javascript" / "payment.mjs"

SHOP = """
import asyncio, os, urllib.request
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(os.environ["COLLECTOR"] + "/v1/traces")))
tracer = provider.get_tracer("shop")

class Connection:
    async def __aenter__(self): pass
    async def __aexit__(self, *_): pass

async def main():
    with tracer.start_as_current_span("GET /orders", kind=SpanKind.SERVER):
        async with Connection():
            with tracer.start_as_current_span("POST", kind=SpanKind.CLIENT, attributes={"peer.service": "payment"}):
                headers = {}
                inject(headers)
                request = urllib.request.Request(os.environ["PAYMENT"], b"", headers)
                print((await asyncio.to_thread(urllib.request.urlopen, request)).read().decode())

asyncio.run(main())
provider.shutdown()
"""


class Payment:
    """The service in JavaScript; once it has ended, ``sent`` are its spans."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sent: list[dict[str, Any]] = []

    @property
    def made(self) -> dict[str, ReceivedSpan]:
        names = {sent["span"]: sent["name"] for sent in self.sent}
        return {
            sent["name"]: ReceivedSpan(
                sent["trace"],
                names.get(sent["parent"]),
                int(sent["start_ns"]),
                int(sent["end_ns"]),
                "no such topic: ☂" if sent["error"] else None,
            )
            for sent in self.sent
        }


@asynccontextmanager
async def paying(collector: str, protocol: str) -> AsyncIterator[Payment]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "scripts/node.py"), "node", str(PAYMENT), collector, protocol),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    async with asyncio.timeout(20):
        port = int(await process.stdout.readline())
    payment = Payment(f"http://127.0.0.1:{port}/charge")
    try:
        yield payment
    finally:
        process.terminate()
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    payment.sent = json.loads(out)


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
async def test_a_traced_program_and_a_service_in_javascript_are_one_diagram(tmp_path: Path, protocol: str) -> None:
    """Spans as the SDK made them, to the nanosecond, in the trace and under the call of the program."""
    write(tmp_path, app=SHOP)
    async with peers.serving(tmp_path / "store.sqlite") as collector:
        async with paying(collector.url, protocol) as payment:
            done = await asyncio.to_thread(
                lambda: tenure(
                    *(tmp_path, "run", "--collector", collector.url, "--service", "shop", "app.py"),
                    COLLECTOR=collector.url,
                    PAYMENT=payment.url,
                )
            )
        assert (done.status, done.stdout, done.stderr) == (0, "paid\n", "")
        made = payment.made
        found = await asyncio.to_thread(received_spans, collector.url, made["INSERT"].trace)
        diagram = await asyncio.to_thread(mermaid, collector.url, made["INSERT"].trace)

    parents = {name: span.parent for name, span in made.items()}
    assert parents == {"POST /charge": None, "INSERT": "POST /charge", "notify": "POST /charge"}
    assert found == made | {"POST /charge": made["POST /charge"]._replace(parent="payment")}
    labels = dict(re.findall(r"participant (p\d+)(?:@\{.*?\})? as (.+)", diagram))
    said = re.sub(r"p\d+", lambda match: labels[match[0]], re.sub(r".* as .*\n", "", diagram))
    for line in (
        r"client payment @ shop( #35;\d+)?-\)payment: request",
        r"payment->>\+Request POST /charge @ payment: request\(\)",
        r"payment->>\+postgresql payments @ payment: INSERT\(\)",
        r"main @ shop #35;\d+->>\+Connection @ shop #35;\d+: __aenter__\(\)",
    ):
        assert re.search(f"^    {line}$", said, re.MULTILINE), said


def mermaid(collector: str, trace: str) -> str:
    with urllib.request.urlopen(f"{collector}/api/diagram?format=mermaid&trace={trace}", timeout=5) as answer:
        return str(answer.read().decode())
