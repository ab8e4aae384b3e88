"""Who cancels through a scope of anyio: a call of its ``cancel()``, its deadline, or a failed task in its group.

A scope cancels its tasks when it can, which may be long after ``cancel()``. So the canceller is kept with the scope.
"""

from __future__ import annotations

import asyncio
from types import FrameType, ModuleType
from typing import cast

from tenure._core import probe_backend
from tenure._core.object_access import ByIdentity, attribute, is_true
from tenure._core.paths import code_file
from tenure._identify import cancellation, tracer
from tenure._identify.cancellation import IsStillPending
from tenure._identify.exceptions import Canceller
from tenure.adapters import anyio_asyncio, asyncio_cancelling_pure
from tenure.adapters.asyncio_cancelling import body_failed

_GROUP = "anyio.TaskGroup"


class _Cancelled:
    """The scopes that were told to cancel."""

    def __init__(self) -> None:
        self.by_scope: ByIdentity[Canceller] = ByIdentity()


def install(backend: ModuleType) -> None:
    """Register the functions of anyio's asyncio backend that cancel tasks."""
    for function, describe in (
        ("task_done", _child_failed),
        ("__aexit__", lambda frame: body_failed(frame.f_locals.get("exc_val"), _GROUP)),
        ("_timeout", lambda frame: anyio_asyncio.canceller(frame.f_locals["self"])),
        ("_deliver_cancellation", lambda frame: _canceller_of(frame.f_locals.get("origin"))),
    ):
        cancellation.register(code_file(backend), function, describe)
    asyncio_cancelling_pure.note_requests(backend.CancelScope, "cancel", lambda *_, **__: (), _asked)
    if not probe_backend.SERVES:
        asyncio_cancelling_pure.note_requests(
            backend.CancelScope, "_deliver_cancellation", _others, _by_origin, _while_in
        )


def _asked(frame: FrameType, scope: object) -> Canceller | None:
    if not is_true(attribute(scope, "_cancel_called")):
        tracer.current.of(_Cancelled).by_scope.put(scope, cancellation.canceller(frame))
    return None


def _canceller_of(scope: object) -> Canceller | None:
    return tracer.current.of(_Cancelled).by_scope.get(scope)


def _child_failed(frame: FrameType) -> Canceller:
    task = frame.f_locals.get("_task")
    return cancellation.by_failure(task, cast("BaseException | None", attribute(task, "_exception")), _GROUP)


def _others(scope: object, *_: object) -> list[object]:
    running = asyncio.current_task()
    return [task for task in cast("set[object]", attribute(scope, "_tasks", ())) if task is not running]


def _by_origin(frame: FrameType, _: object) -> Canceller | None:
    return _canceller_of(frame.f_locals["arguments"][1])


def _while_in(task: object, _: object, origin: object) -> IsStillPending | None:
    """Bound the request by the scope for the task that entered it: that task continues afterwards."""
    return (
        asyncio_cancelling_pure.pending_while(origin, _is_entered) if task is attribute(origin, "_host_task") else None
    )


def _is_entered(scope: object) -> bool:
    return attribute(scope, "_host_task") is not None
