"""aiohttp's client timeouts: who cancels is "ClientTimeout 5 s", at the program's line that waits for the response.

``ClientTimeout.total`` cancels by a handle of the loop. The other ones are timeouts of asyncio.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CoroutineType, FrameType, ModuleType
from typing import cast

from tenure._core import probe_backend
from tenure._core.object_access import attribute
from tenure._core.paths import code_file, is_own_frame
from tenure._identify import cancellation, sites, task_names
from tenure._identify.exceptions import Canceller
from tenure.adapters import asyncio_cancelling_pure, asyncio_scopes

_NAME = "ClientTimeout"


def install(client: ModuleType) -> None:
    """Name the timeouts, and register the function that cancels for the total one."""
    helpers = sys.modules[client.TimeoutHandle.__module__]
    asyncio_scopes.name_timeouts(code_file(helpers), "ceil_timeout", "aiohttp timeout")
    asyncio_scopes.name_timeouts(code_file(client), "_request", _NAME)
    cancellation.register(code_file(helpers), "timeout", _canceller)
    if not probe_backend.SERVES:
        asyncio_cancelling_pure.note_requests(helpers.TimerContext, "timeout", _tasks, _pure_canceller, _while_in)


def _canceller(frame: FrameType) -> Canceller:
    return _of_total(frame.f_back, frame.f_locals.get("task"))


def _pure_canceller(frame: FrameType, timer: object) -> Canceller:
    caller: FrameType | None = frame
    while caller is not None and caller.f_code.co_name != "__call__":
        caller = caller.f_back
    return _of_total(caller, next(iter(_tasks(timer)), None))


def _of_total(handle_frame: FrameType | None, task: object) -> Canceller:
    handle = None if handle_frame is None else handle_frame.f_locals.get("self")
    seconds = attribute(handle, "_timeout")
    is_plain = type(seconds) is int or type(seconds) is float
    long = asyncio_scopes.length(cast("float", seconds)) if is_plain else ""
    return Canceller(0, "", f"{_NAME} {long}".rstrip(), _waiting_at(task))


def _tasks(timer: object) -> list[object]:
    tasks = attribute(timer, "_tasks")
    return tasks if type(tasks) is list else []


def _while_in(task: object, timer: object) -> Callable[[], bool]:
    """Bound the request by the block of the timer that the task is in."""
    address, tasks = id(task), _tasks(timer)
    return lambda: any(id(entry) == address for entry in tasks)


def _waiting_at(task: object) -> str:
    """The site of the program's innermost line that a suspended task is in; "" where there is none."""
    site, coroutine = "", task_names.coroutine_of(task)
    while type(coroutine) is CoroutineType and coroutine.cr_frame is not None:
        if cancellation.is_library(coroutine.cr_frame):
            break
        if not is_own_frame(coroutine.cr_frame):
            site = sites.of_instruction(coroutine.cr_code, coroutine.cr_frame.f_lasti)
        coroutine = coroutine.cr_await
    return site
