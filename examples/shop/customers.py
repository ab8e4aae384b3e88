import asyncio
import random

import aiohttp

from .tally import entered

GOODS = ("tea", "coffee", "cocoa", "honey")


class Customers:
    """Start customers at an average ``rate`` per second, each in its own task, until cancelled."""

    def __init__(self, session: aiohttp.ClientSession, url: str, rate: float, chance: random.Random) -> None:
        self.session = session
        self.url = url
        self.rate = rate
        self.chance = chance
        self.came = 0
        self._visits: set[asyncio.Task[None]] = set()

    async def come(self) -> None:
        try:
            while True:
                await asyncio.sleep(self.chance.expovariate(self.rate))
                self.came += 1
                visit = asyncio.create_task(self.visit(self.came), name=f"customer {self.came}")
                self._visits.add(visit)
                visit.add_done_callback(self._visits.discard)
        finally:
            await self._let_them_finish()

    async def _let_them_finish(self) -> None:
        if self._visits:
            await asyncio.wait(self._visits)

    async def visit(self, n: int) -> None:
        """List the products, order something, read the order; one customer in twelve hangs up."""
        patience = 0.25 if self.chance.random() < 1 / 12 else 10.0
        try:
            async with asyncio.timeout(patience):
                entered("asyncio.timeout(patience)")
                await self.look_around()
                await self.order(n)
        except TimeoutError:
            pass  # this customer hung up: the shop sees a disconnect
        except aiohttp.ServerDisconnectedError:
            pass  # the shop closed the connection: before Python 3.13 a failing TaskGroup may also cancel later code

    async def look_around(self) -> None:
        async with self.session.get(f"{self.url}/products") as response:
            entered('self.session.get(f"{self.url}/products")')
            await response.json()

    async def order(self, n: int) -> None:
        reference = f"order {n if self.chance.random() > 1 / 25 else n // 2}"  # some customers order twice
        basket = {sku: self.chance.randint(1, 4) for sku in self.chance.sample(GOODS, self.chance.randint(1, 3))}
        order = {"reference": reference, "customer": f"customer {n}", "basket": basket}
        async with self.session.post(f"{self.url}/orders", json=order) as response:
            entered('self.session.post(f"{self.url}/orders", json=order)')
            if response.status != 201:
                return
            placed = await response.json()
        async with self.session.get(f"{self.url}/orders/{placed['number']}") as response:
            entered("""self.session.get(f"{self.url}/orders/{placed['number']}")""")
            await response.json()
