"""A taskiq broker over ZeroMQ; run as a program, it sends twelve tasks."""

import asyncio
import os

import work
from taskiq import ZeroMQBroker

broker = ZeroMQBroker(
    zmq_pub_host=f"tcp://127.0.0.1:{os.environ['WAY_PORT']}", zmq_sub_host=f"tcp://127.0.0.1:{os.environ['WAY_PORT']}"
)


@broker.task
async def show(item: int) -> int:
    await work.use()
    return item


async def main():
    await broker.startup()
    await asyncio.sleep(1)  # until the worker has subscribed again
    for item in range(12):
        await show.kiq(item)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
