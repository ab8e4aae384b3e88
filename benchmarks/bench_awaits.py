"""What it costs to see what 1,000 tasks await, and whether a loop stands still, with each probe.

The tasks wait in ``Queue.get``, two coroutines of the program deep. The first figure is the look that finds that they
have not moved, and reads what they await; the next one a further look at the same tasks, which idle; then what is done
with the answers, off the look: texts and sites. Times are the looking thread's own processor time, which is what the
program's loop waits for; each is the lowest of some rounds.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from benchmarks.figure import Figure
from tenure import testing
from tenure._assembly import await_watch, awaited_text
from tenure._assembly.await_watch import AwaitWatch
from tenure._assembly.stall_watch import StallWatch
from tenure._core import probe_backend
from tenure._identify import await_chain, tracer
from tenure._identify.await_chain import Row

TASKS, ROUNDS = 1_000, 20


def figures() -> list[Figure]:
    """The table's lines, of both probes."""
    return [figure for probe in ("native", "python") for figure in _figures_of(probe)]


def _figures_of(probe: str) -> list[Figure]:
    command = [sys.executable, "-m", "benchmarks.bench_awaits"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, "TENURE_PROBE": probe})
    return [Figure(*line) for line in json.loads(done.stdout)]


def figures_here() -> list[Figure]:
    """The lines of the probe that serves."""
    with testing.recorder():
        return asyncio.run(_measured("native" if probe_backend.SERVES else "python"))


async def _measured(probe: str) -> list[Figure]:
    queue: asyncio.Queue[None] = asyncio.Queue()

    async def take() -> None:
        await queue.get()

    async def work() -> None:
        await take()

    tasks = [asyncio.create_task(work()) for _ in range(TASKS)]
    await asyncio.sleep(0)
    known = list(tracer.current.tasks.known.values())[-TASKS:]

    def fresh() -> list[Row]:
        rows: list[Row] = [[reference, None, False, 0] for _, reference in known]
        await_chain.looks(rows, 0, {})
        return rows

    shapes: dict[int, object] = {}
    await_chain.looks(fresh(), 1, shapes)
    looks = []
    for _ in range(ROUNDS):
        rows = fresh()
        looks.append(_ms(lambda rows=rows: await_chain.looks(rows, 1, shapes)))  # type: ignore[misc]
    idle = min(_ms(lambda: await_chain.looks(rows, 2, shapes)) for _ in range(ROUNDS))
    answers = min(_answers_ms() for _ in range(3))
    lines = [
        Figure(f"{probe}: a look at 1,000 tasks that wait", min(looks), "ms", "at most 2" if probe == "native" else ""),
        Figure(f"{probe}: a further look at them", idle, "ms", ""),
        Figure(f"{probe}: their texts and sites", answers, "ms", ""),
        Figure(f"{probe}: a look at a loop that runs", _loop_look_us(), "µs", ""),
    ]
    for task in tasks:
        task.cancel()
    return lines


def _answers_ms() -> float:
    """A whole round of the watch over all tasks, without the looks themselves."""
    watch, before = AwaitWatch(lambda code: code.co_filename == __file__), await_chain.looks
    spent = 0.0

    def timed(rows: list[Row], now: int, shapes: dict[int, awaited_text.Shape]) -> list[await_chain.Event]:
        nonlocal spent
        began = time.thread_time()
        events = before(rows, now, shapes)
        spent += time.thread_time() - began
        return events

    await_chain.looks = timed  # type: ignore[assignment]
    try:
        turns = range(2 * (TASKS // await_watch.TASKS_A_LOOK + 1))
        began = time.thread_time()
        seen = sum(len(watch.look(turn * await_watch.LOOK_INTERVAL_NS)) for turn in turns)
        whole = time.thread_time() - began
    finally:
        await_chain.looks = before
    assert seen >= TASKS
    return (whole - spent) * 1e3


def _loop_look_us() -> float:
    """From another thread, while the loop computes, ten calls deep."""
    watch, taken = StallWatch(lambda _: True), list[float]()

    def look() -> None:
        for _ in range(ROUNDS):
            time.sleep(0.01)
            taken.append(_ms(lambda: watch.look(time.perf_counter_ns())) * 1e3)

    thread = threading.Thread(target=look)
    thread.start()
    _compute(10, thread)
    return min(taken)


def _compute(depth: int, thread: threading.Thread) -> None:
    if depth:
        _compute(depth - 1, thread)
    while thread.is_alive():
        sum(range(100))


def _ms(act: Callable[[], object]) -> float:
    began = time.thread_time()
    act()
    return (time.thread_time() - began) * 1e3


if __name__ == "__main__":
    print(json.dumps(figures_here()))
