"""Keeps the collector's background tasks running: a task that fails is logged and started again.

Without this, a task that is not awaited would end without a log line, and with it a diagram, the retention or the
export.
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
    """Run ``run`` in a task, again after every failure, until it returns or the task is cancelled.

    ``name`` is the subject of the log line: "retention", "a live diagram".
    """
    return asyncio.create_task(_keep_running(name, run), name=f"tenure: {name}")


async def _keep_running(name: str, run: Run) -> None:
    """The pause before a restart doubles while the task fails at once, up to RESTART_LONGEST_S."""
    pause_s, last = RESTART_S, ""
    while True:
        began = time.monotonic()
        try:
            await run()
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            failure: BaseException = error  # something that the task awaited was cancelled, not the task itself
        except Exception as error:  # noqa: BLE001 -- every failure is logged, and none ends the task
            failure = error
        else:
            return
        pause_s = RESTART_S if time.monotonic() - began > RESTART_LONGEST_S else pause_s
        site = _site(failure)
        if site == last:
            log.error("%s failed again: %s; it restarts in %g s", name, site, pause_s)
        else:
            log.error("%s failed; it restarts in %g s", name, pause_s, exc_info=failure)
        last = site
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, RESTART_LONGEST_S)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _site(failure: BaseException) -> str:
    """The type of the failure and the line that raised it: equal for equal failures."""
    frames = traceback.extract_tb(failure.__traceback__)
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(failure).__name__}{where}"
