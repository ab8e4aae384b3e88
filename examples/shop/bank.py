import asyncio
import random

import aiohttp
from aiohttp import web

from .tally import entered, handled

PATIENCE = 0.8  # seconds that the shop waits for the bank


class Declined(Exception):
    """The bank refuses the payment."""


class Payments:
    """The shop's client of the bank. ``bank_slots`` limits the requests at a time."""

    def __init__(self, session: aiohttp.ClientSession, url: str, at_once: int = 2) -> None:
        self.session = session
        self.url = url
        self.bank_slots = asyncio.Semaphore(at_once)

    async def authorise(self, customer: str) -> str:
        """Authorise a payment; returns the bank's receipt."""
        async with self.bank_slots:
            entered("self.bank_slots")
            async with asyncio.timeout(PATIENCE):
                entered("asyncio.timeout(PATIENCE)")
                async with self.session.post(f"{self.url}/payments", json={"customer": customer}) as response:
                    entered('self.session.post(f"{self.url}/payments", json={"customer": customer})')
                    answer = await response.json()
        if response.status != web.HTTPCreated.status_code:
            raise Declined(answer["reason"])
        return answer["receipt"]


class Bank:
    """The upstream service: slow, sometimes very slow, and it declines about every fifteenth payment."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.ledger_lock = asyncio.Lock()
        self.receipts = 0

    async def pay(self, request: web.Request) -> web.Response:
        handled("POST /payments")
        await request.json()
        risk = self.chance.random()
        await asyncio.sleep(0.1 + 0.2 * risk)
        async with self.ledger_lock:
            entered("self.ledger_lock")
            await asyncio.sleep(0.03 + 0.05 * risk)  # the ledger takes one payment at a time
        if risk > 0.96:
            await asyncio.sleep(2 * PATIENCE)  # a manual check, longer than the shop waits
        if risk < 0.07:
            return web.json_response({"reason": "card declined"}, status=web.HTTPPaymentRequired.status_code)
        self.receipts += 1
        return web.json_response({"receipt": f"R{self.receipts:05}"}, status=web.HTTPCreated.status_code)

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/payments", self.pay)])
        return app
