"""The followers of all targets, in one event loop: that of the collector or of the exporting process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from tenure_server.background.supervisor import supervise
from tenure_server.export.batching import Batching
from tenure_server.export.follower import Follower, Source
from tenure_server.export.sender import sender_to
from tenure_server.export.status import Progress
from tenure_server.export.targets import Target
from tenure_server.limits import EXPORT_LAST_S


def _ignore(_: str) -> None:
    pass


class Followers:
    """One for each target. ``progress``, by target name, is kept up to date; ``report`` is called with that name."""

    def __init__(
        self,
        source: Source,
        targets: Iterable[Target],
        *,
        clock: Callable[[], int],
        batching: Batching,
        progress: Mapping[str, Progress],
        report: Callable[[str], None] = _ignore,
    ) -> None:
        self._followers = [
            Follower(
                source,
                sender_to(target, batching.timeout_s),
                clock=clock,
                batching=batching,
                progress=progress[target.name],
                report=partial(report, target.name),
            )
            for target in targets
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to send."""
        self._tasks = [supervise(f"exporter {follower.name}", follower.run) for follower in self._followers]

    def wake(self) -> None:
        """Look at the store: a lifecycle may have closed."""
        for follower in self._followers:
            follower.wake()

    async def stop(self) -> None:
        """Send the waiting spans, for at most EXPORT_LAST_S."""
        for follower in self._followers:
            follower.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=EXPORT_LAST_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
