"""OpenTelemetry's own instrumentation of ASGI and of FastAPI: a request hangs under the span that it makes."""

import asyncio

import fastapi
import pytest
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.tracer.support.asgi_servers import by_hypercorn, by_uvicorn


async def hold(request):
    async with asyncio.Lock(), asyncio.TaskGroup() as group:
        group.create_task(hold_in_a_task())
    return PlainTextResponse("done")


async def hold_in_a_task():
    async with asyncio.Semaphore():
        await asyncio.sleep(0)


async def bare(scope, receive, send):
    if scope["type"] == "http":
        await hold(None)
        await PlainTextResponse("done")(scope, receive, send)


class Held:
    """A middleware that holds something before OpenTelemetry's begins its span."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async with asyncio.Semaphore():
            await self.app(scope, receive, send)


def instrumented_fastapi(provider):
    app = fastapi.FastAPI()

    @app.get("/orders/{order}")
    async def order(order: int):
        await hold(None)

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    return app


def starlette_within(provider):
    app = Starlette(routes=[Route("/orders/{order}", hold)])
    return OpenTelemetryMiddleware(app, tracer_provider=provider)


def middleware_of_starlette(provider):
    middleware = [Middleware(Held), Middleware(OpenTelemetryMiddleware, tracer_provider=provider)]
    return Starlette(routes=[Route("/orders/{order}", hold)], middleware=middleware)


def bare_within(provider):
    return OpenTelemetryMiddleware(bare, tracer_provider=provider)


@pytest.fixture
def provider():
    """Its spans are kept, for ``spans_of``."""
    provider = TracerProvider()
    provider.exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(provider.exporter))
    return provider


def spans_of(provider):
    """The trace and the id of each request's span, as they travel."""
    spans = [span.context for span in provider.exporter.get_finished_spans() if span.kind is SpanKind.SERVER]
    return [(span.trace_id.to_bytes(16, "big"), span.span_id.to_bytes(8, "big")) for span in spans]


@pytest.mark.parametrize("serve", [by_uvicorn, by_hypercorn])
@pytest.mark.parametrize(
    ("build", "name"),
    [
        (instrumented_fastapi, "GET /orders/{order}"),
        (starlette_within, "GET /orders/{order}"),
        (bare_within, "GET"),
    ],
)
def test_a_request_and_all_that_it_holds_hang_under_its_span(recorder, provider, serve, build, name):
    """The request is the root, its trace the span's; what its tasks hold is below it too."""
    assert asyncio.run(serve(build(provider), "GET /orders/17")) == ["200"]
    (ids,) = spans_of(provider)
    tree = [line.partition(": ")[0].count("  ") * "  " + line.partition(": ")[2] for line in recorder.tree()]
    start = tree.index(f"Request {name}")
    assert tree[start:] == [f"Request {name}", "  Lock", "    TaskGroup", "      Semaphore"]
    traces = recorder.traces()[start:]
    assert {(trace.link, trace.otel_trace_id, trace.otel_parent_id) for trace in traces} == {(0, *ids)}
    assert len({trace.root for trace in traces}) == 1


def test_what_a_middleware_holds_before_the_span_begins_is_of_its_trace_as_well(recorder, provider):
    """The request began before both."""
    asyncio.run(by_uvicorn(middleware_of_starlette(provider), "GET /orders/17", lifespan="off"))
    (ids,) = spans_of(provider)
    assert len(recorder.traces()) == 5
    assert {(trace.otel_trace_id, trace.otel_parent_id) for trace in recorder.traces()} == {ids}


def test_each_request_has_its_own_span(recorder, provider):
    """One after the other, on one server."""
    asyncio.run(by_uvicorn(instrumented_fastapi(provider), "GET /orders/1", "GET /orders/2", lifespan="off"))
    pairs = zip(recorder.lines(), recorder.traces(), strict=True)
    requests = [(trace.otel_trace_id, trace.otel_parent_id) for line, trace in pairs if "Request GET" in line]
    assert requests == spans_of(provider)
    assert len(set(requests)) == 2
