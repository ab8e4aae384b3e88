"""Keeps the collector's background tasks running: what one of them fails of is logged, and it is started again.

A task that nobody awaits would die in silence, and with it the diagram, the retention or the export that it kept up.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable

from tenure_server.limits import RESTART_LONGEST_S, RESTART_S

log = logging.getLogger("tenure.server")

Run = Callable[[], Awaitable[None]]


def supervise(name: str, run: Run) -> asyncio.Task[None]:
    """Run it in a task, again after every failure, until it returns or the task is cancelled.

    ``name`` begins the log line: "retention", "a live diagram".
    """
    return asyncio.create_task(_keep_running(name, run), name=f"tenure: {name}")


async def _keep_running(name: str, run: Run) -> None:
    """The pause between two starts doubles while it fails at once, up to RESTART_LONGEST_S."""
    pause_s, last = RESTART_S, ""
    while True:
        began = time.monotonic()
        try:
            await run()
        except asyncio.CancelledError as error:
            if _is_asked_to_end():
                raise
            failure: BaseException = error  # of something that it awaited: nobody asked for its own end
        except Exception as error:  # noqa: BLE001 -- whatever it is, it must be seen and must not end the task
            failure = error
        else:
            return
        pause_s = RESTART_S if time.monotonic() - began > RESTART_LONGEST_S else pause_s
        place = _place(failure)
        if place == last:
            log.error("%s failed again: %s; it restarts in %g s", name, place, pause_s)
        else:
            log.error("%s failed; it restarts in %g s", name, pause_s, exc_info=failure)
        last = place
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, RESTART_LONGEST_S)


def _is_asked_to_end() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _place(failure: BaseException) -> str:
    """The kind of the failure and the line that raised it: the same failure has the same."""
    frames = traceback.extract_tb(failure.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(failure).__name__}{where}"
