"""Programs that are cancelled, and the cancellers that a batch names."""

import asyncio

from tenure import testing, wire


async def hold():
    async with asyncio.Lock():
        await asyncio.sleep(10)


def all_wait(count):
    """Whether there are so many tasks beside this one, and each has begun and waits."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return len(tasks) == count and all(task.get_coro().cr_await is not None for task in tasks)


async def fail():
    await asyncio.sleep(0)
    raise ValueError("no more")


def run(main, **options):
    """Who cancelled, "task: canceller" for what the task was in and "task ended: canceller" for the task."""
    with testing.recorder() as recorder:
        asyncio.run(main(), **options)
        (batch,) = recorder.batches()
    return cancellers(batch)


def cancellers(batch):
    by = {entry.exception: _canceller(entry, batch) for entry in batch.cancellers}
    lines = []
    for row in batch.rows:
        for code, number in ((row.outcomes >> 2 & 3, row.body_exception), (_own(row), row.exception)):
            if code == wire.CANCELLED:
                lines.append(f"{batch.tasks[row.task].name}: {by.get(number)}")
    lines += [f"{task.name} ended: {by.get(task.exception)}" for task in batch.tasks if task.outcome == wire.CANCELLED]
    return sorted(set(lines))


def _own(row):
    return row.outcomes & 3 if row.hold_ns == row.wait_ns == wire.NOT_REACHED else row.outcomes >> 4 & 3


def _canceller(entry, batch):
    who = batch.tasks[entry.task - 1].name if entry.task else ""
    site = batch.sites[entry.site - 1] if entry.site else None
    where = f"in {site.function.rpartition('.')[2]}, {site.expression}".rstrip(", ") if site else ""
    return " | ".join(part for part in (entry.via, who, where) if part)
