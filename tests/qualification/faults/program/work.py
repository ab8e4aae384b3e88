"""The traced program: it holds things and writes its own count of that into a file.

    python work.py COUNT FAULT

COUNT is that file: a line "in" before each ``async with`` and "out <monotonic ns>" after it. FAULT is a function of
``program_faults.py``, which is called in the middle of the work.
"""

import asyncio
import inspect
import os
import signal
import sys
import time

import program_faults

WORKERS, TURNS, PAUSE = 4, 60, 0.02  # 1.5 seconds or so


class Held:
    async def __aenter__(self):
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *details):
        await asyncio.sleep(0)


class Count:
    """The file, open all the time; ``open`` it again where that was closed."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.open()

    def open(self):
        self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def note(self, line):
        os.write(self.file, f"{line}\n".encode())


async def worker(count, turns):
    for _ in range(turns):
        count.note("in")
        async with Held():
            await asyncio.sleep(PAUSE)
        count.note(f"out {time.monotonic_ns()}")


async def work(count, turns):
    await asyncio.gather(*(worker(count, turns) for _ in range(WORKERS)))


async def main(count, fault):
    await work(count, TURNS // 2)
    awaitable = fault(count, work)
    if inspect.isawaitable(awaitable):
        await awaitable
    await work(count, TURNS // 2)


if __name__ == "__main__":
    count = Count(sys.argv[1])
    fault = getattr(program_faults, sys.argv[2])
    if fault in {program_faults.fork, program_faults.fork_until_told}:
        fault(count, work)
    else:
        asyncio.run(main(count, fault))
    print("done", flush=True)
    if fault is program_faults.end_by_signal:
        os.kill(os.getpid(), signal.SIGTERM)
    sys.exit(7)
