"""What the observer notes of tasks and lifecycles. No object of the program is kept alive."""

from __future__ import annotations

import asyncio
import re
from typing import Any, NamedTuple

import msgspec
from tests.tracer.transparency.oracle.records import Lifecycle, Task

from tenure import wire
from tenure.scrubbing import scrub_expression

_DEFAULT_NAME = re.compile(r"Task-\d+")


class Outcome(NamedTuple):
    """How a phase or a task went."""

    word: str = "-"
    exception: str = ""  # "ValueError: message"

    @classmethod
    def of(cls, error: BaseException | None) -> Outcome:
        if error is None:
            return OK
        kind = type(error)
        title = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        is_cancelled = isinstance(error, asyncio.CancelledError | GeneratorExit)
        return cls("cancelled" if is_cancelled else "error", f"{title}: {error}")


OK, OPEN = Outcome("ok"), Outcome()


class ObservedTask:
    """A task or, outside a task, the thread."""

    def __init__(self, parent: ObservedTask | None, origin: ObservedLifecycle | None) -> None:
        self.id = 0  # not known yet
        self.parent, self.origin = parent, origin
        self.name, self.coroutine, self.kind = "", "", "task"
        self.created: int | None = None
        self.finished: int | None = None
        self.outcome = Outcome("")
        self._within: list[ObservedLifecycle] = []

    def enter(self, lifecycle: ObservedLifecycle, index: int = 1 << 30) -> None:
        self._within.insert(index, lifecycle)

    def within(self) -> list[ObservedLifecycle]:
        """What the task is in, outermost first."""
        self._within = [lifecycle for lifecycle in self._within if lifecycle.released is None]
        return self._within

    def leave(self, lifecycle: ObservedLifecycle) -> int:
        """Take it out, and answer where it stood."""
        index = self.within().index(lifecycle)
        del self._within[index]
        return index

    def leave_out(self, lifecycle: ObservedLifecycle) -> None:
        """It encloses nothing."""
        self._within.remove(lifecycle)

    def innermost(self) -> ObservedLifecycle | None:
        """What the task is in now, or else what it was created in."""
        return self.within()[-1] if self.within() else self.origin

    def end(self, task: asyncio.Task[Any], instant: int) -> None:
        """It is over."""
        self.finished = instant
        self.outcome = Outcome.of(asyncio.CancelledError() if task.cancelled() else task.exception())
        self.name_by(task)

    def name_by(self, task: asyncio.Task[Any]) -> None:
        """A name that the program gave stays, else it is called by its coroutine."""
        has_own_name = not _DEFAULT_NAME.fullmatch(task.get_name())
        self.name = task.get_name() if has_own_name else self.coroutine.rpartition("<locals>.")[2]

    def expected(self) -> Task:
        return Task(
            self.id,
            self.name,
            self.coroutine,
            self.kind,
            self.parent.id if self.parent is not None else 0,
            self.origin.id if self.origin is not None else 0,
            self.created,
            self.finished,
            *self.outcome,
            1 if self.kind == "task" else 0,
            "MainThread",
        )


class ObservedLifecycle:
    """One use of one resource by one task."""

    def __init__(self, number: int, task: ObservedTask, resource: wire.Resource, site: wire.Site, acquire: int) -> None:
        self.id, self.task, self.resource, self.site, self.acquire = number, task, resource, site, acquire
        self.parent: ObservedLifecycle | None = None
        self.root, self.link = self, 0
        self.acquired: int | None = None
        self.release: int | None = None
        self.released: int | None = None
        self.body = self.own = OPEN  # how the body went; what acquire or release raised of its own
        self.is_suppressed = False
        self.releaser: ObservedTask | None = None
        self._reported_phase: int | None = None

    def hang_under(self, parent: ObservedLifecycle | None, long_held: int) -> None:
        """Belong to the parent's trace, or begin one where that was acquired too long ago."""
        if parent is None:
            return
        if parent.acquired is not None and self.acquire - parent.acquired > long_held:
            self.link = parent.id
        else:
            self.parent, self.root = parent, parent.root

    def move(self, site: wire.Site) -> None:
        """A statement enters what is open."""
        self.site = site
        if self._reported_phase is not None:
            self._reported_phase = -1

    def has_changed(self) -> bool:
        return self._reported_phase != self._phase()

    def expected(self) -> Lifecycle:
        """It as it stands now."""
        is_resent, self._reported_phase = self._reported_phase is not None, self._phase()
        outcomes = (OK, self.body, self.own) if self.acquired is not None else (self.own, OPEN, OPEN)
        return Lifecycle(
            self.id,
            self.parent.id if self.parent is not None else 0,
            self.root.id,
            self.root.link,
            self.task.id,
            self.resource,
            msgspec.structs.replace(self.site, expression=scrub_expression(self.site.expression)),
            self.acquire,
            self.acquired,
            self.release,
            self.released,
            " ".join([outcome.word for outcome in outcomes] + ["suppressed"] * self.is_suppressed),
            self.body.exception,
            self.own.exception,
            self.releaser.id if self.releaser is not None else 0,
            is_resent,
        )

    def _phase(self) -> int:
        return [self.acquired, self.release, self.released].index(None) if self.released is None else 3
