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
    a task       that runs an acquire and nothing else acquires for the task that made it
    a call       that releases ends the last acquire by a call of its own task, else the oldest; so does a lock's
                 ``__aexit__``, after which nobody else can have the lock
    a semaphore  may be released too often: a task that released its own use, and has no other, ends none
    a release    by another task than the one that acquired is that task's
    a client     that its constructor opens is held until it is closed; it encloses nothing, until a statement enters it
                 in its task, and is at that statement then
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
from tests.tracer.transparency.oracle.observed_calls import ObservedLoop, ObservedManager, ObservedSyncManager
from tests.tracer.transparency.oracle.records import Lifecycle, Record

from tenure import wire
from tenure._core import probe_backend
from tenure.testing import TICK_NS

_NOT_HELD = Outcome("error", "tenure.adapters._kit.acquire_release.NotHeld: this task had released it before")
OBSERVER_CALLS = (
    "observed",
    "observed_sync",
    "acquiring",
    "acquiring_for",
    "releasing",
    "waiting",
    "making",
    "closing",
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
        self._clients: dict[int, ObservedLifecycle] = {}  # that are open, by address
        self._entered: set[int] = set()  # of these, the addresses of those that a statement entered
        self._held: dict[int, list[ObservedLifecycle]] = {}  # by calls, by address of the lock
        self._given_back: set[tuple[int, ObservedTask]] = set()  # locks by address, and who released an own use
        self._flushes: list[list[Lifecycle]] = []
        self._conditions = ConditionObserver(self)
        self.made_future = self._conditions.made_future

    def calls(self, *, sync: bool) -> dict[str, Callable[..., Any]]:
        """What stands in the program's text; sync: its ``with`` are to be recorded."""
        observed = functools.partial(ObservedManager, self)
        calls = self._acquiring, self._acquiring_for, self._releasing, self._conditions.waiting
        calls = *calls, self._making_client, self._closing
        observed_sync = functools.partial(ObservedSyncManager, self) if sync else lambda _, manager: manager
        return dict(zip(OBSERVER_CALLS, (observed, observed_sync, *calls), strict=True))

    def loop(self) -> Loop:
        return ObservedLoop(self)

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

    def begin(self, manager: object, number: int, task: ObservedTask | None = None) -> ObservedLifecycle:
        """A manager is about to be entered at this mark, for the running task or another one."""
        if isinstance(manager, asyncio.Lock):  # its __aexit__ will call this
            vars(manager).setdefault("release", functools.partial(self._release, manager))
        if isinstance(manager, asyncio.Condition):
            self._conditions.prepare(manager)
        site = self._sites[number]
        return self._begin(self._identities.of(manager, site), site, task)

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

    def _begin(self, resource: wire.Resource, site: wire.Site, task: ObservedTask | None = None) -> ObservedLifecycle:
        task = task or self.current()
        lifecycle = ObservedLifecycle(len(self._lifecycles) + 1, task, resource, site, self.tick())
        lifecycle.hang_under(task.innermost(), self._long_held)
        task.enter(lifecycle)
        self._lifecycles.append(lifecycle)
        return lifecycle

    def enters(self, manager: object, number: int) -> bool:
        """Whether a statement enters what is open already."""
        lifecycle = self._clients.get(id(manager))
        if lifecycle is not None and id(manager) not in self._entered:
            self._entered.add(id(manager))
            lifecycle.move(self._sites[number])
            if lifecycle.task is self.current():
                lifecycle.task.enter(lifecycle)
        return lifecycle is not None

    def pass_stamp(self, lifecycle: ObservedLifecycle | None) -> None:
        """The Python probe's rewritten code reads the clock for what is not recorded, too."""
        if lifecycle is None and not probe_backend.SERVES:
            self.tick()

    def give_back(self, client: object) -> ObservedLifecycle | None:
        """The lifecycle of a client that is closed now, if it is open."""
        self._entered.discard(id(client))
        return self._clients.pop(id(client), None)

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

    def _acquiring_for(self, number: int, acquire: Callable[[], Any]) -> object:
        """What is called here runs in a task of its own."""
        coroutine = self._acquiring(number, acquire, self.current())
        coroutine.__name__, coroutine.__qualname__ = acquire.__name__, acquire.__qualname__
        return coroutine

    async def _acquiring(self, number: int, acquire: Callable[[], Any], task: ObservedTask | None = None) -> object:
        lock = acquire.__self__  # type: ignore[attr-defined]
        lifecycle = self.begin(lock, number, task)
        try:
            value = await acquire()
        except BaseException as error:
            self.failed(lifecycle, error)
            raise
        self.acquired(lifecycle)
        self._held.setdefault(id(lock), []).append(lifecycle)
        return value

    def _making_client(self, number: int, client: object) -> object:
        self._identities.client_names[id(client)] = f"client{number}"
        lifecycle = self.begin(client, number)
        lifecycle.task.leave_out(lifecycle)
        self.acquired(lifecycle)
        self._clients[id(client)] = lifecycle
        return client

    async def _closing(self, _: int, close: Any) -> None:
        lifecycle = self.give_back(close.__self__)
        if lifecycle is not None:
            self.leaving(lifecycle, None)
        try:
            await close()
        except BaseException as error:
            if lifecycle is not None:
                self.failed(lifecycle, error)
            raise
        if lifecycle is not None:
            self.released(lifecycle, None)

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


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
