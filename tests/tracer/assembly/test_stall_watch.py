"""When the event loop stands still, and when it does not."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tenure import testing
from tenure._assembly import stall_watch
from tenure._assembly.stall_watch import STALL_NS, LoopStall, StallWatch
from tenure._identify import event_loops, loop_steps, sites
from tenure._identify.loop_steps import Step

_POLL_S = 0.025


def stalls_of(main: Coroutine[Any, Any, Any], run: Callable[[Coroutine[Any, Any, Any]], object]) -> list[LoopStall]:
    """What a thread beside the loop sees, which looks as the shipping thread does."""
    watch, over, stalls = StallWatch(lambda code: code.co_filename == __file__), threading.Event(), []

    def look() -> None:
        while not over.is_set():
            due_ns = time.perf_counter_ns() + round(_POLL_S * 1e9)
            over.wait(_POLL_S)
            now_ns = time.perf_counter_ns()
            watch.look(now_ns, now_ns - due_ns)
            stalls.extend(watch.take())

    with testing.recorder():
        thread = threading.Thread(target=look)
        thread.start()
        try:
            run(main)
        finally:
            over.set()
            thread.join()
    return stalls


def block(seconds: float) -> None:
    time.sleep(seconds)


def compute(seconds: float) -> int:
    until, total = time.perf_counter() + seconds, 0
    while time.perf_counter() < until:
        total += 1
    return total


async def within(act: Callable[[float], object]) -> None:
    await asyncio.sleep(0.06)
    act(0.35)
    await asyncio.sleep(0.06)


@pytest.mark.parametrize("act", [block, compute])
def test_a_step_that_takes_long(act: Callable[[float], object]) -> None:
    first, *_, last = stalls_of(within(act), asyncio.run)
    assert (first.is_over, last.is_over) == (False, True)
    assert (first.loop, first.begin_ns, first.thread) == (last.loop, last.begin_ns, "MainThread")
    assert STALL_NS <= last.duration_ns < 0.6e9
    assert first.task is not None
    assert first.task.name or first.task.coroutine == "within"
    assert [call.code.co_name for call in first.calls] == [act.__name__, "within"]
    assert sites.Site.of(first.site).function == act.__name__


def test_it_goes_on_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told again while it goes on, then once that it is over."""
    monkeypatch.setattr(stall_watch, "REPORT_INTERVAL_NS", 50_000_000)
    stalls = stalls_of(within(block), asyncio.run)
    assert [stall.is_over for stall in stalls] == [False] * (len(stalls) - 1) + [True]
    assert len(stalls) >= 3
    assert sorted(stall.duration_ns for stall in stalls) == [stall.duration_ns for stall in stalls]


async def _many_short(step: Callable[[], object], at_once: int) -> None:
    """For 0.4 s; with many callbacks in each turn of the loop."""
    loop, until = asyncio.get_running_loop(), time.perf_counter() + 0.4
    while time.perf_counter() < until:
        for _ in range(at_once):
            loop.call_soon(step)
        await asyncio.sleep(0)


@pytest.mark.parametrize("at_once", [0, 1, 300])
@pytest.mark.parametrize(
    "step", [lambda: sum(range(5_000)), lambda: time.sleep(0.001)], ids=["that compute", "that block"]
)
def test_many_short_steps_are_no_stall(step: Callable[[], object], at_once: int) -> None:
    assert stalls_of(_many_short(step, at_once), asyncio.run) == []


def test_waiting_is_no_stall() -> None:
    assert stalls_of(asyncio.sleep(0.3), asyncio.run) == []


def test_a_plain_callback_that_takes_long() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_later(0.03, block, 0.3)
        await asyncio.sleep(0.4)

    last = stalls_of(main(), asyncio.run)[-1]
    assert (last.is_over, last.task, last.calls[0].code.co_name) == (True, None, "block")


def test_a_loop_in_another_thread() -> None:
    def run(main: Coroutine[Any, Any, Any]) -> None:
        thread = threading.Thread(target=asyncio.run, args=(main,), name="second")
        thread.start()
        thread.join()

    async def main() -> None:
        await asyncio.sleep(0.6)  # it is looked for twice a second
        block(0.3)
        await asyncio.sleep(0.05)

    assert {stall.thread for stall in stalls_of(main(), run)} == {"second"}


class _Frames:
    """A thread whose loop is in these steps at the looks that follow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: Step | None, spent_ns: int = 0) -> None:
        self._spent, self.spent_ns = 0, spent_ns
        self._steps = iter(steps)
        monkeypatch.setattr(loop_steps, "running", lambda *_: next(self._steps))
        monkeypatch.setattr(loop_steps, "processor_clock", lambda _: 1)
        monkeypatch.setattr(loop_steps, "clock_ns", lambda _: self._spend())
        monkeypatch.setattr(time, "process_time_ns", lambda: self._spent)
        monkeypatch.setattr(loop_steps, "stack", lambda *_: [])
        monkeypatch.setattr(loop_steps, "task_of", lambda _: None)
        monkeypatch.setattr(sys, "_current_frames", lambda: {threading.main_thread().ident: None or sys._getframe()})
        monkeypatch.setattr(threading, "get_ident", lambda: 0)
        self.watch = StallWatch(lambda _: True)

    def _spend(self) -> int:
        self._spent += self.spent_ns
        return self._spent

    def look(self, *instants: int, late_ns: int = 0) -> list[tuple[int, bool]]:
        for now_ns in instants:
            self.watch.look(now_ns, late_ns)
        return [(stall.duration_ns, stall.is_over) for stall in self.watch.take()]


def test_a_process_that_was_stopped_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same step at two looks, with a minute between them in which nothing ran."""
    step = Step(1, 5.0, 3)
    frames = _Frames(monkeypatch, step, step, step, None)
    assert frames.look(10**9, 61 * 10**9, 61 * 10**9 + STALL_NS // 2, 62 * 10**9) == []


def test_a_process_that_stands_still_for_moments_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container does that may use half of a processor: nobody runs for 95 ms, again and again."""
    step, other = Step(1, 5.0, 3), Step(1, 6.0, 3)
    frames = _Frames(monkeypatch, step, step, other, other, None)
    assert frames.look(10**9, 10**9 + 95_000_000, 2 * 10**9, 2 * 10**9 + 95_000_000, 3 * 10**9) == []


def test_a_long_computation_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """The looking thread gets its turn late; the loop's thread has computed all the time."""
    now = time.monotonic_ns() + 10**9
    step = Step(1, (now - 900_000_000) / 1e9, 7)
    frames = _Frames(monkeypatch, None, step, None, spent_ns=700_000_000)
    monkeypatch.setattr(time, "perf_counter_ns", time.monotonic_ns)
    assert frames.look(now - 10**9) == []
    assert frames.look(now, late_ns=800_000_000) == [(800_000_000, False)]
    assert frames.look(now + 10**7) == [(800_000_000, True)]


def test_a_late_turn_alone_is_no_stall(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine was busy: the loop's thread has not computed either, or its turn began just now."""
    now = time.monotonic_ns() + 10**9
    monkeypatch.setattr(time, "perf_counter_ns", time.monotonic_ns)
    idle = _Frames(monkeypatch, None, Step(1, (now - 900_000_000) / 1e9, 7), None)
    assert idle.look(now - 10**9) == []
    assert idle.look(now, late_ns=800_000_000) == []
    short = _Frames(monkeypatch, None, Step(1, (now - 1_000_000) / 1e9, 7), None, spent_ns=700_000_000)
    assert short.look(now - 10**9) == []
    assert short.look(now, late_ns=800_000_000) == []


@pytest.mark.parametrize("act", [block, compute, lambda _: _tiny_steps()])
def test_uvloop(act: Callable[[float], object]) -> None:
    """It shows no turns: only a step that executes nothing is known to go on."""
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        event_loops.known().number(asyncio.get_running_loop())
        await within(act)

    stalls = stalls_of(main(), uvloop.run)
    assert bool(stalls) is (act is block)
    assert all([call.code.co_name for call in stall.calls[:3]] == ["block", "within", "main"] for stall in stalls)


def _tiny_steps() -> None:
    until = time.perf_counter() + 0.3
    while time.perf_counter() < until:
        time.sleep(0.001)
