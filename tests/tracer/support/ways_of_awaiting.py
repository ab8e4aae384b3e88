"""The ways in which a program runs a library's call: ``await way(make)``, where ``make()`` makes the call.

Each ends when the call has ended, and gives its result.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import anyio

Make = Callable[[], Any]


async def awaited(make: Make) -> Any:
    return await make()


async def awaited_later(make: Make) -> Any:
    call = make()
    await asyncio.sleep(0)
    return await call


async def with_timeout(make: Make) -> Any:
    async with asyncio.timeout(9):
        return await make()


async def waited_for(make: Make) -> Any:
    return await asyncio.wait_for(make(), 9)


async def gathered(make: Make) -> Any:
    results = await asyncio.gather(asyncio.sleep(0), make())
    return results[1]


async def shielded(make: Make) -> Any:
    return await asyncio.shield(make())


async def ensured(make: Make) -> Any:
    return await asyncio.ensure_future(make())


async def as_completed(make: Make) -> Any:
    for call in asyncio.as_completed([make()]):
        result = await call
    return result


async def as_task(make: Make) -> Any:
    return await asyncio.create_task(make())


async def as_task_of_the_loop(make: Make) -> Any:
    return await asyncio.get_running_loop().create_task(make())


async def in_task_group(make: Make) -> Any:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(make())
    return task.result()


async def waited_in_a_set(make: Make) -> Any:
    done, _ = await asyncio.wait({asyncio.create_task(make())}, timeout=9)
    return done.pop().result()


async def in_nested_tasks(make: Make) -> Any:
    return (await asyncio.gather(asyncio.wait_for(asyncio.shield(make()), 9)))[0]


async def in_anyio_group(make: Make) -> Any:
    async with anyio.create_task_group() as group:
        handle = group.start_soon(make)
    return handle.return_value


async def from_a_thread(make: Make) -> Any:
    loop = asyncio.get_running_loop()
    return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(make(), loop).result(9))


async def eager(make: Make) -> Any:
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # from 3.12 on
    try:
        task = asyncio.create_task(make())
    finally:
        loop.set_task_factory(None)
    return await task


OF_ANY_AWAITABLE: list[Callable[[Make], Awaitable[Any]]] = [
    awaited,
    awaited_later,
    with_timeout,
    waited_for,
    gathered,
    shielded,
    ensured,
    as_completed,
    in_nested_tasks,
]
OF_COROUTINES: list[Callable[[Make], Coroutine[Any, Any, Any]]] = [
    as_task,
    as_task_of_the_loop,
    in_task_group,
    waited_in_a_set,
    in_anyio_group,
    from_a_thread,
]
if sys.version_info >= (3, 12):
    OF_COROUTINES.append(eager)
