"""Who cancels, with the Python probe: it cannot observe ``Task.cancel()``, only its callers within asyncio.

Each request is noted just before the call: which tasks it cancels, and the canceller. A task in a timeout or a scope
continues afterwards. For such a task the request holds only as long as the timeout or scope cancels, because a later
request may be one that is not observed.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Callable, Iterable
from types import FrameType, ModuleType
from typing import Any

from tenure._core.object_access import attribute
from tenure._identify import cancellation, task_names
from tenure._identify.cancellation import IsStillPending
from tenure._identify.exceptions import Canceller
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters import asyncio_scopes

CancelledTasks = Callable[..., Iterable[object]]  # with the arguments of the call
FindCanceller = Callable[[FrameType, Any], Canceller | None]  # our frame, first argument; None: found by the stack
FindPending = Callable[..., IsStillPending | None]  # with a task and the arguments of the call; None: to the task's end


def _to_the_end(*_: object, **__: object) -> IsStillPending | None:
    return None


def install(module: ModuleType) -> None:
    """Patch what cancels tasks in asyncio."""
    note_requests(module.TaskGroup, "_abort", lambda group: list(attribute(group, "_tasks", ())), _as_stacked)  # type: ignore[call-overload]
    expiring = module.timeouts._State.EXPIRING  # noqa: SLF001
    note_requests(
        module.Timeout,
        "_on_timeout",
        lambda timeout: [attribute(timeout, "_task")],
        lambda _, timeout: asyncio_scopes.canceller(timeout),
        lambda _, timeout: pending_while(timeout, lambda it: attribute(it, "_state") is expiring),
    )
    note_requests(module.Runner, "_on_sigint", _main_task, lambda *_: Canceller(0, "", "SIGINT", ""))
    note_requests(module.runners, "_cancel_all_tasks", _tasks_of, _by_library("end of asyncio.run"))
    if hasattr(module.tasks, "_cancel_and_wait"):
        note_requests(module.tasks, "_cancel_and_wait", lambda future, *_, **__: [future], _as_stacked)


def pending_while(thing: object, condition: Callable[[Any], bool]) -> IsStillPending:
    """Make a request that holds while the condition holds for an object."""
    reference = weakref.ref(thing)
    return lambda: (still := reference()) is not None and condition(still)


def note_requests(
    owner: object, name: str, whom: CancelledTasks, by: FindCanceller, lasts: FindPending = _to_the_end
) -> None:
    """Note before each call of this function which tasks it cancels, and the canceller."""
    original = getattr(owner, name)

    def begin(arguments: tuple[object, ...], named: dict[str, object]) -> None:
        canceller = by(sys._getframe(1), arguments[0])  # noqa: SLF001  # no other way to the caller
        for task in whom(*arguments, **named):
            cancellation.requested(task, canceller, lasts(task, *arguments, **named))

    telling = immediate.function(original, f"finding out whom {name} cancels", before=begin)
    class_patches.replace(owner, name, telling)


def _as_stacked(frame: FrameType, _: object) -> Canceller:
    return cancellation.canceller(frame)


def _by_library(via: str) -> FindCanceller:
    by_library = cancellation.by_library(via)
    return lambda frame, _: by_library(frame)


def _tasks_of(loop: asyncio.AbstractEventLoop) -> list[object]:
    """List the loop's tasks; ``asyncio.all_tasks(loop)`` would call methods of the program's own task classes."""
    all_tasks = getattr(asyncio.tasks, "_scheduled_tasks", getattr(asyncio.tasks, "_all_tasks", None))
    if all_tasks is None:
        return [*asyncio.all_tasks(loop)]
    tasks = [task for task in list(all_tasks) if task_names.is_task(task)]
    return [task for task in tasks if asyncio.Task.get_loop(task) is loop and not asyncio.Task.done(task)]


def _main_task(*_: object, main_task: object = None) -> list[object]:
    return [main_task]
