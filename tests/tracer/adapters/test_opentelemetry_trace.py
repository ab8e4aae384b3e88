"""The active span of OpenTelemetry as a root's parent."""

import asyncio
import weakref

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from tests.tracer.support.programs import python, write

from tenure import _probe_api as probe
from tenure._assembly import open_lifecycles
from tenure._core import buffer
from tenure._identify import otel_context
from tenure.wire import Trace


class Manager:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None


tracer = TracerProvider().get_tracer("test")


async def request(spans):
    with tracer.start_as_current_span("request") as span:
        spans.append(span)
        async with Manager():
            with tracer.start_as_current_span("inner"):
                async with Manager():
                    pass


async def several(spans):
    for name in ("first", "second"):
        with tracer.start_as_current_span(name) as span:
            spans.append(span)
            async with Manager():
                pass
    async with Manager():
        pass


async def worker(lock):
    async with lock:
        pass


async def creating(worker, spans):
    with tracer.start_as_current_span("request") as span:
        spans.append(span)
        async with Manager():
            with tracer.start_as_current_span("other"):
                await asyncio.create_task(worker(asyncio.Lock()))


async def nested(spans):
    async with Manager():
        with tracer.start_as_current_span("request") as span:
            spans.append(span)
            async with Manager():
                pass


async def within(broken):
    token = context.attach(trace.set_span_in_context(broken))
    async with Manager():
        pass
    context.detach(token)


@pytest.fixture
def traces(recorder):
    """Runs a coroutine and tells of every lifecycle the wire's trace."""

    def run(main):
        recorder.run(main)
        return recorder.traces()

    return run


def ids(span):
    found = span.get_span_context()
    return found.trace_id.to_bytes(16, "big"), found.span_id.to_bytes(8, "big")


def test_a_root_hangs_under_the_active_span_and_what_it_holds_is_of_its_trace(traces, rewritten):
    """A span that begins within a lifecycle changes nothing about what hangs under that."""
    spans = []
    assert traces(rewritten(request)(spans)) == [Trace(1, 0, *ids(spans[0]))] * 2


def test_roots_of_several_spans_and_of_none(traces, rewritten):
    """Each has its own; where no span is active the trace is ours."""
    spans = []
    assert traces(rewritten(several)(spans)) == [Trace(1, 0, *ids(spans[0])), Trace(2, 0, *ids(spans[1])), Trace(3)]


def test_a_task_of_a_lifecycle_is_of_its_trace_whatever_span_is_active(traces, rewritten):
    """Its first lifecycle is no root; that it is entered by a class patch makes no difference."""
    spans = []
    assert traces(rewritten(creating)(worker, spans)) == [Trace(1, 0, *ids(spans[0]))] * 2


def test_a_root_under_what_is_held_for_long_keeps_its_link(traces, rewritten, monkeypatch):
    """And hangs under its span."""
    monkeypatch.setattr(open_lifecycles, "LONG_HELD_NS", 0)
    spans = []
    assert traces(rewritten(nested)(spans)) == [Trace(1), Trace(2, 1, *ids(spans[0]))]


def test_a_root_that_a_class_patch_sees_hangs_under_the_active_span(traces):
    """As one in rewritten code does."""
    spans = []

    async def main():
        with tracer.start_as_current_span("request") as span:
            spans.append(span)
            await worker(asyncio.Lock())

    assert traces(main()) == [Trace(1, 0, *ids(spans[0]))]


@pytest.mark.parametrize("broken", [trace.INVALID_SPAN, "no span at all"])
def test_a_context_without_a_valid_span_leaves_the_trace_ours(traces, rewritten, broken):
    """Whatever a program put into its context."""
    assert traces(rewritten(within)(broken)) == [Trace(1)]


@web.middleware
async def in_a_span(request, handler):
    """What OpenTelemetry's instrumentation of aiohttp does: its span begins within the request."""
    async with asyncio.timeout(5):
        with tracer.start_as_current_span("GET /") as span:
            request.app[SPANS].append(span)
            return await handler(request)


async def hold(request):
    await asyncio.sleep(request.app[PAUSE])
    async with request.app[LOCK]:
        return web.Response()


@pytest.fixture
def ask(recorder):
    """Asks a server whose middleware begins a span; tells the span, and what the shipping thread would say meanwhile.

    That is, for each lifecycle below the request each time that it is shipped, the trace that it is said to be of.
    """

    def flush(told):
        book = recorder._recorder._ledger
        book.add_entries(buffer.drain())
        for batch in book.batches(0, {}):
            requests = {row.id for row in batch.rows if batch.resources[row.resource].kind == "aiohttp.web.Request"}
            traces = [batch.traces[row.trace] for row in batch.rows]
            told += [trace for trace in traces if trace.root in requests or trace.root in {one.root for one in told}]

    async def one_request(told, pause):
        app = web.Application(middlewares=[in_a_span])
        app[SPANS], app[LOCK], app[PAUSE] = [], asyncio.Lock(), pause
        app.router.add_get("/", hold)
        async with TestServer(app) as server, TestClient(server) as client:
            request = asyncio.create_task(client.get("/"))
            while not request.done():
                await asyncio.sleep(0.02)  # the interval of shipping
                flush(told)
            await request
        return app[SPANS][0]

    def run(pause):
        told = []
        span = asyncio.run(one_request(told, pause))
        flush(told)
        return span, told

    return run


SPANS = web.AppKey("SPANS", list)
LOCK = web.AppKey("LOCK", asyncio.Lock)
PAUSE = web.AppKey("PAUSE", float)


def test_a_request_takes_the_span_that_a_middleware_begins_for_it(ask):
    """With all that it holds, what it entered before that span included."""
    span, told = ask(0.01)
    root = told[0].root
    assert len(told) == 3
    assert set(told) == {Trace(root, 0, *ids(span))}


def test_a_request_that_waits_long_for_its_first_lifecycle_is_shipped_without(ask):
    """It is to be seen while it runs; and once its trace is told, it stays that."""
    _, told = ask(0.2)
    root = told[0].root
    assert len(told) > 3
    assert set(told) == {Trace(root)}


def test_records_come_alone_again_when_recording_ends(recorder):
    """Nothing of ours stays in the way."""
    reader = otel_context.observe(lambda: None, trace.get_current_span)
    probe.set_context(reader)
    kept = weakref.ref(reader)
    del reader
    assert kept() is not None
    recorder.stop()
    assert kept() is None


def test_opentelemetry_is_not_imported_for_the_program(tmp_path):
    """A program without it never pays for it."""
    write(
        tmp_path,
        app="""
        import sys, tenure
        tenure.install(collector="http://127.0.0.1:1")
        print([name for name in sys.modules if name.startswith("opentelemetry")])
        import opentelemetry.trace
        from tenure._identify import otel_context as active
        print(active.is_watched())
        """,
    )
    done = python(tmp_path, "app.py")
    assert (done.status, done.stdout) == (0, "[]\nTrue\n"), done.stderr
