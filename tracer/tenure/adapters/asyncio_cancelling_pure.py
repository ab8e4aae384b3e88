"""Who cancels, where the Python probe serves: it cannot see ``Task.cancel()``, but what calls it within asyncio.

Each is told of just before it is called: whom it cancels, and for whom. Of a task that goes on afterwards, one in a
timeout or a scope, it must be said how long that stands, since a later request may be one that was not seen.
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

Whom = Callable[..., Iterable[object]]  # with the arguments of the call
By = Callable[[FrameType, Any], Canceller | None]  # our frame and the first argument; None: as the stack has it
Lasts = Callable[..., IsStillPending | None]  # with a task and the arguments of the call; None: to the task's end


def _to_the_end(*_: object, **__: object) -> IsStillPending | None:
    return None


def install(module: ModuleType) -> None:
    """Patch what cancels tasks in asyncio."""
    tell(module.TaskGroup, "_abort", lambda group: list(attribute(group, "_tasks", ())), _as_stacked)  # type: ignore[call-overload]
    expiring = module.timeouts._State.EXPIRING  # noqa: SLF001
    tell(
        module.Timeout,
        "_on_timeout",
        lambda timeout: [attribute(timeout, "_task")],
        lambda _, timeout: asyncio_scopes.canceller(timeout),
        lambda _, timeout: while_(timeout, lambda it: attribute(it, "_state") is expiring),
    )
    tell(module.Runner, "_on_sigint", _main_task, lambda *_: Canceller(0, "", "SIGINT", ""))
    tell(module.runners, "_cancel_all_tasks", _tasks_of, _by("end of asyncio.run"))
    if hasattr(module.tasks, "_cancel_and_wait"):
        tell(module.tasks, "_cancel_and_wait", lambda future, *_, **__: [future], _as_stacked)


def while_(thing: object, condition: Callable[[Any], bool]) -> IsStillPending:
    """A request that stands while this can be said of an object."""
    reference = weakref.ref(thing)
    return lambda: (still := reference()) is not None and condition(still)


def tell(owner: object, name: str, whom: Whom, by: By, lasts: Lasts = _to_the_end) -> None:
    """Note that this function is going to cancel those tasks for that canceller, each time before it is called."""
    original = getattr(owner, name)

    def begin(arguments: tuple[object, ...], named: dict[str, object]) -> None:
        asked = by(sys._getframe(1), arguments[0])  # noqa: SLF001  # no other way to the caller
        for task in whom(*arguments, **named):
            cancellation.requested(task, asked, lasts(task, *arguments, **named))

    telling = immediate.function(original, f"finding out whom {name} cancels", before=begin)
    class_patches.replace(owner, name, telling)


def _as_stacked(frame: FrameType, _: object) -> Canceller:
    return cancellation.canceller(frame)


def _by(via: str) -> By:
    means = cancellation.by_library(via)
    return lambda frame, _: means(frame)


def _tasks_of(loop: asyncio.AbstractEventLoop) -> list[object]:
    """``asyncio.all_tasks(loop)``, which would ask a task of the program's own class for its loop."""
    kept = getattr(asyncio.tasks, "_scheduled_tasks", getattr(asyncio.tasks, "_all_tasks", None))
    if kept is None:
        return [*asyncio.all_tasks(loop)]
    tasks = [task for task in list(kept) if task_names.is_task(task)]
    return [task for task in tasks if asyncio.Task.get_loop(task) is loop and not asyncio.Task.done(task)]


def _main_task(*_: object, main_task: object = None) -> list[object]:
    return [main_task]
