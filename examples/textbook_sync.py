"""The same connection twice, synchronous and asynchronous, to compare the times to acquire and to release.

tenure run --sync -o textbook_sync.mmd examples/textbook_sync.py
"""

import asyncio
import time

from textbook import AsyncDatabaseConnection


class DatabaseConnection:
    def __enter__(self):
        print("connecting to the database")
        time.sleep(1)
        print("connected")
        return self

    def __exit__(self, exc_type, exc, traceback):
        print("closing the connection")
        time.sleep(1)
        print("closed")


async def main():
    with DatabaseConnection() as db:
        print("using", type(db).__name__)
    async with AsyncDatabaseConnection() as db:
        print("using", type(db).__name__)


if __name__ == "__main__":
    asyncio.run(main())
