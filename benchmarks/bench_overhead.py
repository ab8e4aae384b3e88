"""What one lifecycle costs the program: the ways of recording it, side by side, once with each probe.

A round runs each way once, some hundred times in a loop; ratios are taken within a round, and the median of the
rounds is shown, so that whatever else the machine does hits all of them alike. The manager does nothing.

A process has one probe, so each is measured in a process of its own; further interpreters, which must have the tracer
and opentelemetry-sdk, are named by $BENCH_PYTHONS, a list separated by colons like $PATH.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from types import ModuleType

import tenure
from benchmarks.figure import Figure
from tenure import session, wire
from tenure._core import buffer, probe_backend
from tenure._rewriting import loaders
from tenure._rewriting.module_filter import ModuleFilter
from tenure._sinks.losses import Loss

ROUNDS, TIMES, SPANS, THREADS = 60, 1_000, 200, 4
FEW = 100  # so that neither the shipping thread nor a busy machine is likely to come between
BOUNDS = {"native": ("at most 1.6", "at least 60"), "python": ("at most 2.3", "at least 20")}

PROGRAM = """
from asyncio import sleep
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

async def suspended(times):
    begin = perf_counter_ns()
    for _ in range(times):
        async with Manager():
            await sleep(0)
    return (perf_counter_ns() - begin) / times

async def tracked(times):
    manager = Other()
    track(manager, "tracked")
    begin = perf_counter_ns()
    for _ in range(times):
        async with manager:
            pass
    return (perf_counter_ns() - begin) / times

async def entered(times):
    lock = locks.Lock()
    begin = perf_counter_ns()
    for _ in range(times):
        async with lock:
            pass
    return (perf_counter_ns() - begin) / times

async def acquired(times, kind="Lock"):
    lock = getattr(locks, kind)()
    begin = perf_counter_ns()
    for _ in range(times):
        await lock.acquire()
        lock.release()
    return (perf_counter_ns() - begin) / times

async def acquired_semaphore(times):
    return await acquired(times, "Semaphore")

async def acquired_condition(times):
    return await acquired(times, "Condition")

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

    def settle(self, seconds: float) -> bool:  # noqa: ARG002  # the sinks have it
        return True

    def lost(self) -> list[Loss]:
        return []

    def close(self, seconds: float) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def fork(self) -> Nowhere:
        return self


def figures() -> list[Figure]:
    """The table's lines, of every interpreter and probe."""
    interpreters = [sys.executable, *filter(None, os.environ.get("BENCH_PYTHONS", "").split(":"))]
    return [figure for python in interpreters for probe in BOUNDS for figure in _figures_of(python, probe)]


def _figures_of(python: str, probe: str) -> list[Figure]:
    command = [python, "-m", "benchmarks.bench_overhead"]
    environment = {**os.environ, "TENURE_PROBE": probe}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return [Figure(*line) for line in json.loads(done.stdout)]


def figures_here() -> list[Figure]:
    """The lines of this process's probe."""
    session.start("benchmark", [Nowhere()], ModuleFilter([]))
    try:
        names: dict[str, object] = {"track": tenure.track, "ATTRIBUTES": ATTRIBUTES}
        bare, ours = _module(names, rewritten=False), _module(names, rewritten=True)
        pairs = {
            name: asyncio.run(_rounds({"bare": getattr(bare, name), "ours": getattr(ours, name)}, drained=True))
            for name in ("loop", "calls", "suspended")
        }
        others = asyncio.run(_rounds({"bare": bare.loop, "shipped": ours.loop}))
        tracked = asyncio.run(_rounds({"bare": bare.loop, "ours": bare.tracked}, times=FEW, drained=True))
        patched = _patched(bare)
        threads = [(_in_threads(bare.loop), _in_threads(ours.loop)) for _ in range(ROUNDS // 3)]
        sizes = _sizes(ours)
        provider = importlib.import_module("benchmarks.sdk_spans").discarding_provider()
        bare.tracer = provider.get_tracer("benchmark")
        with_otel = asyncio.run(_rounds({"bare": bare.loop, "ours": ours.loop}, drained=True))
        spans = asyncio.run(_rounds({"bare": bare.loop, "ours": ours.loop, "span": bare.spans}, times=SPANS))
        provider.shutdown()
    finally:
        tenure.uninstall()
    cheaper = [(span - plain) / (ours - plain) for plain, ours, span in zip(*spans.values(), strict=True)]
    title = "{}.{} {}".format(*sys.version_info[:2], probe_backend.NAME)
    bound, span_bound = BOUNDS[probe_backend.NAME]
    return [
        Figure(f"{title}: bare async with", statistics.median(pairs["loop"]["bare"]), "ns", ""),
        Figure(f"{title}: rewritten", _ratio(pairs["loop"], "ours"), "x bare", bound),
        Figure(f"{title}: one suspension in the body", _ratio(pairs["suspended"], "ours"), "x bare", "at most 1.3"),
        Figure(f"{title}: one entry a call", _ratio(pairs["calls"], "ours"), "x bare call", ""),
        Figure(f"{title}: rewritten, loops in four threads", _median_ratio(threads), "x bare", ""),
        Figure(f"{title}: the shipping thread at work", _ratio(others, "shipped"), "x bare", ""),
        Figure(f"{title}: tenure.track, not rewritten", _ratio(tracked, "ours"), "x bare", ""),
        *(Figure(f"{title}: {name}, not rewritten", _ratio(taken, "ours"), "x bare", "") for name, taken in patched),
        Figure(f"{title}: rewritten, OpenTelemetry imported", _ratio(with_otel, "ours"), "x bare", ""),
        Figure(f"{title}: OpenTelemetry SDK span of the same", _ratio(spans, "span"), "x bare", ""),
        Figure(f"{title}: cheaper than the SDK span", statistics.median(cheaper), "x", span_bound),
        *(Figure(f"{title}: {name}", size, "bytes", limit) for name, size, limit in sizes),
    ]


def _patched(bare: ModuleType) -> list[tuple[str, dict[str, list[float]]]]:
    """Locks that an adapter patched, in code that is not rewritten, beside classes that are the same and unpatched."""
    spec = importlib.util.spec_from_file_location("asyncio.unpatched", asyncio.locks.__file__)
    assert spec is not None
    assert spec.loader is not None
    unpatched = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unpatched)
    plain = _module({"locks": unpatched}, rewritten=False)
    bare.locks = asyncio.locks
    functions = {
        "async with Lock": "entered",
        "Lock.acquire, release": "acquired",
        "Semaphore.acquire, release": "acquired_semaphore",
        "Condition.acquire, release": "acquired_condition",
    }
    ways = {name: {"bare": getattr(plain, way), "ours": getattr(bare, way)} for name, way in functions.items()}
    return [(name, asyncio.run(_rounds(pair, times=FEW, drained=True))) for name, pair in ways.items()]


def _sizes(module: ModuleType) -> list[tuple[str, float, str]]:
    """Bytes of a record that waits to be shipped: of the extension's own, or as they are found to be allocated."""
    if probe_backend.SERVES:
        from tenure import _probe  # noqa: PLC0415  # it may not be there

        return [
            ("a closed record", _probe.CLOSED_BYTES, "at most 64"),
            ("an open record", _probe.OPEN_BYTES, "at most 160"),
        ]
    times = 10_000
    shipper = session._process.session.shipper  # type: ignore[union-attr]  # noqa: SLF001  # what it drains is not counted
    shipper.before_fork()
    try:
        asyncio.run(module.loop(1_000))
        buffer.drain()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        asyncio.run(module.loop(times))
        taken = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    finally:
        shipper.after_fork_in_parent()
    return [("a record, open or closed", taken / times, "")]


def _module(names: dict[str, object], *, rewritten: bool) -> ModuleType:
    module = ModuleType("program")
    vars(module).update(names)
    source = PROGRAM.encode()
    code = (
        loaders.compile_rewritten(source, "program.py", sync=False)
        if rewritten
        else compile(source, "plain.py", "exec")
    )
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


def _in_threads(way: Way) -> float:
    """Nanoseconds a lifecycle where four threads run loops at once, switching every 100 µs: wall time by lifecycles."""
    threads = [threading.Thread(target=lambda: asyncio.run(_coroutine(way))) for _ in range(THREADS)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    begin = time.perf_counter_ns()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = time.perf_counter_ns() - begin
    sys.setswitchinterval(interval)
    buffer.drain()
    return taken / (THREADS * TIMES)


async def _coroutine(way: Way) -> None:
    await way(TIMES)


def _ratio(taken: dict[str, list[float]], name: str) -> float:
    return _median_ratio(list(zip(taken["bare"], taken[name], strict=True)))


def _median_ratio(pairs: list[tuple[float, float]]) -> float:
    """Of pairs of bare and recorded."""
    return statistics.median(recorded / bare for bare, recorded in pairs)


if __name__ == "__main__":
    print(json.dumps(figures_here()))
