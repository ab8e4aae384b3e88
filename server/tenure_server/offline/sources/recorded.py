"""A recording as a source, through a store in memory: so its records are those that a collector would answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tenure import wire
from tenure_server.diagram.steps import Diagram
from tenure_server.errors import NotFound, UsageError
from tenure_server.limits import EXPORT_SPANS, MAX_LIST
from tenure_server.live.messages import Overview
from tenure_server.live.overview import read_overview
from tenure_server.model.diagram_input import DiagramInput
from tenure_server.model.lens import Lens
from tenure_server.model.records import OPEN_PHASES, Lifecycle
from tenure_server.offline.progress import Progress
from tenure_server.offline.sources.recording import read_recording
from tenure_server.store import ClosedLifecycles, LifecycleQuery, Paging, TraceQuery
from tenure_server.store.load_diagram import draw_diagram
from tenure_server.store.sqlite import SqliteStore

_NAMED = 5  # traces that an error names
_FOLLOWER = "export"


@contextmanager
def open_recording(path: Path, say: Callable[[str], None], *, internal: bool = False) -> Iterator[RecordingSource]:
    """Read the recording. ``say`` gets a warning if the file is incomplete; ``internal`` is as for ``open_source``.

    Raises:
        UsageError: the file cannot be read, or is not a recording.
    """
    recording = read_recording(path)
    if recording.cut:
        say(f"{path} is incomplete: {recording.cut}; the complete batches are used")
    with asyncio.Runner() as runner:
        source = RecordingSource(path, runner, recording.written_ns, internal=internal)
        try:
            source.write(recording.batches, Progress(say, f"reading {path}", "batches"))
            yield source
        finally:
            source.close()


class RecordingSource:
    """The batches are written to the store with the time at which the file was last written; then the clock is now.

    So a program that has not written for some time, and has not ended its recording, counts as dead.
    """

    def __init__(self, path: Path, runner: asyncio.Runner, written_ns: int, *, internal: bool = False) -> None:
        self._internal = internal
        self._path = path
        self._runner = runner
        self._clock_ns = written_ns
        self._store = SqliteStore(None, lambda: self._clock_ns)
        self._last_input: tuple[object, DiagramInput] | None = None  # a page draws each subject in several ways

    def write(self, batches: list[wire.Batch], progress: Progress) -> None:
        self._runner.run(self._write(batches, progress))
        self._clock_ns = max(time.time_ns(), self._clock_ns)

    def close(self) -> None:
        self._runner.run(self._store.close())

    def overview(self) -> Overview:
        """If nothing is open, its time is that of the last event in the recording."""
        return self._runner.run(self._overview())

    def diagram(self, lens: Lens, limit: int, *, fold_roots: bool = False) -> Diagram:
        try:
            return self._runner.run(self._diagram(lens, limit, fold_roots=fold_roots))
        except NotFound:
            raise self._unknown(lens.trace) from None

    def lifecycles(self, trace: str | None) -> list[Lifecycle]:
        return self._runner.run(self._lifecycles(trace))

    def closed_lifecycles(self, trace: str | None) -> Iterator[ClosedLifecycles]:
        self._runner.run(self._store.abandon())
        has_trace = False
        while (endings := self._runner.run(self._store.closed_lifecycles(_FOLLOWER, EXPORT_SPANS))).items:
            self._runner.run(self._store.acknowledge(_FOLLOWER, endings.position, endings.expired))
            shown = [ending for ending in endings.items if self._internal or not ending.lifecycle.internal]
            if of_trace := [ending for ending in shown if trace in {None, ending.lifecycle.trace}]:
                has_trace = True
                yield ClosedLifecycles(of_trace, endings.processes, endings.context, endings.position, endings.expired)
        if trace is not None and not has_trace and not self.lifecycles(trace):
            raise self._unknown(trace)

    async def _write(self, batches: list[wire.Batch], progress: Progress) -> None:
        await self._store.follow([_FOLLOWER])
        for done, batch in enumerate(batches, 1):
            await self._store.write(batch)
            progress(done, len(batches))

    async def _overview(self) -> Overview:
        overview = await read_overview(self._store, self._clock_ns, MAX_LIST, internal=self._internal)
        is_open = any(trace.open for trace in overview.traces)
        now_ns = self._clock_ns if is_open else await self._store.latest_ns() or self._clock_ns
        return Overview(now_ns, overview.processes, overview.traces, overview.resources)

    async def _diagram(self, lens: Lens, limit: int, *, fold_roots: bool) -> Diagram:
        scene = await self._input(msgspec.structs.replace(lens, internal=self._internal), limit)
        is_open = any(lifecycle.phase in OPEN_PHASES for lifecycle in scene.lifecycles)
        now_ns = self._clock_ns if is_open else await self._store.latest_ns() or self._clock_ns
        return draw_diagram(scene, lens, now_ns, fold_roots=fold_roots)

    async def _input(self, lens: Lens, limit: int) -> DiagramInput:
        key = limit, lens.trace, lens.task, lens.resource, lens.process, lens.since_ns, lens.until_ns
        if self._last_input is None or self._last_input[0] != key:
            self._last_input = key, await self._store.diagram_input(lens, limit)
        return self._last_input[1]

    async def _lifecycles(self, trace: str | None) -> list[Lifecycle]:
        lifecycles: list[Lifecycle] = []
        cursor: str | None = None
        while True:
            paging = Paging(MAX_LIST, cursor)
            page = await self._store.lifecycles(LifecycleQuery(trace=trace, internal=self._internal, paging=paging))
            lifecycles += page.items
            cursor = page.cursor
            if cursor is None:
                return lifecycles[::-1]

    def _unknown(self, trace: str | None) -> UsageError:
        traces = self._runner.run(self._store.traces(TraceQuery(paging=Paging(MAX_LIST)))).items
        known = ", ".join(f"{trace.id} {trace.name}" for trace in traces[:_NAMED])
        rest = f" and {len(traces) - _NAMED} more" if len(traces) > _NAMED else ""
        return UsageError(f"trace {trace!r} is not in {self._path} (known traces: {known or 'none'}{rest})")
