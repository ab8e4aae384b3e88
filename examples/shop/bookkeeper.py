import asyncio
from pathlib import Path

import aiosqlite

from .tally import entered


async def keep_books(path: Path, every: float) -> None:
    """Say the day's takings now and then, forever."""
    while True:
        await asyncio.sleep(every)
        async with aiosqlite.connect(path) as connection:
            entered("aiosqlite.connect(path)")
            async with connection.execute("SELECT count(*), coalesce(sum(total), 0) FROM orders") as cursor:
                entered('connection.execute("SELECT count(*), coalesce(sum(total), 0) FROM orders")')
                orders, total = await cursor.fetchone()
        print(f"{orders} orders, {total / 100:.2f} taken", flush=True)
