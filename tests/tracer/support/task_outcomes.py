"""A task that holds a lock, and what is recorded of tasks that ended."""

import asyncio

from tenure.wire import OUTCOMES


async def work(fails=False):
    async with asyncio.Lock():
        await asyncio.sleep(0)
    if fails:
        raise ValueError("no more")


def ended(recorder):
    """Name, coroutine, creator and outcome of each task that ended."""
    tasks = recorder.tasks()
    names = {task.id: task.name for task in tasks}
    return [(task.name, task.coroutine, names.get(task.parent), OUTCOMES[task.outcome]) for task in tasks]
