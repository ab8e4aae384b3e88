"""Batches for tests: a small program's life, written down lifecycle by lifecycle.

    program = Program()
    with_lock = program.use("main", "Lock stock", acquire=0, wait=10, hold=50, release=1)
    batch = program.batch()

Instants and durations are milliseconds since START_NS. Ids are handed out in the order of the calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tenure import wire

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
OFFSET_NS = START_NS - 5_000 * MS  # the program's monotonic clock stood at 5 s

OK, ERROR, CANCELLED = wire.OK, wire.ERROR, wire.CANCELLED


def process_id(n: int) -> bytes:
    return bytes([n]) * 16


@dataclass
class Use:
    """One lifecycle as it stands; ``batch`` ships it as it is then."""

    id: int
    task: str
    resource: str
    site: wire.Site
    parent: int
    root: int
    acquire: float
    wait: float | None
    hold: float | None
    release: float | None
    acquire_outcome: int
    body_outcome: int
    release_outcome: int
    suppressed: bool
    body_exception: wire.ExceptionInfo | None
    exception: wire.ExceptionInfo | None
    shipped: bool = False
    status: int = 0  # HTTP; 0: none
    released_by: str = ""  # the task; "": it is ``task``

    @property
    def outcomes(self) -> int:
        return (
            self.acquire_outcome
            | self.body_outcome << wire.BODY_SHIFT
            | self.release_outcome << wire.RELEASE_SHIFT
            | (wire.SUPPRESSED if self.suppressed else 0)
            | (wire.RESENT if self.shipped else 0)
        )


@dataclass
class Program:
    """A process whose tasks use resources."""

    number: int = 1
    service: str = "shop"
    sequence: int = 0
    uses: list[Use] = field(default_factory=list)
    tasks: dict[str, wire.Task] = field(default_factory=dict)
    resources: dict[str, wire.Resource] = field(default_factory=dict)
    traces: dict[int, wire.Trace] = field(default_factory=dict)
    pending: list[Use] = field(default_factory=list)
    cancellers: dict[wire.ExceptionInfo, tuple[str | None, str, wire.Site | None]] = field(default_factory=dict)

    @property
    def process(self) -> wire.Process:
        return wire.Process(process_id(self.number), self.service, "host-1", 4000 + self.number, "3.11.7", START_NS)

    @property
    def hex(self) -> str:
        return process_id(self.number).hex()

    def id(self, number: int) -> str:
        return wire.public_id(process_id(self.number), number)

    def trace_id(self, root: int) -> str:
        return wire.trace_id(process_id(self.number), root)

    def task(
        self,
        name: str,
        *,
        parent: str | None = None,
        created_in: Use | None = None,
        created: float | None = 0,
        finished: float | None = None,
        outcome: int = 0,
        kind: str = "task",
        loop: int = 0,
        thread: str = "",
    ) -> wire.Task:
        """Declare a task, or say more of it."""
        known = self.tasks.get(name)
        task = wire.Task(
            known.id if known else len(self.tasks) + 1,
            name,
            "" if kind == "thread" else name.rpartition("-")[0] or name,
            kind,  # type: ignore[arg-type]
            self.tasks[parent].id if parent else (known.parent if known else 0),
            created_in.id if created_in else (known.created_in if known else 0),
            None if created is None else _monotonic(created),
            None if finished is None else _monotonic(finished),
            outcome,
            loop=loop or (known.loop if known else 0),
            thread=thread or (known.thread if known else ""),
        )
        self.tasks[name] = task
        return task

    def resource(self, label: str, capacity: int | None = 1, stereotype: str = "control") -> wire.Resource:
        """``label`` is "Kind name"; the kind's module is "shop"."""
        kind, _, name = label.partition(" ")
        return self.resources.setdefault(
            label, wire.Resource(len(self.resources) + 1, f"shop.{kind}", name, capacity, stereotype)
        )

    def use(
        self,
        task: str,
        resource: str,
        *,
        acquire: float,
        wait: float | None = None,
        hold: float | None = None,
        release: float | None = None,
        parent: Use | None = None,
        acquire_outcome: int | None = None,
        body: int | None = None,
        release_outcome: int | None = None,
        suppressed: bool = False,
        body_exception: tuple[str, str] | None = None,
        exception: tuple[str, str] | None = None,
        line: int = 10,
        enter: str = "__aenter__",
    ) -> Use:
        """Begin a lifecycle, as far as the durations say."""
        if task not in self.tasks:
            self.task(task)
        self.resource(resource)
        number = len(self.uses) + 1
        use = Use(
            id=number,
            task=task,
            resource=resource,
            site=wire.Site("shop.py", line, task.rpartition("-")[0] or task, resource.rpartition(" ")[2], enter),
            parent=parent.id if parent else 0,
            root=parent.root if parent else number,
            acquire=acquire,
            wait=wait,
            hold=hold,
            release=release,
            acquire_outcome=(0 if wait is None else OK) if acquire_outcome is None else acquire_outcome,
            body_outcome=(0 if hold is None else OK) if body is None else body,
            release_outcome=(0 if release is None or hold is None else OK)
            if release_outcome is None
            else release_outcome,
            suppressed=suppressed,
            body_exception=wire.ExceptionInfo(*body_exception) if body_exception else None,
            exception=wire.ExceptionInfo(*exception) if exception else None,
        )
        self.uses.append(use)
        self.pending.append(use)
        self.traces.setdefault(use.root, wire.Trace(use.root))
        return use

    def cancelled(
        self, exception: tuple[str, str], *, by: str | None = None, via: str = "", line: int | None = None
    ) -> None:
        """From now on batches say who asked for what this exception tells of."""
        if by is not None and by not in self.tasks:
            self.task(by)
        site = None if line is None else wire.Site("shop.py", line, by or "main", "task.cancel()")
        self.cancellers[wire.ExceptionInfo(*exception)] = by, via, site

    def go_on(self, use: Use, **changes: float) -> None:
        """The lifecycle comes to a later phase: wait=, hold=, release= as ``use`` takes them."""
        for name, value in changes.items():
            setattr(use, name, value)
        use.acquire_outcome = use.acquire_outcome or (OK if use.wait is not None else 0)
        use.body_outcome = use.body_outcome or (OK if use.hold is not None else 0)
        use.release_outcome = use.release_outcome or (OK if use.release is not None else 0)
        self.pending.append(use)

    def batch(self, *, final: bool = False, dropped: dict[str, int] | None = None) -> wire.Batch:
        """Everything that has changed since the last batch."""
        self.sequence += 1
        uses = list({use.id: use for use in self.pending}.values())
        self.pending.clear()
        exceptions = list(dict.fromkeys(e for use in uses for e in (use.body_exception, use.exception) if e))
        cancelled = [(number, *self.cancellers[e]) for number, e in enumerate(exceptions, 1) if e in self.cancellers]
        sites = list(dict.fromkeys([*(use.site for use in uses), *(site for *_, site in cancelled if site)]))
        tasks, resources = list(self.tasks), list(self.resources)
        roots = list(dict.fromkeys(use.root for use in uses))
        rows = []
        last = 0
        for use in uses:
            acquire = _monotonic(use.acquire)
            rows.append(
                wire.Row(
                    use.id,
                    use.parent,
                    roots.index(use.root),
                    tasks.index(use.task),
                    resources.index(use.resource),
                    sites.index(use.site),
                    acquire - last,
                    _duration(use.wait),
                    _duration(use.hold),
                    _duration(use.release),
                    use.outcomes,
                    exceptions.index(use.body_exception) + 1 if use.body_exception else 0,
                    exceptions.index(use.exception) + 1 if use.exception else 0,
                )
            )
            last = acquire
            use.shipped = True
        return wire.Batch(
            version=wire.VERSION,
            process=self.process,
            sequence=self.sequence,
            clock_offset_ns=OFFSET_NS,
            base_ns=0,
            sites=sites,
            resources=list(self.resources.values()),
            tasks=list(self.tasks.values()),
            traces=[self.traces[root] for root in roots],
            exceptions=exceptions,
            rows=rows,
            dropped=dropped or {},
            final=final,
            cancellers=[
                wire.Canceller(number, tasks.index(by) + 1 if by else 0, via, sites.index(site) + 1 if site else 0)
                for number, by, via, site in cancelled
            ],
            responses=[wire.Response(place, use.status) for place, use in enumerate(uses) if use.status],
            releases=[
                wire.Release(place, tasks.index(use.released_by)) for place, use in enumerate(uses) if use.released_by
            ],
        )


def at(ms: float) -> int:
    """The wall clock's ns at that many milliseconds."""
    return START_NS + round(ms * MS)


def _monotonic(ms: float) -> int:
    return at(ms) - OFFSET_NS


def _duration(ms: float | None) -> int:
    return wire.NOT_REACHED if ms is None else round(ms * MS)
