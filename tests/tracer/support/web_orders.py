"""What the applications of all frameworks do."""

import asyncio


class Mistake(Exception):
    """A handler of the program answers it."""


class Pauses:
    """What each middleware waits for."""

    gate: asyncio.Event | None = None


async def pause():
    if Pauses.gate is not None:
        await Pauses.gate.wait()


async def hold():
    async with asyncio.Lock():
        await asyncio.sleep(0)
