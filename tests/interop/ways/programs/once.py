"""A script that does one unit of work twelve times at once."""

import asyncio

import work


async def main():
    async with asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(hold())


async def hold():
    async with work.Connection():
        await asyncio.sleep(0.03)
        work.note()


if __name__ == "__main__":
    asyncio.run(main())
    print("twelve")
