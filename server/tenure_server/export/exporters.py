"""All exporters of a collector: started and stopped with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from tenure_server.background.supervisor import supervise
from tenure_server.errors import StoreError
from tenure_server.export.batching import Batching
from tenure_server.export.followers import Followers
from tenure_server.export.sender import sender_to
from tenure_server.export.status import Exporter, Progress
from tenure_server.export.targets import Target
from tenure_server.export.worker.process import ExportingProcess
from tenure_server.hub import Hub
from tenure_server.limits import EXPORT_ABANDON_S, EXPORT_WAKE_S
from tenure_server.store import Store

log = logging.getLogger("tenure.server")


class Exporters:
    """A follower for each target: in a process of their own, or in the collector where its store is in memory."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        targets: Sequence[Target],
        clock: Callable[[], int],
        batching: Batching | None = None,
    ) -> None:
        """Prepare the followers; ``start`` begins to send.

        Raises:
            UsageError: a target needs gRPC, which is not installed.
        """
        self._store = store
        self._hub = hub
        self._clock = clock
        self._progress = {target.name: Progress() for target in targets}
        unique = list({target.name: target for target in targets}.values())
        place, batching = store.location(), batching or Batching()
        self._followers: Followers | ExportingProcess
        if place is None:
            self._followers = Followers(store, unique, clock=clock, batching=batching, progress=self._progress)
        else:
            for target in unique:
                sender_to(target)  # so that an error is raised here, and not in the process
            self._followers = ExportingProcess(
                store, place, unique, clock=clock, batching=batching, progress=self._progress
            )
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to export; without targets, the store keeps nothing for exporters.

        Raises:
            StoreFailed: the store cannot write the list of followers.
        """
        await self._store.follow(list(self._progress))
        if self._progress:
            self._followers.start()
            self._tasks = [
                supervise("the listener of the exporters", self._wake_followers),
                supervise("the search for abandoned lifecycles", self._find_abandoned),
            ]

    async def stop(self) -> None:
        """Send the waiting spans for at most EXPORT_LAST_S; the rest is sent after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._followers.stop()

    def status(self) -> list[Exporter]:
        """The state of each exporter."""
        now_ns = self._clock()
        return [progress.exporter(name, self._store.backlog(name), now_ns) for name, progress in self._progress.items()]

    async def _wake_followers(self) -> None:
        """Wake the followers after new batches, at most once in EXPORT_WAKE_S."""
        mailbox = self._hub.subscribe(1)
        try:
            while True:
                await mailbox.take()
                self._followers.wake()
                await asyncio.sleep(EXPORT_WAKE_S)
        finally:
            self._hub.unsubscribe(mailbox)

    async def _find_abandoned(self) -> None:
        """Look for processes that died, every EXPORT_ABANDON_S."""
        while True:
            try:
                if await self._store.abandon():
                    self._followers.wake()
            except StoreError as error:
                log.warning("the search for abandoned lifecycles failed: %s", error)
            await asyncio.sleep(EXPORT_ABANDON_S)
