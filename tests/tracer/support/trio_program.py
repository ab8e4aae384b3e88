"""A program on trio: siblings, nested nurseries, failures and cancellation."""

PROGRAM = """
import asyncio
import anyio
import trio


class Thing:
    def __init__(self, begun=None):
        self.begun = begun

    async def __aenter__(self):
        if self.begun is not None:
            self.begun.set()

    async def __aexit__(self, *details):
        return False


async def hold(begun, ending):
    async with Thing(begun):
        await ending.wait()


async def siblings():
    endings = [trio.Event() for _ in range(3)]
    async with trio.open_nursery() as nursery:
        for ending in endings:
            begun = trio.Event()
            nursery.start_soon(hold, begun, ending)
            await begun.wait()
        for number in (1, 0, 2):
            endings[number].set()
            await trio.testing.wait_all_tasks_blocked()


async def grandchild():
    async with Thing():
        pass


async def child(fail):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(grandchild, name="leaf")
    if fail:
        raise LookupError("no such child")


async def nested(fail=False):
    async with Thing(), trio.open_nursery() as nursery:
        nursery.start_soon(child, fail)


async def forever(begun):
    async with Thing(begun):
        await trio.sleep_forever()


async def cancelling():
    begun = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(forever, begun)
        await begun.wait()
        nursery.cancel_scope.cancel()


async def starting():
    async with trio.open_nursery() as nursery:
        await nursery.start(started)


async def started(task_status):
    async with Thing():
        task_status.started()


async def locks():
    stock, free, limit = trio.Lock(), trio.Semaphore(2), trio.CapacityLimiter(3)
    async with stock, free, limit, trio.Condition(stock_of_conditions := trio.Lock()):
        assert stock_of_conditions.locked()


async def anyio_main():
    stock, limit = anyio.Lock(), anyio.CapacityLimiter(1)
    async with anyio.create_task_group() as group:
        group.start_soon(anyio_child, stock, name="first")
        group.start_soon(anyio_child, limit, name="second")


async def anyio_child(lock):
    async with lock:
        await anyio.lowlevel.checkpoint()


async def plain():
    async with Thing():
        await asyncio.sleep(0)


async def asyncio_main(run):
    async with Thing():
        run()
    async with Thing():
        pass
"""
