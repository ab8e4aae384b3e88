"""A source of records, and how one is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tenure_server.diagram.steps import Diagram
from tenure_server.live.messages import Overview
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle
from tenure_server.offline.sources.collector import Collector
from tenure_server.offline.sources.recorded import open_recording
from tenure_server.store import ClosedLifecycles


class Source(Protocol):
    """All methods raise UsageError where the source cannot answer, or does not have the trace."""

    def overview(self) -> Overview: ...

    def diagram(self, lens: Lens, limit: int) -> Diagram:
        """Of the newest ``limit`` lifecycles of the lens."""

    def lifecycles(self, trace: str | None) -> list[Lifecycle]:
        """All of the trace, or all there are; oldest first."""

    def closed_lifecycles(self, trace: str | None) -> Iterator[ClosedLifecycles]:
        """What closed or was abandoned, as an exporter gets it, a page after another."""


@contextmanager
def open_source(text: str, say: Callable[[str], None]) -> Iterator[Source]:
    """The recording or the collector that the text names; what is to be known of it beside its records is said.

    Raises:
        UsageError: there is none.
    """
    if text.startswith(("http://", "https://")):
        yield Collector(text)
    else:
        with open_recording(Path(text), say) as recorded:
            yield recorded
