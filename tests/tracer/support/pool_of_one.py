"""A pool of one connection that two tasks want: the second is seen to wait until the first has released."""

import asyncio


def check_who_waits(recorder, hold, with_pool, opened, kind):
    """``hold(pool, done)`` holds a connection until ``done`` is set; ``opened`` is the line of the pool itself."""
    waiting = [opened.replace("ok ok ok", "ok ?"), f"holder: {kind} (1), ok ?", f"waiter: {kind} (1), ?"]

    async def main(pool):
        done = asyncio.Event()
        users = [asyncio.create_task(hold(pool, done), name=name) for name in ("holder", "waiter")]
        lines = await recorder.until(waiting)
        done.set()
        await asyncio.gather(*users)
        return lines

    assert asyncio.run(with_pool(main, size=1)) == waiting
    assert [line.rpartition(", ")[2] for line in recorder.lines()] == ["ok ok ok"] * 3
