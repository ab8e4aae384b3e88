"""For tests: records a piece of a program in this process, with a fixed clock and fixed ids.

    with tenure.testing.recorder() as recorder:
        app = recorder.load('''
    async def main():
        async with Connection() as connection:
            ...
    ''')
        asyncio.run(app.main())
    assert recorder.lifecycles() == [...]

Nothing is shipped and no thread runs. The clock ticks 1 ms each time that it is read; lifecycles, tasks and resources
count from 1; the process id is sixteen zero bytes. One recording at a time: a recorder inside another one, or beside
``tenure.install()``, is refused.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import NamedTuple

from tenure import _probe_api as probe
from tenure import adapters, wire
from tenure._assembly.ledger import Ledger
from tenure._core import buffer, faults
from tenure._identify import tracer
from tenure._patching import track
from tenure._rewriting import rewriter

TICK_NS = 1_000_000
PROCESS = wire.Process(bytes(16), "test", "host", 1, "3.11.0", 0)


class Lifecycle(NamedTuple):
    """A row with its tables read in; times in ns, counted by the fixed clock. None: not reached."""

    id: int
    parent: int
    trace: int  # the root's id
    task: str
    resource: str  # kind, and name where it has one: "asyncio.locks.Lock stock"
    capacity: int | None
    line: int
    expression: str
    acquire: int
    wait: int | None
    hold: int | None
    release: int | None
    outcomes: str  # of acquire, body and release: "ok error ok"; "suppressed" at the end
    body_exception: str  # "ValueError: message"
    exception: str
    status: int | None = None  # the HTTP status of a request's response
    released_by: str = ""  # the task, if another one than `task`
    internal: bool = False  # a library enters it for its own ends
    propagated: bool = False  # the exception of the body had left an inner lifecycle before


class Recorder:
    """Records the program in this process, and gives its batches and lifecycles."""

    def __init__(self, *, sync: bool) -> None:
        self._sync = sync
        self._ledger = Ledger(PROCESS)

    def load(self, source: str, name: str = "app") -> ModuleType:
        """A module of this source text, rewritten; its file NAME.py does not exist."""
        module = ModuleType(name)
        module.__file__ = f"{name}.py"
        code = rewriter.rewrite(textwrap.dedent(source).encode(), module.__file__, sync=self._sync)
        exec(code, module.__dict__)  # noqa: S102  # the test's own source
        return module

    def batches(self) -> list[wire.Batch]:
        """The batches that would be shipped now: all that changed since the last call."""
        self._ledger.add_entries(buffer.drain())
        return self._ledger.batches(0, faults.dropped, patient=False)

    def lifecycles(self) -> list[Lifecycle]:
        """The rows of ``batches``, with their tables read in."""
        return [lifecycle for batch in self.batches() for lifecycle in lifecycles_of(batch)]


@contextmanager
def recorder(*, sync: bool = False) -> Iterator[Recorder]:
    """Record until the end of the block; ``sync`` rewrites ``with`` too.

    Raises:
        UsageError: something is recording already in this process.
    """
    probe.prepare("a recorder of tenure.testing", itertools.count(TICK_NS, TICK_NS).__next__)
    try:
        rewriter.provide_helpers()
        adapters.install()
        track.begin_patching()
        probe.start()
        yield Recorder(sync=sync)
    finally:
        probe.stop()
        track.end_patching()
        adapters.uninstall()
        tracer.end()
        probe.set_clock(None)
        rewriter.provide_helpers()


def lifecycles_of(batch: wire.Batch) -> list[Lifecycle]:
    """A batch's rows with their tables read in."""
    lifecycles = []
    acquire = batch.base_ns
    statuses = {response.row: response.status for response in batch.responses}
    releasers = {release.row: batch.tasks[release.task].name for release in batch.releases}
    for i, row in enumerate(batch.rows):
        acquire += row.acquire_ns
        resource, site = batch.resources[row.resource], batch.sites[row.site]
        lifecycles.append(
            Lifecycle(
                id=row.id,
                parent=row.parent,
                trace=batch.traces[row.trace].root,
                task=batch.tasks[row.task].name,
                resource=f"{resource.kind} {resource.name}".rstrip(),
                capacity=resource.capacity,
                line=site.line,
                expression=site.expression,
                acquire=acquire,
                wait=_reached(row.wait_ns),
                hold=_reached(row.hold_ns),
                release=_reached(row.release_ns),
                outcomes=_outcomes(row.outcomes),
                body_exception=_exception(batch, row.body_exception),
                exception=_exception(batch, row.exception),
                status=statuses.get(i),
                released_by=releasers.get(i, ""),
                internal=site.internal,
                propagated=i in batch.propagated,
            )
        )
    return lifecycles


def _reached(duration: int) -> int | None:
    return None if duration == wire.NOT_REACHED else duration


def _outcomes(bits: int) -> str:
    codes = bits & 3, bits >> wire.BODY_SHIFT & 3, bits >> wire.RELEASE_SHIFT & 3
    words = [wire.OUTCOMES[code] or "-" for code in codes]
    return " ".join([*words, "suppressed"] if bits & wire.SUPPRESSED else words)


def _exception(batch: wire.Batch, number: int) -> str:
    if not number:
        return ""
    exception = batch.exceptions[number - 1]
    return f"{exception.type}: {exception.message}"
