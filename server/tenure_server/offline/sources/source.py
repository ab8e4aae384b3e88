"""A source of records, and the function that opens one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tenure_server.diagram.steps import Diagram
from tenure_server.live.messages import Overview
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle
from tenure_server.offline.sources.collector import CollectorSource
from tenure_server.offline.sources.recorded import open_recording
from tenure_server.store import ClosedLifecycles


class Source(Protocol):
    """All methods raise UsageError if the source cannot be read, or does not have the trace."""

    def overview(self) -> Overview: ...

    def diagram(self, lens: Lens, limit: int, *, fold_roots: bool = False) -> Diagram:
        """The diagram of the newest ``limit`` lifecycles of the lens. ``fold_roots``: see ``draw``."""

    def lifecycles(self, trace: str | None) -> list[Lifecycle]:
        """All lifecycles of the trace, or of the source; oldest first."""

    def closed_lifecycles(self, trace: str | None) -> Iterator[ClosedLifecycles]:
        """Pages of the lifecycles that closed or were abandoned, as exporters get them."""


@contextmanager
def open_source(text: str, say: Callable[[str], None], *, internal: bool = False) -> Iterator[Source]:
    """Open the recording or the collector that the text names. ``say`` gets warnings.

    ``internal``: also what libraries and frameworks enter for their own ends.

    Raises:
        UsageError: it cannot be opened.
    """
    if text.startswith(("http://", "https://")):
        yield CollectorSource(text, internal=internal)
    else:
        with open_recording(Path(text), say, internal=internal) as recorded:
            yield recorded
