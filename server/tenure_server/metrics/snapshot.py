"""The state of the collector at one time, which all metrics read; it is gathered in the event loop."""

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

_MAX_AGE_S = 1.0  # so that a reader, which asks for one metric after the other, gets them from one snapshot
_READ_TIMEOUT_S = 10.0


class Snapshot(NamedTuple):
    """``refused``: requests by reason; ``processes``: how many are alive; ``clients``: open live pages."""

    at_ns: int
    totals: Totals
    refused: Mapping[str, int]
    processes: int
    exporters: Sequence[Exporter]
    clients: int
    measured: Sequence[ResourceSeries]


class Snapshots:
    """Gives the latest snapshot to readers of metrics, which run in threads."""

    def __init__(self, gather: Callable[[], Awaitable[Snapshot]]) -> None:
        self._gather = gather
        self._loop = asyncio.get_running_loop()
        self._latest: Snapshot | None = None
        self._taken_s = 0.0
        self._is_closed = False

    async def refresh(self) -> Snapshot:
        """Take a snapshot now.

        Raises:
            StoreFailed: the store cannot be read.
        """
        self._latest = await self._gather()
        self._taken_s = monotonic()
        return self._latest

    def now(self) -> Snapshot | None:
        """A snapshot at most a second old; None, with a log entry, on failure. Not for the event loop's thread."""
        if self._is_closed:
            return None
        latest = self._latest
        if latest is not None and monotonic() - self._taken_s < _MAX_AGE_S:
            return latest
        refreshing = asyncio.run_coroutine_threadsafe(self.refresh(), self._loop)
        try:
            return refreshing.result(_READ_TIMEOUT_S)
        except StoreError as error:
            log.warning("metrics could not be read: %s", error)
        except TimeoutError:
            refreshing.cancel()
            log.warning("metrics could not be read within %g s", _READ_TIMEOUT_S)
        except Exception:  # an error must not end the thread that pushes
            log.exception("metrics could not be read")
        return None

    def close(self) -> None:
        """Return None from now on: the loop ends, and a reader may still be in a request long after that."""
        self._is_closed = True
