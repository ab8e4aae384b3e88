"""The oracle: what must be recorded of a program, derived from what CPython does with it.

It knows nothing of how Tenure records. The observed program is not rewritten and no class is patched. Its text calls
the observer (``Program.observed_text``), which enters and leaves each manager and notes when and how. From these notes
and the rules of the design alone follows what the record has to say:

    instants     the clock ticks where a lifecycle begins, is acquired, is left and ends, and where a task is made and
                 ends; nowhere else
    parent       the lifecycle that the same task began last and has not ended; for a task that is in none, the one that
                 its creator was in when it made the task
    trace        the parent's, unless that was acquired too long before: then its own, with a link
    resource     an object that lives as long as the program is one; what is made on the spot is one by kind and site
    a call       that releases ends the last acquire by a call of its own task, else the oldest; so does a lock's
                 ``__aexit__``, after which nobody else can have the lock
    a semaphore  may be released too often: a task that released its own use, and has no other, ends nobody's
    a release    by another task than the one that acquired is that task's
    a failure    that leaves ``__aexit__`` is the body's where it is the same object, else one of the release
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from tests.tracer.transparency.oracle.condition_observer import ConditionObserver
from tests.tracer.transparency.oracle.deterministic_loop import Loop
from tests.tracer.transparency.oracle.identities import Identities
from tests.tracer.transparency.oracle.observations import OK, OPEN, ObservedLifecycle, ObservedTask, Outcome
from tests.tracer.transparency.oracle.records import Lifecycle, Record

from tenure import wire
from tenure.testing import TICK_NS

_NOT_HELD = Outcome("error", "tenure.adapters._kit.acquire_release.NotHeld: this task had released it before")
OBSERVER_CALLS = (
    "observed",
    "observed_sync",
    "acquiring",
    "releasing",
    "waiting",
)  # what ``Program.observed_text`` calls


class Observer:
    """Observes one run of one program."""

    def __init__(self, sites: dict[int, wire.Site], named: dict[str, Any], long_held: int) -> None:
        self._sites, self._identities, self._long_held = sites, Identities(named), long_held * TICK_NS
        self._now = 0
        self._lifecycles: list[ObservedLifecycle] = []
        self._tasks: dict[asyncio.Task[Any] | None, ObservedTask] = {}
        self._numbers = 0
        self._making: list[ObservedTask] = []  # the last one is being made for the one before
        self._held: dict[int, list[ObservedLifecycle]] = {}  # by calls, by address of the lock
        self._given_back: set[tuple[int, ObservedTask]] = set()  # locks by address, and who released an own use
        self._flushes: list[list[Lifecycle]] = []
        self._conditions = ConditionObserver(self)
        self.made_future = self._conditions.made_future

    def calls(self, *, sync: bool) -> dict[str, Callable[..., Any]]:
        """What stands in the program's text; sync: its ``with`` are to be recorded."""
        observed, acquiring, releasing = functools.partial(_ObservedManager, self), self._acquiring, self._releasing
        observed_sync = functools.partial(_ObservedSyncManager, self) if sync else lambda _, manager: manager
        waiting = self._conditions.waiting
        return dict(zip(OBSERVER_CALLS, (observed, observed_sync, acquiring, releasing, waiting), strict=True))

    def loop(self) -> Loop:
        return _ObservedLoop(self)

    def flush(self) -> None:
        """Note what changed since the last flush."""
        self._flushes.append([lifecycle.expected() for lifecycle in self._lifecycles if lifecycle.has_changed()])

    def record(self, also: set[int]) -> Record:
        """All that is to be recorded: of tasks, those that held something and their makers, and ``also`` these."""
        tasks = {task.id: task for task in self._tasks.values() if task.id in also}
        for lifecycle in self._lifecycles:
            task: ObservedTask | None = lifecycle.task
            while task is not None:
                tasks[task.id] = task
                task = task.parent
            task = lifecycle.releaser
            while task is not None:
                tasks[task.id] = task
                task = task.parent
        return Record(self._flushes, [tasks[number].expected() for number in sorted(tasks)])

    def begin(self, manager: object, number: int) -> ObservedLifecycle:
        """A manager is about to be entered at this mark."""
        if isinstance(manager, asyncio.Lock):  # its __aexit__ will call this
            vars(manager).setdefault("release", functools.partial(self._release, manager))
        if isinstance(manager, asyncio.Condition):
            self._conditions.prepare(manager)
        site = self._sites[number]
        return self._begin(self._identities.of(manager, site), site)

    def begin_wait(self, condition: object, number: int) -> ObservedLifecycle:
        """A condition is waited for at this mark."""
        site = self._sites[number]
        return self._begin(self._identities.of_wait(condition, site), site)

    def resource_of(self, manager: object, number: int) -> wire.Resource:
        return self._identities.of(manager, self._sites[number])

    def continue_hold(self, hold: ObservedLifecycle, site: wire.Site, instant: int, index: int) -> ObservedLifecycle:
        """A hold that was given up is wanted again."""
        lifecycle = ObservedLifecycle(len(self._lifecycles) + 1, hold.task, hold.resource, site, instant)
        lifecycle.parent, lifecycle.root = hold.parent or hold, hold.root
        hold.task.enter(lifecycle, index)
        self._lifecycles.append(lifecycle)
        return lifecycle

    def _begin(self, resource: wire.Resource, site: wire.Site) -> ObservedLifecycle:
        task = self.current()
        lifecycle = ObservedLifecycle(len(self._lifecycles) + 1, task, resource, site, self.tick())
        lifecycle.hang_under(task.innermost(), self._long_held)
        task.enter(lifecycle)
        self._lifecycles.append(lifecycle)
        return lifecycle

    def acquired(self, lifecycle: ObservedLifecycle) -> None:
        lifecycle.acquired = self.tick()

    def leaving(self, lifecycle: ObservedLifecycle, error: BaseException | None) -> None:
        task, instant = self.current(), self.tick()
        if (use := self._conditions.continued(lifecycle)) is not None:
            use.releaser = None if task is use.task else task
            use.body = Outcome.of(error)
            use.release = None if use.acquired is None else instant

    def released(self, lifecycle: ObservedLifecycle, value: object) -> None:
        self._end(lifecycle, OK, is_suppressed=bool(value))

    def failed(self, lifecycle: ObservedLifecycle, error: BaseException, body: BaseException | None = None) -> None:
        """Entering or leaving raised; ``body`` is what had left the body."""
        self._end(lifecycle, OK if error is body else Outcome.of(error))

    def _end(self, lifecycle: ObservedLifecycle, own: Outcome, *, is_suppressed: bool = False) -> None:
        instant = self.tick()
        if (use := self._conditions.continued(lifecycle)) is None:
            return
        use.released, use.own = instant, own
        if use is lifecycle or use.acquired is not None:
            use.is_suppressed = is_suppressed and use.body is not OK
        else:  # its lock was not taken again
            use.own, use.body = use.body, OPEN

    def making(self, make: Callable[[], asyncio.Task[Any]], coroutine: object) -> asyncio.Task[Any]:
        """A task is made."""
        created = self.tick()
        maker = self.current() if _current_task() is not None else None
        origin = maker.innermost() if maker is not None else None
        observed_task = ObservedTask(maker, origin)
        observed_task.created, observed_task.coroutine = (
            created,
            getattr(coroutine, "__qualname__", type(coroutine).__qualname__),
        )
        self._making.append(observed_task)
        task = make()
        self._making.pop()
        self._know(task, observed_task)
        observed_task.name_by(task)  # it may never end
        if task.done():  # it was eager
            self._ended(task)
        else:
            task.add_done_callback(self._ended)
        return task

    def _know(self, task: asyncio.Task[Any] | None, observed_task: ObservedTask) -> None:
        """Number a task, at the latest when it was made: an eager one when it first does something."""
        if task not in self._tasks:
            self._numbers += 1
            observed_task.id, self._tasks[task] = self._numbers, observed_task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task].end(task, self.tick())

    def current(self) -> ObservedTask:
        task = _current_task()
        if task is None and task not in self._tasks:
            thread = ObservedTask(None, None)
            thread.kind, thread.name = "thread", "MainThread"
            self._know(task, thread)
        elif task not in self._tasks:
            self._know(task, self._making[-1])
        return self._tasks[task]

    def tick(self) -> int:
        self._now += TICK_NS
        return self._now

    async def _acquiring(self, number: int, acquire: Callable[[], Any]) -> object:
        lock = acquire.__self__  # type: ignore[attr-defined]
        lifecycle = self.begin(lock, number)
        try:
            value = await acquire()
        except BaseException as error:
            self.failed(lifecycle, error)
            raise
        self.acquired(lifecycle)
        self._held.setdefault(id(lock), []).append(lifecycle)
        return value

    def _releasing(self, number: int, release: Any) -> None:
        self._release(release.args[0] if isinstance(release, functools.partial) else release.__self__, number)

    def _release(self, lock: Any, number: int = 0) -> None:
        held = self._held.get(id(lock), [])
        task = self.current()
        own = next((own for own in reversed(held) if own.task is task), None)
        if own is not None:
            self._given_back.add((id(lock), task))
        elif isinstance(lock, asyncio.Semaphore) and (id(lock), task) in self._given_back:
            if not (isinstance(lock, asyncio.BoundedSemaphore) and lock._value >= lock._bound_value):
                self._end(self._begin(self.resource_of(lock, number), self._sites[number]), _NOT_HELD)
            held = []
        if not held:
            type(lock).release(lock)
            return
        lifecycle = own or held[0]
        held.remove(lifecycle)
        self.leaving(lifecycle, None)
        try:
            type(lock).release(lock)
        except BaseException as error:
            self.failed(lifecycle, error)
            raise
        self.released(lifecycle, None)


class _ObservedLoop(Loop):
    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer

    def create_future(self) -> asyncio.Future[Any]:
        future = super().create_future()
        self._observer.made_future(future)
        return future

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        return self._observer.making(lambda: super(_ObservedLoop, self).create_task(coro, **named), coro)


class _ObservedManager:
    """A manager, entered and left through the observer."""

    def __init__(self, observer: Observer, number: int, manager: Any) -> None:
        self._observer, self._manager = observer, manager
        self._lifecycle = observer.begin(manager, number)

    async def __aenter__(self) -> object:
        manager, kind = self._manager, type(self._manager)
        try:
            if not (hasattr(kind, "__aenter__") and hasattr(kind, "__aexit__")):
                async with manager:  # Python says so in its own words
                    pass
            value: object = await kind.__aenter__(manager)
        except BaseException as error:
            self._observer.failed(self._lifecycle, error)
            raise
        self._observer.acquired(self._lifecycle)
        return value

    async def __aexit__(self, kind: object, body: BaseException | None, traceback: object) -> object:
        self._observer.leaving(self._lifecycle, body)
        try:
            value: object = await type(self._manager).__aexit__(self._manager, kind, body, traceback)
        except BaseException as error:
            self._observer.failed(self._lifecycle, error, body)
            raise
        finally:
            del body, traceback  # a traceback keeps this frame
        self._observer.released(self._lifecycle, value)
        return value


class _ObservedSyncManager:
    """The same of ``with``."""

    def __init__(self, observer: Observer, number: int, manager: Any) -> None:
        self._observer, self._manager = observer, manager
        self._lifecycle = observer.begin(manager, number)

    def __enter__(self) -> object:
        manager, kind = self._manager, type(self._manager)
        try:
            if not (hasattr(kind, "__enter__") and hasattr(kind, "__exit__")):
                with manager:  # Python says so in its own words
                    pass
            value: object = kind.__enter__(manager)
        except BaseException as error:
            self._observer.failed(self._lifecycle, error)
            raise
        self._observer.acquired(self._lifecycle)
        return value

    def __exit__(self, kind: object, body: BaseException | None, traceback: object) -> object:
        self._observer.leaving(self._lifecycle, body)
        try:
            value: object = type(self._manager).__exit__(self._manager, kind, body, traceback)
        except BaseException as error:
            self._observer.failed(self._lifecycle, error, body)
            raise
        finally:
            del body, traceback
        self._observer.released(self._lifecycle, value)
        return value


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
