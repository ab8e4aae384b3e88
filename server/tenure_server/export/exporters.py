"""All exporters of a collector: started and stopped with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from tenure_server.errors import StoreError
from tenure_server.export.follower import Follower, Patience
from tenure_server.export.sender import sender_to
from tenure_server.export.status import Exporter
from tenure_server.export.targets import Target
from tenure_server.hub import Hub
from tenure_server.limits import EXPORT_ABANDON_S, EXPORT_LAST_S
from tenure_server.store import Store

log = logging.getLogger("tenure.server")


class Exporters:
    """One follower for each target."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        targets: Sequence[Target],
        clock: Callable[[], int],
        patience: Patience | None = None,
    ) -> None:
        self._store = store
        unique = {target.name: target for target in targets}
        self._followers = [Follower(store, hub, sender_to(target), clock, patience) for target in unique.values()]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to export; without targets, let the store keep nothing for exporters.

        Raises:
            StoreFailed: the store cannot note who follows.
        """
        await self._store.follow([follower.name for follower in self._followers])
        self._tasks = [asyncio.create_task(follower.run()) for follower in self._followers]
        if self._followers:
            self._tasks.append(asyncio.create_task(self._abandon()))

    async def stop(self) -> None:
        """Send what there is, if that takes no more than EXPORT_LAST_S; the rest is sent after the next start."""
        for follower in self._followers:
            follower.close()
        if sending := self._tasks[: len(self._followers)]:
            await asyncio.wait(sending, timeout=EXPORT_LAST_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def status(self) -> list[Exporter]:
        return [await follower.exporter() for follower in self._followers]

    async def _abandon(self) -> None:
        """Now and then look for processes that died."""
        while True:
            try:
                await self._store.abandon()
            except StoreError as error:
                log.warning("abandoned lifecycles could not be looked for: %s", error)
            await asyncio.sleep(EXPORT_ABANDON_S)
