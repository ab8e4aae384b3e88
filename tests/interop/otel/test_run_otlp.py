"""``tenure run --otlp`` and ``tenure.install(otel=True)``: the program exports spans itself, without a collector."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.server.support.otlp_backend import Backend, serving
from tests.tracer.support.programs import Done, python, tenure, write

from tenure import UsageError
from tenure._sinks import otel_sinks

APP = """
import asyncio, os, sys, tenure

class Connection:
    async def __aenter__(self): print("connected")
    async def __aexit__(self, *_): print("disconnected")

async def main():
    for _ in range(COUNT):
        async with Connection():
            pass
    PLUS

asyncio.run(main())
"""


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    async with serving(Backend()) as running:
        yield running


async def run(directory: Path, url: str, *, count: int = 3, plus: str = "pass", **environment: str) -> Done:
    write(directory, app=APP.replace("COUNT", str(count)).replace("PLUS", plus))
    environment = {"TENURE_COLLECTOR": "http://127.0.0.1:1", **environment}
    return await asyncio.to_thread(tenure, directory, "run", "--otlp", url, "app.py", **environment)


async def test_every_lifecycle_arrives_and_the_program_is_as_without(backend: Backend, tmp_path: Path) -> None:
    """No collector is asked; headers come from the environment."""
    done = await run(tmp_path, backend.url, OTEL_EXPORTER_OTLP_HEADERS="x-key=secret", OTEL_SERVICE_NAME="shop")

    assert done == Done(0, "connected\ndisconnected\n" * 3, "")
    assert backend.names == ["Connection"] * 3
    assert set(backend.taken.values()) == {1}
    assert backend.headers[0]["x-key"] == "secret"
    resource = {
        attribute.key: attribute.value for attribute in backend.requests[0].resource_spans[0].resource.attributes
    }
    assert resource["service.name"].string_value == "shop"


async def test_many_lifecycles_arrive_once_each(backend: Backend, tmp_path: Path) -> None:
    """More than go into one request, with a backend that asks for time in between and one that is gone for a while."""
    backend.answers = [(429, {"Retry-After": "0"}), (503, {})]
    done = await run(tmp_path, backend.url, count=2_000, plus="await asyncio.sleep(1)")

    assert (done.status, backend.taken.total(), set(backend.taken.values())) == (0, 2_000, {1})
    assert done.stderr == (
        f"tenure: OpenTelemetry at {backend.url} answers 429; the program continues, up to 50,000 spans are kept"
        " (is the address correct? see --otlp and OTEL_EXPORTER_OTLP_HEADERS)\n"
    )


async def test_a_signal_after_the_loop_has_closed_loses_no_span(backend: Backend, tmp_path: Path) -> None:
    """Nobody handles it, so no goodbye is said: every span came before, and none is an error."""
    write(tmp_path, app=APP.replace("COUNT", "3").replace("PLUS", "pass") + "os.kill(os.getpid(), 15)")
    done = await asyncio.to_thread(tenure, tmp_path, "run", "--otlp", backend.url, "app.py")

    assert (done.status, done.stderr) == (-15, "")
    assert [span.name for span in backend.spans] == ["Connection"] * 3
    assert [span.status.code for span in backend.spans] == [0] * 3


async def test_what_is_held_at_the_end_is_abandoned(backend: Backend, tmp_path: Path) -> None:
    """It is an error, with the phase that it was left in."""
    leave = "async with Connection(): sys.stdout.flush(); tenure.uninstall(); os._exit(0)"
    await run(tmp_path, backend.url, count=0, plus=leave)

    (span,) = backend.spans
    assert (span.name, span.status.code, span.status.message) == (
        "Connection", 2, "abandoned while held: the process ended",
    )  # fmt: skip


async def test_a_fork_is_a_process_of_its_own(backend: Backend, tmp_path: Path) -> None:
    """Each with its instance id."""
    write(
        tmp_path,
        app="""
        import asyncio, multiprocessing
        class Connection:
            async def __aenter__(self): pass
            async def __aexit__(self, *_): pass
        async def main():
            async with Connection():
                pass
        def child():
            asyncio.run(main())
        if __name__ == "__main__":
            asyncio.run(main())
            process = multiprocessing.get_context("fork").Process(target=child)
            process.start()
            process.join()
        """,
    )
    done = await asyncio.to_thread(tenure, tmp_path, "run", "--otlp", backend.url, "app.py")

    assert (done.status, done.stderr) == (0, "")
    instances = {
        attribute.value.string_value
        for request in backend.requests
        for group in request.resource_spans
        for attribute in group.resource.attributes
        if attribute.key == "service.instance.id"
    }
    assert (len(instances), len(backend.taken)) == (2, 2)


async def test_a_backend_that_is_gone_costs_one_line(tmp_path: Path) -> None:
    """And one that says what was lost; the program does not wait."""
    url = "http://127.0.0.1:1"
    done = await run(tmp_path, url)

    assert (done.status, done.stdout) == (0, "connected\ndisconnected\n" * 3)
    assert done.stderr == (
        f"tenure: OpenTelemetry at {url} does not answer (Connection refused); the program continues, up to 50,000"
        " spans are kept (is the address correct? see --otlp and OTEL_EXPORTER_OTLP_HEADERS)\n"
        f"tenure: 3 lifecycles were lost: OpenTelemetry at {url} did not accept them before the program exited"
        " (is it running?)\n"
    )


async def test_a_backend_that_refuses_is_not_asked_again(backend: Backend, tmp_path: Path) -> None:
    """What is lost is said."""
    backend.answers = [(401, {})]
    done = await run(tmp_path, backend.url)

    assert len(backend.requests) == 1
    assert done.stderr.startswith(f"tenure: OpenTelemetry at {backend.url} refused spans: 401")


GRPC_LINE = (
    "tenure: 'grpc://127.0.0.1:4317' is a gRPC address, and a traced program exports by OTLP/HTTP only:"
    " gRPC's threads do not survive a fork (give an address such as http://127.0.0.1:4318,"
    " or export from the collector:"
    " tenure serve --otlp grpc://127.0.0.1:4317)\n"
)


@pytest.mark.parametrize(
    ("url", "headers", "line"),
    [
        ("ftp://x", "", "tenure: invalid OTLP/HTTP address 'ftp://x' (expected, for example, http://127.0.0.1:4318)\n"),
        (
            "grpc://127.0.0.1:4317", "",
            GRPC_LINE,
        ),
        (
            "http://127.0.0.1:1", "secret",
            "tenure: $OTEL_EXPORTER_OTLP_HEADERS is not a list of headers (write name=value,name=value)\n",
        ),
    ],
)  # fmt: skip
async def test_what_is_no_address_is_refused_at_the_start(tmp_path: Path, url: str, headers: str, line: str) -> None:
    """Exit code 2, one line, and the program has not run."""
    assert await run(tmp_path, url, OTEL_EXPORTER_OTLP_HEADERS=headers) == Done(2, "", line)


def test_without_opentelemetry_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK is an extra."""

    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named 'opentelemetry' ({name})", name="opentelemetry")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UsageError, match=r"^--otlp needs OpenTelemetry's SDK.*\(pip install 'tenure\[otlp\]'\)$"):
        otel_sinks.to_otlp("http://127.0.0.1:4318")


INTO_PROGRAM = """
import tenure
tenure.install(otel=True)
import asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

exporter = InMemorySpanExporter()
provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(RATIO)))
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)

class Connection:
    async def __aenter__(self): pass
    async def __aexit__(self, *_): pass

async def main():
    async with tenure.track(Connection(), "outer"):
        with trace.get_tracer("app").start_as_current_span("request"):
            async with tenure.track(Connection(), "inner"):
                pass
    with trace.get_tracer("app").start_as_current_span("request"):
        async with tenure.track(Connection(), "alone"), tenure.track(Connection(), "within"):
            pass

asyncio.run(main())
tenure.uninstall()
finished = exporter.get_finished_spans()
names = {span.context.span_id: span.name for span in finished}
for span in sorted(finished, key=lambda span: span.start_time):
    parent = names[span.parent.span_id] if span.parent else None
    print(span.name, "<", parent, "|", span.instrumentation_scope.name, len(span.events))
"""


async def test_lifecycles_go_into_the_program_s_own_provider(tmp_path: Path) -> None:
    """Under the program's spans, each other and nobody; no collector is asked."""
    write(tmp_path, app=INTO_PROGRAM.replace("RATIO", "1"))
    done = await asyncio.to_thread(python, tmp_path, "app.py")

    assert done == Done(
        0,
        "Connection outer < None | tenure 2\n"
        "request < None | app 0\n"
        "Connection inner < Connection outer | tenure 2\n"
        "request < None | app 0\n"
        "Connection alone < request | tenure 2\n"
        "Connection within < Connection alone | tenure 2\n",
        "",
    )


async def test_the_program_s_sampler_decides(tmp_path: Path) -> None:
    """What it leaves out of its own traces, ours stay out of too."""
    write(tmp_path, app=INTO_PROGRAM.replace("RATIO", "0"))
    assert await asyncio.to_thread(python, tmp_path, "app.py") == Done(0, "", "")
