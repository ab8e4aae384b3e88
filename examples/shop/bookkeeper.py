import asyncio
from pathlib import Path

import aiosqlite

from .tally import entered


async def keep_books(path: Path, every: float) -> None:
    """Print the number and the total of all orders at intervals, until cancelled."""
    while True:
        await asyncio.sleep(every)
        async with aiosqlite.connect(path) as connection:
            entered("aiosqlite.connect(path)")
            async with connection.execute("SELECT count(*), coalesce(sum(total), 0) FROM orders") as cursor:
                entered('connection.execute("SELECT count(*), coalesce(sum(total), 0) FROM orders")')
                orders, total = await cursor.fetchone()
        print(f"{orders} orders, {total / 100:.2f} taken", flush=True)
