"""OpenTelemetry's own SDK as the sender: its spans, and a program under the tracer that calls a plain service."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind
from tests.interop.otel.peers import Collector, serving
from tests.tracer.programs import tenure, write

# The SDK's own encoder, and a POST as the HTTP exporter makes it. It stands in the program under test too.
EXPORTER = """
class Exporter(SpanExporter):
    def __init__(self, url):
        self.url = url + "/v1/traces"

    def export(self, spans):
        body = encode_spans(spans).SerializeToString()
        request = urllib.request.Request(self.url, gzip.compress(body), {
            "Content-Type": "application/x-protobuf", "Content-Encoding": "gzip",
        })
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.read() == b"", answer
        return SpanExportResult.SUCCESS
"""

PROGRAM = """
import asyncio, gzip, os, urllib.request
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.propagate import inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind
EXPORTER
provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(BatchSpanProcessor(Exporter(os.environ["COLLECTOR"])))
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
                print(headers["traceparent"])

asyncio.run(main())
provider.shutdown()
"""


class Exporter(SpanExporter):
    """As in the program."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/v1/traces"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        body = encode_spans(spans).SerializeToString()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/x-protobuf"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.read() == b""
        return SpanExportResult.SUCCESS


async def ask(collector: Collector, path: str) -> str:
    def get() -> str:
        with urllib.request.urlopen(f"{collector.url}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(get)


async def items(collector: Collector, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(await ask(collector, path))["items"]
    return found


def pay(url: str, traceparent: str) -> None:
    """What the plain service does with the call that it gets."""
    provider = TracerProvider(resource=Resource.create({"service.name": "payment"}))
    provider.add_span_processor(BatchSpanProcessor(Exporter(url)))
    tracer = provider.get_tracer("payment")
    _, trace_id, span_id, _ = traceparent.split("-")
    caller = trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=trace.TraceFlags(1))
    context = trace.set_span_in_context(trace.NonRecordingSpan(caller))
    with (
        tracer.start_as_current_span("POST /charge", context, SpanKind.SERVER),
        tracer.start_as_current_span("INSERT", kind=SpanKind.CLIENT, attributes={"db.system.name": "postgresql"}),
    ):
        pass
    provider.shutdown()


async def test_a_traced_program_and_a_plain_service_are_one_diagram(tmp_path: Path) -> None:
    """Tracer, SDK beside it, and an SDK elsewhere: one trace, each under the span or lifecycle that it was in."""
    write(tmp_path, app=PROGRAM.replace("EXPORTER", EXPORTER))
    async with serving(tmp_path / "store.sqlite") as collector:
        done = await asyncio.to_thread(
            lambda: tenure(
                *(tmp_path, "run", "--collector", collector.url, "--service", "shop", "app.py"),
                COLLECTOR=collector.url,
            )
        )
        assert (done.status, done.stderr) == (0, "")
        await asyncio.to_thread(pay, collector.url, done.stdout.strip())

        (found,) = await items(collector, "/api/traces")
        assert (found["name"], found["lifecycles"], sorted(found["services"])) == (
            "GET /orders", 5, ["payment", "shop"],
        )  # fmt: skip
        every = await items(collector, f"/api/lifecycles?trace={found['id']}")
        names = {one["id"]: one["resource"]["name"] or one["resource"]["kind"].rpartition(".")[2] for one in every}
        assert {names[one["id"]]: names.get(one["parent"]) for one in every} == {
            "GET /orders": None,
            "Connection": "GET /orders",
            "payment": "GET /orders",
            "POST /charge": "payment",
            "postgresql": "POST /charge",
        }
        diagram = await ask(collector, f"/api/diagram?format=mermaid&trace={found['id']}")
    labels = dict(re.findall(r"participant (p\d+)(?:@\{.*?\})? as (.+)", diagram))
    process = {names[one["id"]]: one["process"][:4] for one in every}
    shop, traced = process["GET /orders"], process["Connection"]
    assert len(labels) == 8, diagram
    said = re.sub(r"p\d+", lambda found: labels[found[0]], re.sub(r".* as .*\n", "", diagram))
    for line in (
        f"Request GET /orders @ shop {shop}-)main @ shop {traced}: request",
        f"main @ shop {traced}->>+Connection @ shop {traced}: __aenter__()",
        f"client payment @ shop {shop}-)payment: request",
        "payment->>+postgresql @ payment: INSERT()",
    ):
        assert f"    {line}\n" in said, said
