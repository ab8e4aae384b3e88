"""OpenTelemetry's own SDK as the sender, and a traced program that calls a service with it."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from tests.interop.otel.support.peers import Collector, serving
from tests.interop.otel.support.sdk import pay, received_spans
from tests.tracer.support.programs import tenure, write

PROGRAM = """
import asyncio, os
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
                print(headers["traceparent"])

asyncio.run(main())
provider.shutdown()
"""


async def ask(collector: Collector, path: str) -> str:
    def get() -> str:
        with urllib.request.urlopen(f"{collector.url}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(get)


async def items(collector: Collector, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(await ask(collector, path))["items"]
    return found


def over_http(collector: Collector) -> OTLPSpanExporter:
    return OTLPSpanExporter(f"{collector.url}/v1/traces", compression=Compression.Gzip)


async def test_spans_stand_in_the_store_as_the_sdk_made_them(tmp_path: Path) -> None:
    """Through its exporter over HTTP: trace, parent, times to the nanosecond and errors."""
    async with serving(tmp_path / "store.sqlite") as collector:
        made = await asyncio.to_thread(pay, over_http(collector))
        found = await asyncio.to_thread(received_spans, collector.url, made["INSERT"].trace)

    assert found == made
    assert (made["INSERT"].parent, made["notify"].error) == ("POST /charge", "no such topic: ☂")


async def test_a_traced_program_and_a_plain_service_are_one_diagram(tmp_path: Path) -> None:
    """Tracer, SDK beside it, and an SDK elsewhere: one trace, each under the span or lifecycle that it was in."""
    write(tmp_path, app=PROGRAM)
    async with serving(tmp_path / "store.sqlite") as collector:
        done = await asyncio.to_thread(
            lambda: tenure(
                *(tmp_path, "run", "--collector", collector.url, "--service", "shop", "app.py"),
                COLLECTOR=collector.url,
            )
        )
        assert (done.status, done.stderr) == (0, "")
        await asyncio.to_thread(pay, over_http(collector), done.stdout.strip())

        (found,) = await items(collector, "/api/traces")
        assert (found["name"], found["lifecycles"], sorted(found["services"])) == (
            "GET /orders", 6, ["payment", "shop"],
        )  # fmt: skip
        every = await items(collector, f"/api/lifecycles?trace={found['id']}")
        names = {item["id"]: item["resource"]["name"] or item["resource"]["kind"].rpartition(".")[2] for item in every}
        assert {names[item["id"]]: names.get(item["parent"]) for item in every} == {
            "GET /orders": None,
            "Connection": "GET /orders",
            "payment": "GET /orders",
            "POST /charge": "payment",
            "payments": "POST /charge",
            "notify": "POST /charge",
        }
        diagram = (await ask(collector, f"/api/diagram?format=mermaid&trace={found['id']}")).replace("#35;", "#")
        processes = await items(collector, "/api/processes")
    labels = dict(re.findall(r"participant (p\d+)(?:@\{.*?\})? as (.+)", diagram))
    called = {item["id"]: item["name"] for item in processes}
    process = {names[item["id"]]: called[item["process"]] for item in every}
    shop, traced = process["GET /orders"], process["Connection"]
    assert len(labels) == 9, diagram
    said = re.sub(r"p\d+", lambda found: labels[found[0]], re.sub(r".* as .*\n", "", diagram))
    for line in (
        f"Request GET /orders @ {shop}-)main @ {traced}: request",
        f"main @ {traced}->>+Connection @ {traced}: __aenter__()",
        f"client payment @ {shop}-)payment: request",
        "payment->>+postgresql payments @ payment: INSERT()",
    ):
        assert f"    {line}\n" in said, said
