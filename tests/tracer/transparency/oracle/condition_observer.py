"""What the observer notes of conditions: who waits, who notifies, and the lock given up and taken again.

the wait     begins where ``wait()`` is called, ends where somebody notifies or an exception ends it
the lock     is given up where the wait begins, wanted again where it ends, and held again where ``wait()`` ends
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from tests.tracer.transparency.oracle.observations import OK, ObservedLifecycle, ObservedTask

if TYPE_CHECKING:
    from tests.tracer.transparency.oracle.observer import Observer


class _Wait:
    def __init__(self, lifecycle: ObservedLifecycle, condition: Any) -> None:
        self.lifecycle, self.condition = lifecycle, condition
        self.future: asyncio.Future[Any] | None = None
        self.hold: ObservedLifecycle | None = None  # what was given up
        self.again: ObservedLifecycle | None = None
        self.ended_by: BaseException | None = None
        self.is_resumed = self.wants_lock = self.waits_for_lock = False
        self.exit, self.index = "", 0  # of the hold: its exit call, its place in what the task is in


class ConditionObserver:
    """Observes the conditions of one run."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._waits: dict[ObservedTask, _Wait] = {}
        self._continued: dict[int, ObservedLifecycle | None] = {}  # by number of what was given up

    def prepare(self, condition: Any) -> None:
        """See the condition notify and take its lock again."""
        own = vars(condition)
        if "observed" not in own:
            own["observed"] = True
            name = "_notify" if hasattr(type(condition), "_notify") else "notify"
            own[name] = functools.partial(self._notify, condition, getattr(condition, name))
            own["acquire"] = functools.partial(self._acquire, own["acquire"])

    def continued(self, lifecycle: ObservedLifecycle) -> ObservedLifecycle | None:
        """What continues a hold that was given up; None: it has ended."""
        found: ObservedLifecycle | None = lifecycle
        while found is not None and found.id in self._continued:
            found = self._continued[found.id]
        return found

    def made_future(self, future: asyncio.Future[Any]) -> None:
        """The loop made a future for the running task: the first one in a wait is the wait's."""
        wait = self._waits.get(self._observer.current())
        if wait is not None and wait.future is None:
            wait.future = future

    async def waiting(self, number: int, call: Callable[[], Any]) -> object:
        """Stands for ``await condition.wait()``."""
        observer, condition = self._observer, call.__self__  # type: ignore[attr-defined]
        self.prepare(condition)
        task = observer.current()
        wait = _Wait(observer.begin_wait(condition, number), condition)
        self._waits[task] = wait
        resource = observer.resource_of(condition, number)
        holds = [use for use in task.within() if use.resource == resource and use.acquired is not None]
        if holds:
            hold = wait.hold = holds[-1]
            wait.exit, wait.index = hold.site.exit, task.leave(hold)
            hold.release = hold.released = wait.lifecycle.acquire
            hold.body = hold.own = OK
            hold.site = msgspec.structs.replace(hold.site, exit="release")
            self._continued[hold.id] = None
        try:
            value: object = await call()
        except BaseException as error:
            self._failed(wait, error)
            raise
        finally:
            wait.ended_by = None  # a traceback keeps this frame
            del self._waits[task]
        self._regained(wait)
        return value

    def _failed(self, wait: _Wait, error: BaseException) -> None:
        if not wait.is_resumed and isinstance(error, RuntimeError):
            self._observer.failed(wait.lifecycle, error)
        elif not (wait.waits_for_lock and isinstance(error, GeneratorExit)):
            self._regained(wait)

    def _regained(self, wait: _Wait) -> None:
        instant = self._observer.tick()
        if wait.again is not None:
            wait.again.acquired = instant

    def _acquire(self, acquire: Callable[[], Any]) -> Any:
        wait = self._waits.get(self._observer.current())
        if wait is not None and not wait.is_resumed:
            wait.is_resumed = True
            wait.waits_for_lock = wait.condition.locked()
            if wait.future is None or wait.future.cancelled() or not wait.future.done():
                wait.ended_by = sys.exception()
            self._end(wait)
        return acquire()

    def _end(self, wait: _Wait) -> None:
        if wait.lifecycle.released is None:
            assert wait.ended_by is not None
            self._observer.failed(wait.lifecycle, wait.ended_by)
        self._want(wait)

    def _notify(self, condition: object, notify: Callable[[int], None], count: int = 1) -> None:
        waiting = [
            wait
            for wait in self._waits.values()
            if wait.condition is condition and wait.future is not None and not wait.future.done()
        ]
        notify(count)
        for wait in waiting:
            if wait.future is not None and wait.future.done() and not wait.future.cancelled():
                self._observer.acquired(wait.lifecycle)
                self._observer.leaving(wait.lifecycle, None)
                self._observer.released(wait.lifecycle, None)
                self._want(wait)

    def _want(self, wait: _Wait) -> None:
        if wait.wants_lock:
            return
        wait.wants_lock = True
        instant = self._observer.tick()
        if wait.hold is not None:
            site = msgspec.structs.replace(wait.lifecycle.site, enter="acquire", exit=wait.exit)
            wait.again = self._observer.continue_hold(wait.hold, site, instant, wait.index)
            self._continued[wait.hold.id] = wait.again
