"""Random programs for Hypothesis: tasks that acquire, fail, create tasks, loop, leak and die, in any order.

A program is a number of moves that a small interpreter makes by chance, with a clock of its own. Nothing keeps a lock
from being held twice here: a diagram has to stand whatever the records say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import msgspec
from hypothesis import strategies as st
from tests.golden.diagram.scenario import BEGIN_NS, Scenario

from tenure_server.model.records import Lifecycle, Phase, ResourceRef, Task

MOVES = {
    "idle": ("enter", "enter", "enter", "spawn", "loop", "crowd", "end"),
    "acquiring": ("got", "got", "got", "fail"),
    "held": ("enter", "exit", "exit", "spawn", "loop", "crowd", "leak"),
    "releasing": ("out",),
}
ENDINGS = (None, None, "ValueError: no", "CancelledError")


@dataclass
class Program:
    """What a collector knows of a program, all of it or up to a moment."""

    lifecycles: list[Lifecycle]
    tasks: dict[str, Task]
    now_ns: int

    def at(self, now_ns: int) -> Program:
        """What was known at an earlier moment."""
        seen = [_seen(lifecycle, now_ns) for lifecycle in self.lifecycles if lifecycle.acquire_ns <= now_ns]
        tasks = {
            task.id: msgspec.structs.replace(task, finished_ns=None, outcome=None, exception=None)
            if (task.finished_ns or 0) > now_ns
            else task
            for task in self.tasks.values()
            if (task.created_ns or 0) <= now_ns
        }
        return Program(seen, tasks, now_ns)


def _seen(it: Lifecycle, now_ns: int) -> Lifecycle:
    def reached(at_ns: int | None) -> int | None:
        return at_ns if at_ns is not None and at_ns <= now_ns else None

    acquired, release, released = reached(it.acquired_ns), reached(it.release_ns), reached(it.released_ns)
    open_phase: Phase = "acquiring" if acquired is None else "held" if release is None else "releasing"
    return msgspec.structs.replace(
        it,
        acquired_ns=acquired,
        release_ns=release,
        released_ns=released,
        phase=open_phase if released is None and it.phase != "abandoned" else it.phase,
        acquire_outcome=it.acquire_outcome if acquired is not None or released is not None else None,
        body_outcome=it.body_outcome if release is not None else None,
        release_outcome=it.release_outcome if released is not None else None,
    )


@dataclass
class _Use:
    task: _Runner
    resource: int
    around: _Use | None
    times: list[float | None]
    body: str | None = None
    raised: str | None = None
    suppressed: bool = False


@dataclass
class _Runner:
    creator: _Runner | None
    within: _Use | None
    created: float | None
    coroutine: str
    stack: list[_Use] = field(default_factory=list)
    finished: float | None = None
    fails: str | None = None


class _Interpreter:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.clock = 0.0
        self.uses: list[_Use] = []
        self.runners = [_Runner(None, None, None, "main")]

    def move(self) -> None:
        self.clock += self.rng.choice((0, 0.25, 1))
        live = [runner for runner in self.runners[-4:] if runner.finished is None]
        runner = self.rng.choice([self.runners[0], *live])
        what = self.rng.choice(MOVES[_state(runner.stack[-1]) if runner.stack else "idle"])
        getattr(self, f"_{what}")(runner)

    def _enter(self, runner: _Runner, resource: int | None = None) -> None:
        resource = self.rng.choice((0, 0, 0, 1, 1, 2, 3)) if resource is None else resource
        around = runner.stack[-1] if runner.stack else None
        runner.stack.append(_Use(runner, resource, around, [self.clock, None, None, None]))
        self.uses.append(runner.stack[-1])

    def _got(self, runner: _Runner) -> None:
        runner.stack[-1].times[1] = self.clock

    def _fail(self, runner: _Runner) -> None:
        use = runner.stack.pop()
        use.times[3], use.raised = self.clock, self.rng.choice(ENDINGS[2:])

    def _exit(self, runner: _Runner) -> None:
        runner.stack[-1].times[2], runner.stack[-1].body = self.clock, self.rng.choice(ENDINGS)

    def _out(self, runner: _Runner) -> None:
        use = runner.stack.pop()
        use.times[3], use.raised = self.clock, self.rng.choice(ENDINGS)
        use.suppressed = use.body is not None and use.raised is None and self.rng.random() < 0.3

    def _spawn(self, runner: _Runner, coroutine: str | None = None) -> _Runner:
        within = runner.stack[-1] if runner.stack else None
        coroutine = coroutine or self.rng.choice(("worker", "Shop.checkout"))
        self.runners.append(_Runner(runner, within, self.clock, coroutine))
        return self.runners[-1]

    def _end(self, runner: _Runner, *, well: bool = False) -> None:
        if runner.creator is not None:
            runner.finished, runner.fails = self.clock, None if well else self.rng.choice(ENDINGS)

    def _leak(self, runner: _Runner) -> None:
        if self.rng.random() < 0.2:
            self._end(runner)

    def _loop(self, runner: _Runner) -> None:
        depth = self.rng.randrange(2)
        for _ in range(self.rng.randint(2, 5)):
            self._once(runner, depth)

    def _crowd(self, runner: _Runner) -> None:
        depth = self.rng.randrange(2)
        for worker in [self._spawn(runner, "worker") for _ in range(self.rng.randint(2, 5))]:
            self._once(worker, depth)
            self._end(worker, well=True)

    def _once(self, runner: _Runner, depth: int) -> None:
        """One use from beginning to end, with another inside it or not."""
        self._enter(runner, depth)
        self._got(runner)
        if depth:
            self._once(runner, depth - 1)
        self.clock += 0.25
        use = runner.stack.pop()
        use.times[2] = use.times[3] = self.clock


def _state(use: _Use) -> str:
    return "acquiring" if use.times[1] is None else "held" if use.times[2] is None else "releasing"


def _records(interpreter: _Interpreter, *, crashed: bool, unknown: int) -> Program:
    s = Scenario()
    tasks: dict[int, Task] = {}
    for runner in interpreter.runners:
        creator = tasks[id(runner.creator)] if runner.creator else None
        name = f"{runner.coroutine}-{len(tasks)}"
        created, finished = runner.created, runner.finished
        tasks[id(runner)] = s.task(
            name, runner.coroutine, by=creator, created=created, finished=finished, fails=runner.fails
        )
    resources = _resources(s)
    uses: dict[int, Lifecycle] = {}
    for use in interpreter.uses:
        phase: Phase | None = "abandoned" if crashed and use.times[3] is None else None
        uses[id(use)] = s.use(
            tasks[id(use.task)],
            resources[use.resource],
            (use.times[0] or 0, *use.times[1:]),
            inside=uses.get(id(use.around or use.task.within)),
            line=use.resource + 1,
            body=use.body,
            raised=use.raised,
            suppressed=use.suppressed,
            phase=phase,
        )
    for runner in interpreter.runners:
        if runner.within is not None:
            task = tasks[id(runner)]
            s.tasks[task.id] = msgspec.structs.replace(task, created_in=uses[id(runner.within)].id)
    for task in list(s.tasks.values())[: unknown % 4]:
        del s.tasks[task.id]
    return Program(s.lifecycles, s.tasks, BEGIN_NS + round(interpreter.clock * 1_000_000) + 1_000_000)


def _resources(s: Scenario) -> list[ResourceRef]:
    return [
        s.resource("asyncio.locks.Lock", "stock", 1, "control"),
        s.resource("shop.db.Pool", "orders", 2, "database"),
        s.resource("asyncio.taskgroups.TaskGroup"),
        s.resource("shop.Queue", "jobs", None, "queue"),
    ]


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Programs of one process, as known at their end."""
    interpreter = _Interpreter(Random(draw(st.integers(0, 1 << 32))))
    for _ in range(draw(st.integers(0, 120))):
        interpreter.move()
    return _records(interpreter, crashed=draw(st.integers(0, 3)) == 3, unknown=draw(st.integers(0, 7)) // 4)
