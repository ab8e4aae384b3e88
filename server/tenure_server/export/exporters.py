"""All exporters of a collector: started and stopped with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from tenure_server.background.supervisor import supervise
from tenure_server.errors import StoreError
from tenure_server.export.batching import Pace
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
        self, store: Store, hub: Hub, targets: Sequence[Target], clock: Callable[[], int], pace: Pace | None = None
    ) -> None:
        """Nothing is sent yet.

        Raises:
            UsageError: a target is one of gRPC, which is not installed.
        """
        self._store = store
        self._hub = hub
        self._clock = clock
        self._progress = {target.name: Progress() for target in targets}
        unique = list({target.name: target for target in targets}.values())
        place, pace = store.location(), pace or Pace()
        self._followers: Followers | ExportingProcess
        if place is None:
            self._followers = Followers(store, unique, clock=clock, pace=pace, progress=self._progress)
        else:
            for target in unique:
                sender_to(target)  # fails here and now, not in the process
            self._followers = ExportingProcess(store, place, unique, clock=clock, pace=pace, progress=self._progress)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to export; without targets, let the store keep nothing for exporters.

        Raises:
            StoreFailed: the store cannot note who follows.
        """
        await self._store.follow(list(self._progress))
        if self._progress:
            self._followers.start()
            self._tasks = [
                supervise("the listener of the exporters", self._watch),
                supervise("the search for abandoned lifecycles", self._abandon),
            ]

    async def stop(self) -> None:
        """Send what there is, if that does not take long; the rest is sent after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._followers.stop()

    def status(self) -> list[Exporter]:
        """What is to be told of each."""
        now_ns = self._clock()
        return [progress.exporter(name, self._store.backlog(name), now_ns) for name, progress in self._progress.items()]

    async def _watch(self) -> None:
        """Tell the followers of new batches, now and then."""
        mailbox = self._hub.subscribe(1)
        try:
            while True:
                await mailbox.take()
                self._followers.wake()
                await asyncio.sleep(EXPORT_WAKE_S)
        finally:
            self._hub.unsubscribe(mailbox)

    async def _abandon(self) -> None:
        """Now and then look for processes that died."""
        while True:
            try:
                if await self._store.abandon():
                    self._followers.wake()
            except StoreError as error:
                log.warning("the search for abandoned lifecycles failed: %s", error)
            await asyncio.sleep(EXPORT_ABANDON_S)
