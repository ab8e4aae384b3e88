import argparse
import asyncio
import random
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import aiosqlite
from aiohttp import web

from . import tally
from .bank import Bank, Payments
from .bookkeeper import keep_books
from .customers import Customers
from .database import SCHEMA
from .orders import Orders
from .pool import Pool
from .service import Service
from .stock import Stock


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="shop", description="A small shop and its customers.")
    parser.add_argument("--seconds", type=float, help="stop by itself after this time (default: at Ctrl-C)")
    parser.add_argument("--rate", type=float, default=5.0, help="customers per second (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port of the shop on 127.0.0.1 (default: a free one)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all random choices (default: %(default)s)")
    parser.add_argument(
        "--count", type=Path, metavar="FILE", help="at the end, write how often each resource was entered"
    )
    return parser.parse_args(arguments)


async def serve(app: web.Application, port: int) -> tuple[web.AppRunner, str]:
    """Start an application on 127.0.0.1; returns its runner and its URL."""
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    tally.entered("runner.setup()")
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, port = runner.addresses[0]
    return runner, f"http://{host}:{port}"


async def wait_for_the_end(seconds: float | None) -> None:
    """Return at SIGINT, at SIGTERM, or after the given time."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    await stop.wait()


async def run(options: argparse.Namespace, path: Path) -> None:
    chance = random.Random(options.seed)
    connection = await aiosqlite.connect(path)
    tally.entered("aiosqlite.connect(path)")
    await connection.executescript(SCHEMA)
    await connection.close()

    pool = Pool(path, capacity=2)
    await pool.open()
    session = aiohttp.ClientSession()
    tally.entered("aiohttp.ClientSession()")
    bank, bank_url = await serve(Bank(chance).application(), port=0)
    stock = Stock(pool)
    orders = Orders(pool, stock, Payments(session, bank_url))
    shop, shop_url = await serve(Service(stock, orders).application(), options.port)
    print(f"the shop is open: {shop_url}/products", flush=True)

    activities = [
        asyncio.create_task(Customers(session, shop_url, options.rate, chance).come(), name="street"),
        asyncio.create_task(stock.deliver(every=3), name="delivery"),
        asyncio.create_task(keep_books(path, every=5), name="bookkeeper"),
    ]
    try:
        await wait_for_the_end(options.seconds)
    finally:
        for activity in activities:
            activity.cancel()
        await asyncio.gather(*activities, return_exceptions=True)
        await session.close()
        await shop.cleanup()
        await bank.cleanup()
        await pool.close()
        print("the shop is closed", flush=True)


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        asyncio.run(run(options, Path(folder) / "shop.sqlite"))
    if options.count is not None:
        options.count.write_text(tally.as_json())


if __name__ == "__main__":
    main()
