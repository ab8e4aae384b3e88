"""What tests of exporters share: a program's lifecycles, exporters that are quick, and waiting for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from tests.server.support.batches import Program
from tests.support.waiting import until

from tenure_server.export.batching import Backoff, Batching
from tenure_server.export.exporters import Exporters
from tenure_server.export.status import Exporter
from tenure_server.export.targets import Target
from tenure_server.export.worker.process import ExportingProcess
from tenure_server.hub import Hub
from tenure_server.store import Store

GONE = "http://127.0.0.1:1"
SAID = "the exporting process {}; it is restarted, and spans that backends have not acknowledged are sent again"
QUICK = Batching(linger_s=0.01, poll_s=0.05, backoff=Backoff(0.05, 0.2))


def ended(program: Program, count: int = 1) -> None:
    """So many lifecycles, from beginning to end."""
    for _ in range(count):
        program.use("main", "Lock stock", acquire=len(program.uses), wait=0, hold=0, release=0)


@asynccontextmanager
async def exporting(
    store: Store, clock: Callable[[], int], *urls: str, batching: Batching = QUICK
) -> AsyncIterator[Exporters]:
    exporters = Exporters(store, Hub(), [Target.parse(url) for url in urls], clock, batching)
    await exporters.start()
    try:
        yield exporters
    finally:
        await exporters.stop()


async def status_when(exporters: Exporters, is_so: Callable[[Exporter], bool], seconds: float = 10.0) -> Exporter:
    """What the first exporter tells of itself once it is so."""

    def status() -> Exporter | None:
        (first, *_) = exporters.status()
        return first if is_so(first) else None

    return await until(status, seconds)


async def pid_of(exporters: Exporters, *before: int) -> int:
    """The process that exports, when it is there; another one than those before."""
    followers = exporters._followers
    assert isinstance(followers, ExportingProcess)

    def pid() -> int | None:
        running = followers._process
        return running.pid if running is not None and running.pid not in before else None

    return await until(pid)
