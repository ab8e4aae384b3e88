"""An arq worker; run as a program, it enqueues twelve jobs."""

import asyncio
import os

import arq
import work
from arq.connections import RedisSettings

SERVER = RedisSettings.from_dsn(os.environ["WAY_REDIS"])


async def show(context, item):
    await work.use()
    return item


class Worker:
    functions = [show]  # noqa: RUF012  # as arq's users write it
    redis_settings = SERVER


async def main():
    redis = await arq.create_pool(SERVER)
    for item in range(12):
        await redis.enqueue_job("show", item)
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main())
