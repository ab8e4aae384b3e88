"""What one lifecycle costs the program: the ways of recording it, side by side in one process.

A round runs each way once, a few thousand times in a loop; ratios are taken within a round, and the median of the
rounds is shown, so that whatever else the machine does hits all of them alike. The manager does nothing.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
from collections.abc import Awaitable, Callable
from types import ModuleType

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import tenure
from benchmarks import Measure
from tenure import buffer, importhook, session, wire

ROUNDS, TIMES, SPANS = 40, 2_000, 200

PROGRAM = """
from time import perf_counter_ns

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return False

class Other(Manager): pass

async def loop(times):
    begin = perf_counter_ns()
    for _ in range(times):
        async with Manager():
            pass
    return (perf_counter_ns() - begin) / times

async def once():
    async with Manager():
        pass

async def calls(times):
    begin = perf_counter_ns()
    for _ in range(times):
        await once()
    return (perf_counter_ns() - begin) / times

async def tracked(times):
    manager = Other()
    track(manager, "tracked")
    begin = perf_counter_ns()
    for _ in range(times):
        async with manager:
            pass
    return (perf_counter_ns() - begin) / times

async def spans(times):
    begin = perf_counter_ns()
    for _ in range(times):
        with tracer.start_as_current_span("Manager", attributes=ATTRIBUTES) as span:
            async with Manager():
                span.add_event("acquired")
            span.add_event("released")
    return (perf_counter_ns() - begin) / times
"""
ATTRIBUTES = {
    "code.file.path": "/home/me/app/program.py",
    "code.line.number": 12,
    "code.function.name": "loop",
    "tenure.expression": "Manager()",
    "tenure.resource.kind": "program.Manager",
    "tenure.resource.name": "",
    "tenure.task.name": "main",
}

Way = Callable[[int], Awaitable[float]]


class Nowhere:
    """A sink that takes batches as the collector's does, encoded, and throws them away."""

    wants_heartbeats = True

    def send(self, batch: wire.Batch) -> None:
        wire.encode(batch)

    def close(self, seconds: float) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def fork(self) -> Nowhere:
        return self


class Discard(SpanExporter):
    """An exporter that is done at once."""

    def export(self, spans: object) -> SpanExportResult:  # noqa: ARG002
        return SpanExportResult.SUCCESS


def rows() -> list[Measure]:
    """The table's lines."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Discard(), max_queue_size=100_000))
    session.start("benchmark", [Nowhere()], importhook.Selection([]))
    try:
        names = {"track": tenure.track, "tracer": provider.get_tracer("benchmark"), "ATTRIBUTES": ATTRIBUTES}
        bare, rewritten = _module(names, rewritten=False), _module(names, rewritten=True)
        loops = asyncio.run(_rounds({"bare": bare.loop, "probe": rewritten.loop}, drained=True))
        calls = asyncio.run(_rounds({"bare": bare.calls, "probe": rewritten.calls}, drained=True))
        others = asyncio.run(_rounds({"bare": bare.loop, "shipped": rewritten.loop, "tracked": bare.tracked}))
        spans = asyncio.run(_rounds({"bare": bare.loop, "probe": rewritten.loop, "span": bare.spans}, times=SPANS))
    finally:
        tenure.uninstall()
        provider.shutdown()
    cheaper = [(span - plain) / (ours - plain) for plain, ours, span in zip(*spans.values(), strict=True)]
    return [
        Measure("bare async with", statistics.median(loops["bare"]), "ns", ""),
        Measure("rewritten", _ratio(loops, "probe"), "x bare", "at most 2.3"),
        Measure("rewritten, one entry a call", _ratio(calls, "probe"), "x bare call", ""),
        Measure("rewritten, the shipping thread at work", _ratio(others, "shipped"), "x bare", ""),
        Measure("tenure.track, not rewritten, shipping", _ratio(others, "tracked"), "x bare", ""),
        Measure("OpenTelemetry SDK span of the same information", _ratio(spans, "span"), "x bare", ""),
        Measure("rewritten cheaper than the SDK span", statistics.median(cheaper), "x", "at least 20"),
    ]


def _module(names: dict[str, object], *, rewritten: bool) -> ModuleType:
    module = ModuleType("program")
    vars(module).update(names)
    source = PROGRAM.encode()
    code = importhook.compiled(source, "program.py", sync=False) if rewritten else compile(source, "plain.py", "exec")
    exec(code, vars(module))  # noqa: S102
    return module


async def _rounds(ways: dict[str, Way], *, times: int = TIMES, drained: bool = False) -> dict[str, list[float]]:
    """Nanoseconds a lifecycle, for each way and round; drained: nothing is left to the shipping thread."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            gc.collect(0)
            taken[name].append(await way(times))
            if drained:
                buffer.drain()
    return {name: figures[2:] for name, figures in taken.items()}


def _ratio(taken: dict[str, list[float]], name: str) -> float:
    return statistics.median(way / bare for way, bare in zip(taken[name], taken["bare"], strict=True))
