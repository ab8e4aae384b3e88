"""asgiref: a coroutine that a thread waits for is below what that thread does, and below the task that it serves.

Django runs synchronous middlewares and views in threads, and asynchronous views of synchronous callers in a loop that
may be another thread's. Without this adapter such a view's lifecycles begin traces of their own.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from threading import get_ident
from types import ModuleType
from typing import cast

from tenure._core import faults
from tenure._core.wrapping import Method, mark_as_wrapper
from tenure._identify import adoption, task_names, tasks, tracer
from tenure._patching import class_patches

_LINKING = "noting for whom a thread works"  # said where it fails


class _Threads:
    """The threads that run something for a task."""

    def __init__(self) -> None:
        self.tasks: dict[int, int] = {}  # by ident of the thread: id of the task


def install(module: ModuleType) -> None:
    """Patch both directions."""
    to_sync, to_async = module.AsyncToSync, module.SyncToAsync
    for coroutine in ("AsyncToSync.main_wrap", "AsyncToSync.__call__.<locals>.new_loop_wrap"):
        task_names.entitle(coroutine, "async_to_sync")
    class_patches.replace(to_sync, "main_wrap", _linking(to_sync.main_wrap))
    class_patches.replace(to_async, "thread_handler", _Handler(to_async.thread_handler))


class _Handler:
    """Stands in the place of a method that runs in a thread; the task that hands it over reads the attribute."""

    def __init__(self, original: Method) -> None:
        self._original = original

    def __get__(self, owner: object, kind: type) -> object:
        if owner is None:
            return self._original
        return partial(_run, tasks.current(), self._original, owner)


def _run(task: int, original: Method, *arguments: object, **named: object) -> object:
    """Run the method; meanwhile its thread serves the task. By hand: the task is read before this is called."""
    threads, ident = tracer.current.of(_Threads).tasks, get_ident()
    outer = threads.get(ident, 0)
    threads[ident] = outer if task == tasks.current() else task
    try:
        return original(*arguments, **named)
    except BaseException as error:
        try:
            class_patches.strip_frame(error, _run.__code__)
        except Exception as fault:  # noqa: BLE001  # then our frame is seen
            faults.fault("hiding a frame", fault)
        del arguments, named
        raise
    finally:
        if outer:
            threads[ident] = outer
        else:
            threads.pop(ident, None)


def _linking(original: Method) -> Method:
    @mark_as_wrapper(original)
    def main_wrap(*arguments: object, **named: object) -> object:
        coroutine = cast("Coroutine[object, object, object]", original(*arguments, **named))
        caller = tracer.current.of(_Threads).tasks.get(get_ident(), 0) or tasks.current()
        linked = _linked(coroutine, caller)
        linked.__qualname__ = "AsyncToSync.main_wrap"  # type: ignore[attr-defined]  # as the original's
        return linked

    return main_wrap


async def _linked(coroutine: Coroutine[object, object, object], caller: int) -> object:
    try:
        adoption.set_parent(caller)
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault(_LINKING, fault)
    return await coroutine
