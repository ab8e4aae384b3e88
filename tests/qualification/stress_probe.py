"""The native probe under load: what `docs/probe.md` reports was run with this.

    python tests/qualification/stress_probe.py [--times 10000000] [PART ...]

Each part prints one line, or ends the process with an AssertionError or a crash. `times` is the number of lifecycles of
"many"; the other parts scale with it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import random
import resource
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from types import ModuleType

from tenure import _probe_api as probe
from tenure import testing
from tenure._core import buffer, faults, probe_backend
from tenure._identify import tracer
from tenure._patching import class_patches
from tenure._rewriting import rewriter

PROGRAM = """
import asyncio

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return False

class Failing(Manager):
    async def __aexit__(self, *details): raise KeyError("release")

class Suspending(Manager):
    async def __aenter__(self):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self
    async def __aexit__(self, *details):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return False

class Patched(Suspending): pass

lock = None

async def plain(times):
    for _ in range(times):
        async with Manager():
            pass

async def mixed(times):
    for number in range(times):
        try:
            async with Manager(), lock:
                if number % 3 == 0: raise ValueError(number)
                async with Failing(): pass
        except (ValueError, KeyError): pass

async def cancelled():
    async with Suspending():
        async with lock:
            await by_hand(Patched())
            await asyncio.sleep(0)
"""
BY_HAND = """
import asyncio
async def by_hand(manager):  # not rewritten: the class patch records it
    await manager.__aenter__()
    try:
        await asyncio.sleep(0)
        await acquired(asyncio.Semaphore(1), 1)
    finally:
        await manager.__aexit__(None, None, None)

async def acquired(lock, times):
    for number in range(times):
        await lock.acquire()
        try:
            if number % 8 == 0: await asyncio.sleep(0)
        finally:
            lock.release()
        async with lock: pass

async def uses(locks, times):
    for lock in locks:
        await acquired(lock, times)
        task = asyncio.create_task(lock.acquire())
        await asyncio.sleep(0)
        if task.cancel(): await asyncio.wait([task])
        if not task.cancelled(): lock.release()
"""


def peak_kb() -> int:
    """The largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def load() -> ModuleType:
    module = ModuleType("program")
    exec(BY_HAND, vars(module))
    exec(rewriter.rewrite(PROGRAM.encode(), "program.py"), vars(module))
    module.lock = asyncio.Lock()  # type: ignore[attr-defined]
    class_patches.patch_manager(module.Patched)
    return module


def drained() -> int:
    """How many records the buffer had."""
    return sum(isinstance(entry, list) for entry in buffer.drain())


def many(program: ModuleType, times: int) -> str:
    """Every lifecycle is recorded, and memory does not grow after the first tenth."""

    async def main() -> int:
        seen = 0
        for part in range(times // 10_000):
            await program.plain(10_000)
            seen += drained()
            if part == times // 100_000:
                first.append(peak_kb())
        return seen

    first: list[int] = []
    assert asyncio.run(main()) == times // 10_000 * 10_000
    grown = peak_kb() - first[0]
    assert grown < 2_000 or times < 1_000_000, f"grew by {grown} kB"  # valgrind keeps what was freed
    return f"{times} lifecycles, {grown} kB more at the end than after a tenth"


def failing(program: ModuleType, times: int) -> str:
    """Failures, suppression and a contended lock: no reference is lost or kept."""

    async def main(count: int) -> int:
        program.lock = asyncio.Lock()  # type: ignore[attr-defined]
        await asyncio.gather(*(program.mixed(count) for _ in range(10)))
        return drained()

    return _without_leak(main, max(times // 50_000, 3))


def calls(program: ModuleType, times: int) -> str:
    """Locks taken by calls and by statements that are not rewritten, contended, acquires cancelled: nothing is kept."""

    async def main(count: int) -> int:
        locks = asyncio.Lock(), asyncio.Semaphore(2), asyncio.BoundedSemaphore(2), asyncio.Condition()
        await asyncio.gather(*(program.uses(locks, count) for _ in range(5)))
        records = [entry for entry in buffer.drain() if isinstance(entry, list)]
        assert all(record[6] for record in records), "a record was left open"
        return len(records)

    return _without_leak(main, max(times // 100_000, 3))


def _without_leak(main: Callable[[int], Coroutine[object, object, int]], rounds: int) -> str:
    """Run it so many times; no reference is lost or kept."""

    def run(count: int) -> int:
        seen = asyncio.run(main(count))
        tracer.current.tasks.by_id.clear()  # as the ledger would: msgspec's references are not counted
        tracer.current.resource_ids.table.clear()
        gc.collect()
        return seen + drained()

    for _ in range(6):
        run(10)
    before = sys.gettotalrefcount() if hasattr(sys, "gettotalrefcount") else len(gc.get_objects())
    seen = sum(run(100) for _ in range(rounds))
    after = sys.gettotalrefcount() if hasattr(sys, "gettotalrefcount") else len(gc.get_objects())
    assert after - before < 50 + 2 * rounds, f"{after - before} references or objects more"
    return f"{seen} lifecycles, {after - before} more references (debug build) or objects"


def threads(program: ModuleType, times: int) -> str:
    """Loops in eight threads at once, and a ninth that drains: nothing is lost, nothing twice."""
    seen, stop = [0], threading.Event()

    def drain() -> None:
        while not stop.is_set():
            seen[0] += drained()
            time.sleep(0.001)

    each = max(times // 50, 100)
    drainer = threading.Thread(target=drain)
    drainer.start()
    loops = [threading.Thread(target=lambda: asyncio.run(program.plain(each))) for _ in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in loops:
        thread.start()
    for thread in loops:
        thread.join()
    sys.setswitchinterval(interval)
    stop.set()
    drainer.join()
    seen[0] += drained()
    assert seen[0] + faults.dropped.get("buffer full", 0) == 8 * each, (seen, faults.dropped)
    return f"{8 * each} lifecycles in 8 threads, {faults.dropped.pop('buffer full', 0)} of them counted as dropped"


def forks(program: ModuleType, times: int) -> str:
    """A child that starts to record while its parent is in the middle of lifecycles."""
    count = max(times // 100_000, 5)

    async def main() -> None:
        async def child() -> None:
            await program.plain(100)

        for _ in range(count):
            async with asyncio.timeout(60):
                holding = asyncio.create_task(program.cancelled())
                await asyncio.sleep(0)
                pid = os.fork()
                if pid == 0:
                    buffer.clear()
                    coroutine = child()
                    with contextlib.suppress(StopIteration):
                        coroutine.send(None)
                    os._exit(0 if drained() == 100 else 1)
                assert os.waitpid(pid, 0)[1] == 0  # noqa: ASYNC222  # it is done in no time
                await holding

    program.lock = asyncio.Lock()  # type: ignore[attr-defined]
    asyncio.run(main())
    drained()
    return f"{count} forks"


def cancellation(program: ModuleType, times: int) -> str:
    """Cancelled at every await in turn, many times over: every record ends."""

    async def main(steps: int) -> bool:
        program.lock = asyncio.Lock()  # type: ignore[attr-defined]
        task = asyncio.create_task(program.cancelled())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    rounds, ends, points = max(times // 100_000, 3), 0, 0
    for _ in range(rounds):
        points = next(steps for steps in range(100) if not asyncio.run(main(steps)))
        records = [entry for entry in buffer.drain() if isinstance(entry, list)]
        assert all(record[6] for record in records), "a record was left open"
        ends += len(records)
    return f"{points} points of cancellation, {rounds} times, {ends} records, all closed"


def dropped_coroutines(program: ModuleType, times: int) -> str:
    """Coroutines thrown away wherever they stand, in any order."""
    chance = random.Random(1)
    kept: list[object] = []
    for _ in range(max(times // 1_000, 100)):
        coroutine = program.cancelled()
        program.lock = asyncio.Lock()  # type: ignore[attr-defined]
        try:
            for _ in range(chance.randrange(6)):
                coroutine.send(None)
        except StopIteration:
            pass
        kept.append(coroutine)
        if len(kept) > 20:
            del kept[chance.randrange(20)]
    kept.clear()
    gc.collect()
    return f"{max(times // 1_000, 100)} coroutines, {drained()} records"


PARTS: dict[str, Callable[[ModuleType, int], str]] = {
    part.__name__: part for part in (many, failing, calls, threads, forks, cancellation, dropped_coroutines)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10_000_000)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    options = parser.parse_args()
    print(f"{probe_backend.NAME} probe, CPython {sys.version.split()[0]}", flush=True)
    sys.unraisablehook = lambda seen: None if isinstance(seen.exc_value, RuntimeError) else sys.__unraisablehook__(seen)
    with testing.recorder():
        probe.set_clock(None)
        program = load()
        for name in options.parts or PARTS:
            began = time.perf_counter()
            result = PARTS[name](program, options.times)
            print(f"  {name:20} {result} ({time.perf_counter() - began:.1f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
