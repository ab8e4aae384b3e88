"""The overview of the store: processes, recent traces, resources, exporters.

A client that watches a diagram gets it with the diagram, from the same state of the store. The loop is for the others.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable

import msgspec

from tenure_server.errors import StoreError
from tenure_server.export.status import Exporter
from tenure_server.hub import Hub, Mailbox
from tenure_server.limits import OVERVIEW_LIMIT, OVERVIEW_S, POLL_S
from tenure_server.live import messages
from tenure_server.live.messages import WireMessage, encode
from tenure_server.store import Paging, ResourceQuery, Store, TraceQuery

ExportersStatus = Callable[[], list[Exporter]]

log = logging.getLogger("tenure.server")

_SKEW_DIGITS = -4  # the clock skew counts in steps of 10 s


class OverviewLoop:
    """Reads the overview after batches, at most twice a second, and sends it to its clients when it has changed."""

    def __init__(self, store: Store, hub: Hub, clock: Callable[[], int], exporters: ExportersStatus) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._exporters = exporters
        self._digest = b""
        self._is_needed = asyncio.Event()
        self._clients: set[Mailbox[WireMessage]] = set()
        self.latest: WireMessage | None = None

    def join(self, mailbox: Mailbox[WireMessage]) -> None:
        """Send the client the latest overview at once, and every later one."""
        if self.latest is not None:
            mailbox.put(self.latest)
        self._clients.add(mailbox)
        self._is_needed.set()

    def disconnect(self, mailbox: Mailbox[WireMessage]) -> None:
        self._clients.discard(mailbox)
        if not self._clients:  # what was read last grows old
            self._is_needed.clear()
            self.latest, self._digest = None, b""

    async def run(self) -> None:
        """Follow the store."""
        batches_mailbox = self._hub.subscribe(1)
        try:
            while True:
                await self._is_needed.wait()
                await self._refresh()
                await asyncio.sleep(OVERVIEW_S)
                try:
                    async with asyncio.timeout(POLL_S):
                        await batches_mailbox.take()
                except TimeoutError:  # no batch, but a process may count as dead by now
                    continue
        finally:
            self._hub.unsubscribe(batches_mailbox)

    async def _refresh(self) -> None:
        try:
            overview = await read_overview(self._store, self._clock(), OVERVIEW_LIMIT)
            overview = msgspec.structs.replace(overview, exporters=self._exporters())
        except StoreError as error:
            log.warning("the overview could not be read: %s", error)
            return
        digest = digest_of(overview)
        if digest == self._digest:
            return
        self._digest = digest
        self.latest = encode(overview)
        for mailbox in self._clients:
            mailbox.put(self.latest)


async def read_overview(store: Store, now_ns: int, limit: int, *, internal: bool = False) -> messages.Overview:
    """At most ``limit`` of each kind; with ``internal`` also what libraries alone use."""
    resources = ResourceQuery(order="used", internal=internal, paging=Paging(limit))
    return messages.Overview(
        now_ns=now_ns,
        processes=(await store.processes(Paging(limit))).items,
        traces=(await store.traces(TraceQuery(internal=internal, paging=Paging(limit)))).items,
        resources=(await store.resources(resources)).items,
    )


def digest_of(overview: messages.Overview) -> bytes:
    """A hash of everything but the fields that change with time alone."""
    timeless = [
        msgspec.structs.replace(process, last_seen_ns=0, clock_skew_ms=round(process.clock_skew_ms, _SKEW_DIGITS))
        for process in overview.processes
    ]
    encoded = msgspec.msgpack.encode(
        (timeless, overview.traces, overview.resources, overview.exporters, overview.in_use)
    )
    return hashlib.blake2b(encoded, digest_size=16).digest()
