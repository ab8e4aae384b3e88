"""Objects that stand for several tasks, as granian makes them in Rust."""

import asyncio
import contextlib

from tenure._core import faults


class StandIn(asyncio.Task):
    """A task that was never initialised; asking it for its coroutine ends the interpreter before Python 3.12."""

    def __init__(self):
        asyncio._register_task(self)


def test_what_runs_in_a_stand_in_is_not_recorded_and_one_line_says_so(recorder, caplog, monkeypatch):
    """Its uses would be each other's parents; the program runs on."""
    monkeypatch.setattr(faults, "_said", set())
    used = []

    async def use(lock):
        async with lock:
            used.append(lock)

    def driven(loop):
        task, coroutine = StandIn(), use(asyncio.Lock())
        asyncio.tasks._enter_task(loop, task)
        with contextlib.suppress(StopIteration):
            coroutine.send(None)
        asyncio.tasks._leave_task(loop, task)
        asyncio._unregister_task(task)

    async def main():
        asyncio.get_running_loop().call_soon(driven, asyncio.get_running_loop())
        await asyncio.sleep(0)
        await use(asyncio.Lock())

    assert recorder.run(main()) == ["main: asyncio.locks.Lock lock (1), ok ok ok"]
    assert len(used) == 2
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("tenure: finding the running task failed and what runs in it is not recorded: ")
    assert line.endswith(f"{__name__}.StandIn stands for several tasks")
