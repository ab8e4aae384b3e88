"""A recording as a source: through a store in memory, so that everything comes out as from a collector."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tenure import wire
from tenure_server.diagram.steps import Diagram
from tenure_server.errors import NotFound, UsageError
from tenure_server.limits import EXPORT_SPANS, MAX_LIST
from tenure_server.live.messages import Overview
from tenure_server.live.overview import read_overview
from tenure_server.model.lens import Lens
from tenure_server.model.records import OPEN_PHASES, Lifecycle
from tenure_server.offline.sources.recording import read_recording
from tenure_server.store import ClosedLifecycles, LifecycleQuery, Paging, TraceQuery
from tenure_server.store.load_diagram import draw_input
from tenure_server.store.sqlite import SqliteStore

_NAMED = 5  # traces that an error names
_FOLLOWER = "export"


@contextmanager
def open_recording(path: Path, say: Callable[[str], None]) -> Iterator[Recorded]:
    """Read the recording; that it was cut off is said.

    Raises:
        UsageError: it cannot be read, or is none.
    """
    recording = read_recording(path)
    if recording.cut:
        say(f"{path} is incomplete: {recording.cut}; the complete batches are used")
    with asyncio.Runner() as runner:
        recorded = Recorded(path, runner, recording.written_ns)
        try:
            recorded.write(recording.batches)
            yield recorded
        finally:
            recorded.close()


class Recorded:
    """To its store the recording was written when its file was, and now it is now.

    So a program that has not written for a while, and did not say goodbye, is dead.
    """

    def __init__(self, path: Path, runner: asyncio.Runner, written_ns: int) -> None:
        self._path = path
        self._runner = runner
        self._clock_ns = written_ns
        self._store = SqliteStore(None, lambda: self._clock_ns)

    def write(self, batches: list[wire.Batch]) -> None:
        self._runner.run(self._write(batches))
        self._clock_ns = max(time.time_ns(), self._clock_ns)

    def close(self) -> None:
        self._runner.run(self._store.close())

    def overview(self) -> Overview:
        """As of the last that was recorded, where nothing is open any more."""
        return self._runner.run(self._overview())

    def diagram(self, lens: Lens, limit: int) -> Diagram:
        try:
            return self._runner.run(self._diagram(lens, limit))
        except NotFound:
            raise self._unknown(lens.trace) from None

    def lifecycles(self, trace: str | None) -> list[Lifecycle]:
        return self._runner.run(self._lifecycles(trace))

    def closed_lifecycles(self, trace: str | None) -> Iterator[ClosedLifecycles]:
        self._runner.run(self._store.abandon())
        found = False
        while (endings := self._runner.run(self._store.closed_lifecycles(_FOLLOWER, EXPORT_SPANS))).items:
            self._runner.run(self._store.acknowledge(_FOLLOWER, endings.position, endings.expired))
            if of_trace := [ending for ending in endings.items if trace in {None, ending.lifecycle.trace}]:
                found = True
                yield ClosedLifecycles(of_trace, endings.processes, endings.context, endings.position, endings.expired)
        if trace is not None and not found and not self.lifecycles(trace):
            raise self._unknown(trace)

    async def _write(self, batches: list[wire.Batch]) -> None:
        await self._store.follow([_FOLLOWER])
        for batch in batches:
            await self._store.write(batch)

    async def _overview(self) -> Overview:
        overview = await read_overview(self._store, self._clock_ns, MAX_LIST)
        is_open = any(trace.open for trace in overview.traces)
        now_ns = self._clock_ns if is_open else await self._store.latest_ns() or self._clock_ns
        return Overview(now_ns, overview.processes, overview.traces, overview.resources)

    async def _diagram(self, lens: Lens, limit: int) -> Diagram:
        scene = await self._store.diagram_input(lens, limit)
        is_open = any(lifecycle.phase in OPEN_PHASES for lifecycle in scene.lifecycles)
        now_ns = self._clock_ns if is_open else await self._store.latest_ns() or self._clock_ns
        return Diagram(draw_input(scene, lens, now_ns), scene.earlier)

    async def _lifecycles(self, trace: str | None) -> list[Lifecycle]:
        found: list[Lifecycle] = []
        cursor: str | None = None
        while True:
            page = await self._store.lifecycles(LifecycleQuery(trace=trace, paging=Paging(MAX_LIST, cursor)))
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found[::-1]

    def _unknown(self, trace: str | None) -> UsageError:
        traces = self._runner.run(self._store.traces(TraceQuery(paging=Paging(MAX_LIST)))).items
        known = ", ".join(f"{trace.id} {trace.name}" for trace in traces[:_NAMED])
        rest = f" and {len(traces) - _NAMED} more" if len(traces) > _NAMED else ""
        return UsageError(f"trace {trace!r} is not in {self._path} (known traces: {known or 'none'}{rest})")
