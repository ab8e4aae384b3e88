"""``tenure export --to otlp``: spans as lines of a file, or sent to a backend."""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.server.support.grpc_backend import GrpcBackend, serving_grpc
from tests.server.support.otlp_backend import Backend
from tests.server.support.recordings import recording
from tests.server.support.spans import give, group, span

from tenure import wire
from tenure_server.cli import export
from tenure_server.export import one_shot
from tenure_server.export.batching import Backoff

Captured = pytest.CaptureFixture[str]


def program_of_spans() -> Program:
    """A wait with its holder, a root under a program's own span, and a root with something held around it."""
    program = Program()
    program.use("worker-1", "Lock stock", acquire=0, wait=0, hold=20, release=0)
    program.use("worker-2", "Lock stock", acquire=10, wait=10, hold=1, release=1)
    outer = program.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=1)
    root = program.use("main", "Lock paper", acquire=30, wait=0, hold=1, release=0)
    program.traces[root.root] = wire.Trace(root.root, outer.id, b"\x01" * 16, b"\x02" * 8)
    return program


def parsed(line: str) -> ExportTraceServiceRequest:
    """By protobuf's own reader, which wants ids in base64."""
    document: dict[str, Any] = json.loads(line)

    def spell(of: dict[str, Any]) -> None:
        for name in {"traceId", "spanId", "parentSpanId"} & of.keys():
            of[name] = b64encode(bytes.fromhex(of[name])).decode()

    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for item in scope["spans"]:
                spell(item)
                for link in item.get("links", []):
                    spell(link)
    return ParseDict(document, ExportTraceServiceRequest())


async def run(*arguments: str) -> int:
    return await asyncio.to_thread(export.main, [*arguments, "--to", "otlp"])


async def test_the_lines_of_a_recording_are_what_a_backend_is_sent(
    tmp_path: Path, backend: Backend, capsys: Captured
) -> None:
    """One request a line, in OTLP's JSON: parsed, it equals the protobuf, links and parents included."""
    source = str(recording(tmp_path / "run.json", program_of_spans().batch(final=True)))
    assert await run(source, "-o", str(tmp_path / "spans.jsonl")) == 0
    assert await run(source, "-o", backend.url) == 0

    lines = (tmp_path / "spans.jsonl").read_text(encoding="utf-8").splitlines()
    assert [parsed(line) for line in lines] == backend.requests
    assert len(backend.spans) == 4
    assert {span.parent_span_id.hex() for span in backend.spans} == {"", "02" * 8}
    links = {(span.name, link.attributes[0].value.string_value) for span in backend.spans for link in span.links}
    assert links == {("Lock stock", "waited_for"), ("Lock paper", "held_around")}
    assert capsys.readouterr() == ("", f"tenure: 4 spans sent to {backend.url}\n")


async def test_a_backend_gets_the_same_by_grpc(tmp_path: Path, backend: Backend, capsys: Captured) -> None:
    """The very same request."""
    source = str(recording(tmp_path / "run.json", program_of_spans().batch(final=True)))
    assert await run(source, "-o", backend.url) == 0
    async with serving_grpc(GrpcBackend()) as by_grpc:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tenure", "export", source, "--to", "otlp", "-o", by_grpc.url),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()

    assert (process.returncode, said.decode()) == (0, f"tenure: 4 spans sent to {by_grpc.url}\n")
    assert by_grpc.requests == backend.requests


async def test_a_collector_gives_the_same_spans_as_a_recording(
    tmp_path: Path, collector: Collector, capsys: Captured
) -> None:
    """In the order of their acquire; what came to it as spans stays out."""
    batch = program_of_spans().batch(final=True)
    await collector.post(batch)
    await give(collector, group("payments", span(1, "charge", begin=0, end=5)))

    assert await run(collector.url) == 0
    asked = parsed(capsys.readouterr().out)
    assert await run(str(recording(tmp_path / "run.json", batch))) == 0
    recorded = parsed(capsys.readouterr().out)

    def spans(request: ExportTraceServiceRequest) -> dict[bytes, Any]:
        (of_process,) = request.resource_spans
        (scope,) = of_process.scope_spans
        return {span.span_id: span for span in scope.spans}

    assert spans(asked) == spans(recorded)
    assert asked.resource_spans[0].resource == recorded.resource_spans[0].resource


async def test_one_trace_alone_is_exported_where_it_is_asked_for(tmp_path: Path, capsys: Captured) -> None:
    """And one that is not there is named, with those that are."""
    program = program_of_spans()
    source = str(recording(tmp_path / "run.json", program.batch(final=True)))
    assert await run(source, "--trace", program.trace_id(2)) == 0
    (of_process,) = parsed(capsys.readouterr().out).resource_spans
    assert [span.trace_id.hex() for span in of_process.scope_spans[0].spans] == [program.trace_id(2)]

    assert await run(source, "--trace", "nobody") == 2
    assert capsys.readouterr().err.startswith(f"tenure: trace 'nobody' is not in {source} (known traces: ")


async def test_what_is_still_open_is_no_span_and_that_is_said(tmp_path: Path, capsys: Captured) -> None:
    """A program that runs on: what it holds now will be a span when it is released."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    source = str(recording(tmp_path / "run.json", program.batch()))
    assert await run(source) == 0
    assert capsys.readouterr() == (
        "",
        "tenure: 1 lifecycles are still open: they have no span yet and are not exported\n",
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second attempt comes at once."""
    monkeypatch.setattr(one_shot, "Backoff", lambda: Backoff(0.01, 0.02))


@pytest.mark.usefixtures("quick")
async def test_a_backend_that_puts_it_off_is_tried_again(tmp_path: Path, backend: Backend, capsys: Captured) -> None:
    """After Retry-After where it says so; what it rejects is said with its own words; nothing is sent twice."""
    backend.answers = [(503, {}), (429, {"Retry-After": "0"}), 1]
    source = str(recording(tmp_path / "run.json", program_of_spans().batch(final=True)))
    assert await run(source, "-o", backend.url) == 0
    assert sorted(backend.taken.values()) == [1, 1, 1]
    assert capsys.readouterr().err.startswith(f"tenure: 3 spans sent to {backend.url}, 1 rejected")


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            [(400, {})],
            "refused 4 spans: 400 not today (0 spans were sent; exporting again repeats their ids)",
        ),
        (
            [(503, {})] * 6,
            "cannot be reached: 503 not today (0 spans were sent; exporting again repeats their ids)",
        ),
    ],
)
async def test_a_backend_that_does_not_take_them_is_an_error(
    answers: list[Any], said: str, tmp_path: Path, backend: Backend, capsys: Captured
) -> None:
    """Exit code 2, the backend's words, and how much it has."""
    backend.answers = answers
    source = str(recording(tmp_path / "run.json", program_of_spans().batch(final=True)))
    assert await run(source, "-o", backend.url) == 2
    assert capsys.readouterr().err == f"tenure: {backend.url}/v1/traces {said}\n"


async def test_a_request_that_is_too_large_is_halved(tmp_path: Path, backend: Backend) -> None:
    """Until it is taken."""
    backend.answers = [(413, {}), (413, {})]
    source = str(recording(tmp_path / "run.json", program_of_spans().batch(final=True)))
    assert await run(source, "-o", backend.url) == 0
    assert sorted(backend.taken.values()) == [1, 1, 1, 1]
    assert [len(request.resource_spans[0].scope_spans[0].spans) for request in backend.requests] == [4, 2, 1, 1, 2]
