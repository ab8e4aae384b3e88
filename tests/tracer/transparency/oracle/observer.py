"""The oracle: what must be recorded of a program, by what CPython was seen to do with it.

It knows nothing of how Tenure records. The program that it watches is not rewritten and no class is patched; calls of
the witness stand in its text (``Program.told``), so that each manager is entered and left through the witness, which
notes when and how. From that follows, by the rules of the design alone, what the record has to say:

    instants     the clock ticks where a lifecycle begins, is acquired, is left and ends, and where a task is made and
                 ends; nowhere else
    parent       the lifecycle that the same task began last and has not ended; for a task that is in none, the one that
                 its creator was in when it made the task
    trace        the parent's, unless that was acquired too long before: then its own, with a link
    resource     an object that lives as long as the program is one; what is made on the spot is one by kind and site
    a call       that releases ends the last acquire by a call of its own task, else the oldest; so does a lock's
                 ``__aexit__``, after which nobody else can have the lock
    a failure    that leaves ``__aexit__`` is the body's where it is the same object, else one of the release
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

from tests.tracer.transparency.oracle.deterministic_loop import Loop
from tests.tracer.transparency.oracle.identities import Identities
from tests.tracer.transparency.oracle.observations import OK, Outcome, SeenLifecycle, SeenTask
from tests.tracer.transparency.oracle.records import Lifecycle, Record

from tenure import wire
from tenure.testing import TICK_NS

WITNESSED = "watched", "watched_now", "acquiring", "releasing"  # what ``Program.told`` calls


class Witness:
    """Watches one run of one program."""

    def __init__(self, sites: dict[int, wire.Site], named: dict[str, Any], long_held: int) -> None:
        self._sites, self._identities, self._long_held = sites, Identities(named), long_held * TICK_NS
        self._now = 0
        self._lifecycles: list[SeenLifecycle] = []
        self._tasks: dict[asyncio.Task[Any] | None, SeenTask] = {}
        self._numbers = 0
        self._making: list[SeenTask] = []  # the last one is being made for the one before
        self._held: dict[int, list[SeenLifecycle]] = {}  # by calls, by address of the lock
        self._flushes: list[list[Lifecycle]] = []

    def calls(self, *, sync: bool) -> dict[str, Callable[..., Any]]:
        """What stands in the program's text; sync: its ``with`` are to be recorded."""
        watched, acquiring, releasing = functools.partial(_Watched, self), self._acquiring, self._releasing
        watched_now = functools.partial(_WatchedNow, self) if sync else lambda _, manager: manager
        return dict(zip(WITNESSED, (watched, watched_now, acquiring, releasing), strict=True))

    def loop(self) -> Loop:
        return _WatchedLoop(self)

    def flush(self) -> None:
        """Tell what changed since the last time."""
        self._flushes.append([lifecycle.told() for lifecycle in self._lifecycles if lifecycle.has_changed()])

    def record(self, also: set[int]) -> Record:
        """All that is to be recorded: of tasks, those that held something and their makers, and ``also`` these."""
        told = {task.id: task for task in self._tasks.values() if task.id in also}
        for lifecycle in self._lifecycles:
            task: SeenTask | None = lifecycle.task
            while task is not None:
                told[task.id] = task
                task = task.parent
        return Record(self._flushes, [told[number].told() for number in sorted(told)])

    def begin(self, manager: object, number: int) -> SeenLifecycle:
        """A manager is about to be entered at this mark."""
        if isinstance(manager, asyncio.Lock):  # its __aexit__ will call this
            vars(manager).setdefault("release", functools.partial(self._release, manager))
        site = self._sites[number]
        task = self._current()
        lifecycle = SeenLifecycle(
            len(self._lifecycles) + 1, task, self._identities.of(manager, site), site, self._tick()
        )
        lifecycle.hang_under(task.innermost(), self._long_held)
        task.enter(lifecycle)
        self._lifecycles.append(lifecycle)
        return lifecycle

    def acquired(self, lifecycle: SeenLifecycle) -> None:
        lifecycle.acquired = self._tick()

    def leaving(self, lifecycle: SeenLifecycle, error: BaseException | None) -> None:
        lifecycle.release, lifecycle.body = self._tick(), Outcome.of(error)

    def released(self, lifecycle: SeenLifecycle, value: object) -> None:
        lifecycle.released, lifecycle.own = self._tick(), OK
        lifecycle.is_suppressed = lifecycle.body is not OK and bool(value)

    def failed(self, lifecycle: SeenLifecycle, error: BaseException, body: BaseException | None = None) -> None:
        """Entering or leaving raised; ``body`` is what had left the body."""
        lifecycle.released, lifecycle.own = self._tick(), OK if error is body else Outcome.of(error)

    def making(self, make: Callable[[], asyncio.Task[Any]], coroutine: object) -> asyncio.Task[Any]:
        """A task is made."""
        created = self._tick()
        maker = self._current() if _current_task() is not None else None
        origin = maker.innermost() if maker is not None else None
        seen = SeenTask(maker, origin)
        seen.created, seen.coroutine = created, getattr(coroutine, "__qualname__", type(coroutine).__qualname__)
        self._making.append(seen)
        task = make()
        self._making.pop()
        self._know(task, seen)
        if task.done():  # it was eager
            self._ended(task)
        else:
            task.add_done_callback(self._ended)
        return task

    def _know(self, task: asyncio.Task[Any] | None, seen: SeenTask) -> None:
        """Number a task, at the latest when it was made: an eager one when it first does something."""
        if task not in self._tasks:
            self._numbers += 1
            seen.id, self._tasks[task] = self._numbers, seen

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task].end(task, self._tick())

    def _current(self) -> SeenTask:
        task = _current_task()
        if task is None and task not in self._tasks:
            thread = SeenTask(None, None)
            thread.kind, thread.name = "thread", "MainThread"
            self._know(task, thread)
        elif task not in self._tasks:
            self._know(task, self._making[-1])
        return self._tasks[task]

    def _tick(self) -> int:
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

    def _releasing(self, _: int, release: Any) -> None:
        self._release(release.args[0] if isinstance(release, functools.partial) else release.__self__)

    def _release(self, lock: Any) -> None:
        held = self._held.get(id(lock))
        if not held:
            type(lock).release(lock)
            return
        task = self._current()
        lifecycle = next((own for own in reversed(held) if own.task is task), held[0])
        held.remove(lifecycle)
        self.leaving(lifecycle, None)
        try:
            type(lock).release(lock)
        except BaseException as error:
            self.failed(lifecycle, error)
            raise
        self.released(lifecycle, None)


class _WatchedLoop(Loop):
    def __init__(self, witness: Witness) -> None:
        super().__init__()
        self._witness = witness

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        return self._witness.making(lambda: super(_WatchedLoop, self).create_task(coro, **named), coro)


class _Watched:
    """A manager, entered and left through the witness."""

    def __init__(self, witness: Witness, number: int, manager: Any) -> None:
        self._witness, self._manager = witness, manager
        self._lifecycle = witness.begin(manager, number)

    async def __aenter__(self) -> object:
        manager, kind = self._manager, type(self._manager)
        try:
            if not (hasattr(kind, "__aenter__") and hasattr(kind, "__aexit__")):
                async with manager:  # Python says so in its own words
                    pass
            value: object = await kind.__aenter__(manager)
        except BaseException as error:
            self._witness.failed(self._lifecycle, error)
            raise
        self._witness.acquired(self._lifecycle)
        return value

    async def __aexit__(self, kind: object, body: BaseException | None, traceback: object) -> object:
        self._witness.leaving(self._lifecycle, body)
        try:
            value: object = await type(self._manager).__aexit__(self._manager, kind, body, traceback)
        except BaseException as error:
            self._witness.failed(self._lifecycle, error, body)
            raise
        finally:
            del body, traceback  # a traceback keeps this frame
        self._witness.released(self._lifecycle, value)
        return value


class _WatchedNow:
    """The same of ``with``."""

    def __init__(self, witness: Witness, number: int, manager: Any) -> None:
        self._witness, self._manager = witness, manager
        self._lifecycle = witness.begin(manager, number)

    def __enter__(self) -> object:
        manager, kind = self._manager, type(self._manager)
        try:
            if not (hasattr(kind, "__enter__") and hasattr(kind, "__exit__")):
                with manager:  # Python says so in its own words
                    pass
            value: object = kind.__enter__(manager)
        except BaseException as error:
            self._witness.failed(self._lifecycle, error)
            raise
        self._witness.acquired(self._lifecycle)
        return value

    def __exit__(self, kind: object, body: BaseException | None, traceback: object) -> object:
        self._witness.leaving(self._lifecycle, body)
        try:
            value: object = type(self._manager).__exit__(self._manager, kind, body, traceback)
        except BaseException as error:
            self._witness.failed(self._lifecycle, error, body)
            raise
        finally:
            del body, traceback
        self._witness.released(self._lifecycle, value)
        return value


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
