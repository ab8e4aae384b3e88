"""How the collector is doing at one moment: all that metrics tell of, gathered in the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import NamedTuple

from tenure_server.errors import StoreError
from tenure_server.export.status import Exporter
from tenure_server.store import ResourceSeries, Totals

log = logging.getLogger("tenure.server")

_FRESH_S = 1.0  # a reader asks for one metric after the other: they shall tell of the same moment
_PATIENCE_S = 10.0


class Snapshot(NamedTuple):
    """``refused`` requests by reason; ``processes`` that are alive; ``clients`` are pages that watch."""

    at_ns: int
    totals: Totals
    refused: Mapping[str, int]
    processes: int
    exporters: Sequence[Exporter]
    clients: int
    measured: Sequence[ResourceSeries]


class Snapshots:
    """Gives readers of metrics, which run in threads, the latest snapshot."""

    def __init__(self, gather: Callable[[], Awaitable[Snapshot]]) -> None:
        self._gather = gather
        self._loop = asyncio.get_running_loop()
        self._latest: Snapshot | None = None
        self._taken_s = 0.0
        self._is_closed = False

    async def refresh(self) -> Snapshot:
        """Take one now.

        Raises:
            StoreFailed: the store cannot be read.
        """
        self._latest = await self._gather()
        self._taken_s = monotonic()
        return self._latest

    def now(self) -> Snapshot | None:
        """One that is at most a second old; None, which is said, where none can be had. Not for the loop's thread."""
        if self._is_closed:
            return None
        latest = self._latest
        if latest is not None and monotonic() - self._taken_s < _FRESH_S:
            return latest
        refreshing = asyncio.run_coroutine_threadsafe(self.refresh(), self._loop)
        try:
            return refreshing.result(_PATIENCE_S)
        except StoreError as error:
            log.warning("metrics could not be read: %s", error)
        except TimeoutError:
            refreshing.cancel()
            log.warning("metrics could not be read within %g s", _PATIENCE_S)
        except Exception:  # it must not end the thread that pushes
            log.exception("metrics could not be read")
        return None

    def close(self) -> None:
        """Give no more: the loop ends, and a reader may be stuck in a request until long after that."""
        self._is_closed = True
