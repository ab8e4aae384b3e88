"""A program's lifecycles written down by hand: the input of every golden diagram.

Times are milliseconds since the program began; a lifecycle's are ``(acquire, acquired, release, released)``, with None
for what was not reached. Exceptions are written as people see them, "ValueError: out of stock".
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from tenure_server.diagram import draw
from tenure_server.diagram.steps import Step
from tenure_server.model.lens import Lens
from tenure_server.model.records import (
    Canceller,
    ExceptionInfo,
    Lifecycle,
    Outcome,
    Phase,
    ResourceRef,
    Site,
    Task,
    TaskRef,
)

BEGIN_NS = 1_700_000_000_000_000_000
DATABASE = "shop.AsyncDatabaseConnection"
GROUP = "asyncio.taskgroups.TaskGroup"

Times = tuple[float, float | None, float | None, float | None]


class Scenario:
    """Lifecycles and tasks of one process, with ids numbered as the tracer numbers them."""

    def __init__(self, process: str = "a1", service: str = "shop") -> None:
        self.process = process * 16
        self.service = service
        self.lifecycles: list[Lifecycle] = []
        self.tasks: dict[str, Task] = {}
        self._resources = count(1)

    def task(
        self,
        name: str,
        coroutine: str = "",
        *,
        by: Task | None = None,
        within: Lifecycle | None = None,
        created: float | None = None,
        finished: float | None = None,
        fails: str | ExceptionInfo | None = None,
        kind: str = "task",
    ) -> Task:
        """A task; ``fails`` is the exception that ended it."""
        task = Task(
            id=f"{self.process}-{len(self.tasks) + 1}",
            process=self.process,
            name=name,
            coroutine=coroutine or name.rpartition("-")[0] or name,
            kind="thread" if kind == "thread" else "task",
            parent=by.id if by else None,
            created_in=within.id if within else None,
            created_ns=_ns(created),
            finished_ns=_ns(finished),
            outcome=None if finished is None else _outcome(fails),
            exception=_exception(fails),
        )
        self.tasks[task.id] = task
        return task

    def resource(
        self, kind: str, name: str = "", capacity: int | None = None, stereotype: str = "participant"
    ) -> ResourceRef:
        return ResourceRef(f"{self.process}-{next(self._resources)}", kind, name, capacity, stereotype)

    def use(
        self,
        task: Task,
        resource: ResourceRef,
        times: Times,
        *,
        inside: Lifecycle | None = None,
        line: int = 7,
        module: str | None = None,
        calls: tuple[str, str] = ("__aenter__", "__aexit__"),
        body: str | ExceptionInfo | None = None,
        raised: str | ExceptionInfo | None = None,
        suppressed: bool = False,
        phase: Phase | None = None,
        status: int | None = None,
    ) -> Lifecycle:
        """A lifecycle; ``body`` is what left its body, ``raised`` what its acquire or release raised of its own."""
        acquire, acquired, release, released = map(_ns, times)
        assert acquire is not None
        ended = acquired is not None or released is not None
        number = len(self.lifecycles) + 1
        lifecycle = Lifecycle(
            id=f"{self.process}-{number}",
            process=self.process,
            service=self.service,
            trace="t" * 32,
            parent=inside.id if inside else task.created_in,
            phase=phase or _phase(acquired, release, released),
            suppressed=suppressed,
            task=TaskRef(task.id, task.name),
            resource=resource,
            site=Site(f"/srv/shop/{module or task.coroutine}.py", line, task.coroutine, "thing", *calls),
            acquire_ns=acquire,
            acquired_ns=acquired,
            release_ns=release,
            released_ns=released,
            acquire_outcome=None if not ended else "ok" if acquired is not None else _outcome(raised),
            body_outcome=None if release is None else _outcome(body),
            release_outcome=None if acquired is None or released is None else _outcome(raised),
            exception=_exception(raised or body),
            body_exception=_exception(body),
            raised=_exception(raised),
            status=status,
        )
        self.lifecycles.append(lifecycle)
        return lifecycle

    def draw(self, now: float = 0, lens: Lens | None = None, context: Iterable[Lifecycle] = ()) -> list[Step]:
        return draw(self.lifecycles, self.tasks, lens or Lens(), BEGIN_NS + round(now * 1_000_000), context)


def _ns(milliseconds: float | None) -> int | None:
    return None if milliseconds is None else BEGIN_NS + round(milliseconds * 1_000_000)


def cancelled(by: Task | None = None, via: str = "", at: str = "") -> ExceptionInfo:
    """A cancellation whose canceller is known; ``at`` is a place, "orders.py:41"."""
    file, _, line = at.rpartition(":")
    site = Site(f"/srv/shop/{file}", int(line), "run", "task.cancel()") if at else None
    return ExceptionInfo("CancelledError", "", Canceller(TaskRef(by.id, by.name) if by else None, via, site))


def _outcome(exception: str | ExceptionInfo | None) -> Outcome:
    info = _exception(exception)
    if info is None:
        return "ok"
    return "cancelled" if info.type == "CancelledError" else "error"


def _exception(given: str | ExceptionInfo | None) -> ExceptionInfo | None:
    if given is None or isinstance(given, ExceptionInfo):
        return given
    kind, _, message = given.partition(": ")
    return ExceptionInfo(kind, message)


def _phase(acquired: int | None, release: int | None, released: int | None) -> Phase:
    if released is not None:
        return "closed"
    if acquired is None:
        return "acquiring"
    return "held" if release is None else "releasing"
