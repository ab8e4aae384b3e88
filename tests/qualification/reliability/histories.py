"""Random histories of a store: batches and spans of several processes, deaths, wrong clocks, retention, followers.

A history knows what it has written and when that came, so that it can say what the retention must have kept and what
it must have deleted. Everything random comes from the ``random.Random`` that it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.qualification.reliability.span_histories import random_spans

from tenure import wire
from tenure_server.background.lanes import Deadline
from tenure_server.limits import ALIVE_NS
from tenure_server.store.sqlite import SqliteStore
from tenure_server.store.sqlite.file.arrivals import SPAN_NS
from tenure_server.store.sqlite.file.keys import process_of

S = 1_000_000_000
YEAR = 365 * 86_400 * S
START_NS = 1_700_000_000 * S
RETENTION_NS = 60 * S
FOLLOWER = "backend"

_SITES = [wire.Site("shop.py", line, "main", "pool.acquire()", "acquire") for line in (1, 2, 3)]
_EXCEPTIONS = [wire.ExceptionInfo("ValueError", "no"), wire.ExceptionInfo("CancelledError", "")]
_OK, _ERROR = wire.OK, wire.ERROR


class Clock:
    """The collector's."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def __call__(self) -> int:
        return self.now_ns


@dataclass
class Member:
    """One process under trace."""

    id: bytes
    offset_ns: int  # of its clock to the collector's
    began_ns: int
    sequence: int = 0
    number: int = 0
    tasks: int = 0
    open: dict[int, wire.Row] = field(default_factory=dict)  # by lifecycle; its acquire is wall time less the offset
    roots: dict[int, wire.Trace] = field(default_factory=dict)  # of those that are open
    sent: list[wire.Batch] = field(default_factory=list)
    last_seen_ns: int = 0
    ended: bool = False


class History:
    """Writes into a store step by step. ``wild`` clocks are years off, and jump."""

    def __init__(self, random: Random, store: SqliteStore, clock: Clock, *, wild: bool = True) -> None:
        self.random = random
        self.store = store
        self.clock = clock
        self.wild = wild
        self.members: list[Member] = []
        self.came: dict[int, int | None] = {}  # key -> when it closed, by the collector's clock; None: open
        self.wrong: list[str] = []
        self.written = 0
        self._spans = 0
        self._traces = [random.randbytes(16) for _ in range(4)]

    async def step(self) -> str:
        """Do one random thing; answer its name."""
        steps = {
            self.batch: 10, self.spans: 5, self.wait: 5, self.forget_old: 4, self.forget_oldest: 1, self.again: 1,
            self.end: 1, self.follow: 1, self.deliver: 1, self.jump: 1,
        }  # fmt: skip
        (chosen,) = self.random.choices(list(steps), list(steps.values()))
        await chosen()
        return chosen.__name__

    async def wait(self) -> None:
        """Let time pass: within a burst, past a heartbeat, past the retention."""
        self.clock.now_ns += self.random.choice([S // 100, S, 5 * S, 12 * S, 40 * S, 100 * S])

    async def jump(self) -> None:
        """Somebody sets a program's clock."""
        if self.members:
            self.random.choice(self.members).offset_ns = self._offset_ns()

    async def batch(self) -> None:
        """A process tells of some lifecycles: new ones, and open ones that went on."""
        random, member = self.random, self._member()
        tasks = self._tasks(member)
        rows: list[wire.Row] = []
        for number, row in list(member.open.items()):
            if random.random() < 0.5:
                rows.append(self._row(member, number, row))
        for _ in range(random.randint(0, 5)):
            member.number += 1
            rows.append(self._row(member, member.number, None))
        traces: dict[int, wire.Trace] = {}
        for row in rows:
            traces[row.trace] = member.roots[row.trace]
        order = list(traces)
        last = 0
        relative = []
        for row in rows:
            relative.append(_with(row, trace=order.index(row.trace), acquire_ns=row.acquire_ns - last))
            last = row.acquire_ns
        member.sequence += 1
        batch = wire.Batch(
            wire.VERSION, wire.Process(member.id, f"service-{member.id[0] % 3}", "host", 1, "3.11", member.began_ns),
            member.sequence, member.offset_ns, 0, _SITES, [wire.Resource(n, "shop.Pool", f"{n}", 1) for n in (1, 2)],
            tasks, [traces[root] for root in order], _EXCEPTIONS, relative,
            cancellers=[wire.Canceller(2, random.randint(0, len(tasks)), "timeout 1 s", random.randint(0, 3))],
            pools=[wire.Pool(0, random.randint(0, 3))] if random.random() < 0.3 else [],
            awaits=self._awaits(len(tasks)), stalls=self._stalls(member, len(tasks)),
        )  # fmt: skip
        member.sent.append(batch)
        await self._write(member, batch)
        for row in rows:
            if row.release_ns < 0:
                member.open[row.id] = row
            else:
                member.open.pop(row.id, None)

    async def again(self) -> None:
        """An answer was lost: a batch comes twice."""
        senders = [member for member in self.members if member.sent and not member.ended]
        if senders:
            member = self.random.choice(senders)
            batch = self.random.choice(member.sent[-3:])
            if self._is_stored(member):  # else the store has forgotten the process, and this is new to it
                await self._write(member, batch)

    async def end(self) -> None:
        """A process says goodbye, or dies without a word."""
        living = [member for member in self.members if not member.ended]
        if living:
            member = self.random.choice(living)
            member.ended = True
            if self.random.random() < 0.5:
                member.sequence += 1
                process = wire.Process(member.id, "service-0", "host", 1, "3.11", member.began_ns)
                await self._write(
                    member,
                    wire.Batch(
                        wire.VERSION, process, member.sequence, 0, 0, [], [], [], [], [], [], final=True,
                    ),
                )  # fmt: skip

    async def spans(self) -> None:
        """Spans of one or two other services come, some in traces that tracers have a part in, and perhaps twice."""
        spans = random_spans(self.random, self._traces, self._instant_ns, self._spans)
        self._spans += 100
        for _ in range(self.random.choice([1, 1, 1, 2])):
            await self.store.write_spans(spans)
            self._learn()

    async def follow(self) -> None:
        """An exporter is there, or is taken away."""
        await self.store.follow([FOLLOWER] if self.random.random() < 0.8 else [])

    async def deliver(self) -> None:
        """An exporter takes some of what waits for it."""
        await self.store.abandon()
        endings = await self.store.closed_lifecycles(FOLLOWER, self.random.randint(1, 50))
        await self.store.acknowledge(FOLLOWER, endings.position, endings.expired)

    async def forget_old(self) -> None:
        """Retention by age: what came since is there, what came before is gone."""
        before = self._stored()
        dead = self._dead()
        await self.store.retain(RETENTION_NS, None)
        oldest_ns = self.clock() - RETENTION_NS
        after = self._stored()
        for key in before.keys() - after.keys():
            came_ns = self.came[key]
            if came_ns is None and dead.get(process_of(key), oldest_ns) >= oldest_ns:
                self.wrong.append(f"{key} is open, and was deleted")
            elif came_ns is not None and came_ns >= oldest_ns:
                self.wrong.append(f"{key} was deleted {(self.clock() - came_ns) / S:g} s after it came")
        for key in after:
            came_ns = self.came[key]
            if came_ns is not None and came_ns < oldest_ns - SPAN_NS:
                self.wrong.append(f"{key} is there {(self.clock() - came_ns) / S:g} s after it came")
        self._forgotten(after)

    async def forget_oldest(self) -> None:
        """Retention by size: what is gone came before what is there."""
        ((used,),) = self._rows("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        await self.store.retain(None, int(used * self.random.uniform(0.5, 1.1)))
        after = self._stored()
        gone = [self.came[key] or 0 for key in self.came.keys() - after.keys()]
        kept = [came_ns for key in after if (came_ns := self.came[key]) is not None]
        if gone and kept and max(gone) > min(kept) + SPAN_NS:
            self.wrong.append("what came later was deleted before what came earlier")
        self._forgotten(after)

    def _forgotten(self, after: dict[int, int | None]) -> None:
        self.came = {key: self.came[key] for key in after}
        for member in self.members:
            if not self._is_stored(member):
                member.sent.clear()

    async def _write(self, member: Member, batch: wire.Batch) -> None:
        await self.store.write(batch)
        member.last_seen_ns = self.clock()
        self._learn()

    def _learn(self) -> None:
        """What the store has now: what is new, or closed, has just come; nothing may be missing."""
        stored = self._stored()
        if missing := self.came.keys() - stored.keys():
            self.wrong.append(f"{len(missing)} lifecycles vanished at a write")
            for key in missing:
                del self.came[key]
        for key, release_ns in stored.items():
            if key not in self.came:
                self.written += 1
            if key not in self.came or (self.came[key] is None and release_ns is not None):
                self.came[key] = None if release_ns is None else self.clock()

    def _stored(self) -> dict[int, int | None]:
        return dict(self._rows("SELECT key, release_ns FROM lifecycles"))

    def _dead(self) -> dict[int, int]:
        """The processes that no longer live, and when they were last heard of."""
        rows = self._rows("SELECT process, ended, last_seen_ns FROM processes")
        return {row: seen_ns for row, ended, seen_ns in rows if ended or self.clock() - seen_ns >= ALIVE_NS}

    def _is_stored(self, member: Member) -> bool:
        return bool(self._rows("SELECT 1 FROM processes WHERE id = ?", member.id))

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.store._read_now(lambda reading: reading.connection.execute(sql, values).fetchall(), Deadline(60))

    def _member(self) -> Member:
        living = [member for member in self.members if not member.ended]
        if not living or (len(living) < 4 and self.random.random() < 0.2):
            living = [Member(self.random.randbytes(16), self._offset_ns(), self.clock())]
            self.members += living
        return self.random.choice(living)

    def _offset_ns(self) -> int:
        """A program's clock less the collector's."""
        return self._far_off_ns() if self.wild and self.random.random() < 0.5 else 0

    def _far_off_ns(self) -> int:
        return self.random.choice([-30 * YEAR, -YEAR, -3_600 * S, -3 * S, 3 * S, 3_600 * S, 8 * 86_400 * S, 30 * YEAR])

    def _instant_ns(self) -> int:
        """When a row says that it began, by the collector's clock, where its own is right."""
        wrong_ns = self._far_off_ns() if self.wild and self.random.random() < 0.1 else 0
        return self.clock() - self.random.randint(0, 2 * S) + wrong_ns

    def _tasks(self, member: Member) -> list[wire.Task]:
        """The newest few, as they stand; some are made by others, and some have finished."""
        member.tasks += self.random.randint(0, 2) if member.tasks else 1
        first = max(1, member.tasks - 3)
        tasks = []
        for number in range(first, member.tasks + 1):
            parent = self.random.randint(first, number) if self.random.random() < 0.5 else 0
            finished_ns = self._instant_ns() - START_NS + 40 * YEAR if self.random.random() < 0.4 else None
            raised = self.random.choice([0, 0, 1, 2]) if finished_ns is not None else 0
            outcome = _OK if finished_ns is not None else 0
            tasks.append(
                wire.Task(
                    number, f"task-{number}", "main", "task", parent if parent < number else 0, 0, None, finished_ns,
                    outcome, raised,
                )
            )  # fmt: skip
        return tasks

    def _awaits(self, tasks: int) -> list[wire.Await]:
        random, awaited = self.random, self.random.choice(["Queue.join", "sleep 3 s", ""])
        return [wire.Await(random.randrange(tasks), 0, awaited, random.randint(0, 3), random.randint(0, 2))]

    def _stalls(self, member: Member, tasks: int) -> list[wire.Stall]:
        random = self.random
        begin_ns, task, site = self._instant_ns() - member.offset_ns, random.randint(0, tasks), random.randint(0, 3)
        return [wire.Stall(1, "main", begin_ns, S, False, task, site, ["main (shop.py:1)"])][random.randint(0, 1) :]

    def _row(self, member: Member, number: int, before: wire.Row | None) -> wire.Row:
        """A lifecycle in some phase: a new one, or one that goes on. Its trace is the number of its root."""
        random = self.random
        phase = random.choice([0, 1, 2, 3, 3, 3])
        wait, hold, release = (random.randint(0, S) if phase >= reached else wire.NOT_REACHED for reached in (1, 2, 3))
        outcomes = (_OK if phase >= 1 else 0) | (_ERROR if phase >= 2 else 0) << wire.BODY_SHIFT
        if phase == 3:
            outcomes |= _OK << wire.RELEASE_SHIFT
        raised = random.choice([0, 1, 2]) if phase >= 2 else 0
        if before is not None:
            return _with(
                before, wait_ns=wait, hold_ns=hold, release_ns=release, outcomes=outcomes | wire.RESENT,
                body_exception=raised,
            )  # fmt: skip
        parent = random.choice(list(member.open)) if member.open and random.random() < 0.5 else 0
        root = member.open[parent].trace if parent else number
        if not parent:
            shared = random.choice(self._traces) if random.random() < 0.5 else None
            above = random.randbytes(8) if shared and random.random() < 0.5 else None
            link = random.randint(1, number) if random.random() < 0.2 else 0
            member.roots[number] = wire.Trace(number, link, shared, above)
        return wire.Row(
            number, parent, root, random.randrange(min(member.tasks, 4)), random.randrange(2), random.randrange(3),
            self._instant_ns(), wait, hold, release, outcomes, raised, 0,
        )  # fmt: skip


def _with(row: wire.Row, **changes: int) -> wire.Row:
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    return wire.Row(**(values | changes))
