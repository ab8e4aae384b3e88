"""The simplest program: one task, one resource.

tenure run -o textbook.mmd examples/textbook.py
"""

import asyncio


class AsyncDatabaseConnection:
    async def __aenter__(self):
        print("connecting to the database")
        await asyncio.sleep(1)
        print("connected")
        return self

    async def __aexit__(self, exc_type, exc, traceback):
        print("closing the connection")
        await asyncio.sleep(1)
        print("closed")


async def main():
    async with AsyncDatabaseConnection() as db:
        print("using", type(db).__name__)


if __name__ == "__main__":
    asyncio.run(main())
