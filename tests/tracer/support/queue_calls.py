"""The calls of brokers', object stores' and mappers' libraries, as in ``library_calls``."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiokafka
from aio_pika import pool as pools
from aiobotocore.session import get_session
from botocore.config import Config
from tests.tracer.support import servers
from tests.tracer.support.call_tables import Call, Calls
from tests.tracer.support.tortoise_models import Item
from tortoise import Tortoise


class Channel:
    """What a pool of aio-pika has; there is no broker in PyPI."""

    async def close(self) -> None: ...


async def channel() -> Channel:
    return Channel()


@contextlib.asynccontextmanager
async def of_brokers(_: Any) -> AsyncIterator[Calls]:
    async def pool() -> Any:
        return pools.Pool(channel, max_size=1)

    async def stop(client: Any, _: object) -> None:
        await client.stop()

    async def leave(both: Any, _: object) -> None:
        await both[1].__aexit__(None, None, None)
        await both[0].close()

    async def pool_and_item() -> Any:
        opened = await pool()
        return opened, opened.acquire()

    with servers.kafka() as address:

        async def producer() -> Any:
            return aiokafka.AIOKafkaProducer(bootstrap_servers=address)

        async def consumer() -> Any:
            return aiokafka.AIOKafkaConsumer("orders", bootstrap_servers=address)

        yield {
            "AIOKafkaProducer.start": Call(lambda client: client.start(), producer, stop),
            "AIOKafkaProducer.stop": Call(lambda client: client.stop(), lambda: _started(producer)),
            "AIOKafkaConsumer.start": Call(lambda client: client.start(), consumer, stop),
            "AIOKafkaConsumer.stop": Call(lambda client: client.stop(), lambda: _started(consumer)),
            "Pool.close": Call(lambda pool: pool.close(), pool),
            "PoolItemContextManager.__aenter__": Call(lambda both: both[1].__aenter__(), pool_and_item, leave),
        }


async def _started(make: Any) -> Any:
    client = await make()
    await client.start()
    return client


@contextlib.asynccontextmanager
async def of_mappers(servers: Any) -> AsyncIterator[Calls]:
    await Tortoise.init(db_url="sqlite://:memory:", modules={"models": [Item.__module__]})
    await Tortoise.generate_schemas()
    config = Config(retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "eu-north-1"}
    manager = get_session().create_client("s3", endpoint_url=servers.url, config=config, **keys)
    client = await manager.__aenter__()
    try:
        yield {
            "Item.create": Call(lambda _: Item.create(name="pen")),
            "Item.get_or_create": Call(lambda _: Item.get_or_create(name="ink")),
            "QuerySet": Call(lambda _: Item.all(), is_coroutine=False),
            "QuerySet.count": Call(lambda _: Item.all().count(), is_coroutine=False),
            "S3.head_bucket": Call(lambda _: client.head_bucket(Bucket="shop")),
            "S3.put_object": Call(lambda _: client.put_object(Bucket="shop", Key="pen", Body=b"17")),
        }
    finally:
        await manager.__aexit__(None, None, None)
        await Tortoise.close_connections()


OF = {"brokers": of_brokers, "mappers": of_mappers}
