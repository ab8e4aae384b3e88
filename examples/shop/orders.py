import asyncio
import itertools
import sqlite3

from .bank import Payments
from .database import transaction
from .pool import Pool
from .stock import Stock
from .tally import entered

TIME_LIMIT = 2.0  # seconds for one order, including waits


class DuplicateOrder(Exception):
    """There is an order with this reference already."""


class Orders:
    def __init__(self, pool: Pool, stock: Stock, payments: Payments) -> None:
        self.pool = pool
        self.stock = stock
        self.payments = payments
        self._numbers = itertools.count(1)

    async def place(self, reference: str, customer: str, basket: dict[str, int]) -> dict[str, object]:
        """Place an order: completely, or not at all.

        Raises:
            OutOfStock, Declined, DuplicateOrder: the order is refused.
            TimeoutError: the bank, or the whole order, took too long.
        """
        number = next(self._numbers)
        async with asyncio.timeout(TIME_LIMIT):
            entered("asyncio.timeout(TIME_LIMIT)")
            try:
                total, receipt = await self._reserve_and_pay(number, customer, basket)
                await self._write_down(number, reference, customer, total, receipt)
            except BaseException:
                await self.stock.give_back(number)
                raise
        return {"number": number, "total": total, "receipt": receipt}

    async def _reserve_and_pay(self, number: int, customer: str, basket: dict[str, int]) -> tuple[int, str]:
        """Reserve and pay concurrently; the first failure cancels the rest."""
        try:
            async with asyncio.TaskGroup() as group:
                entered("asyncio.TaskGroup()")
                reserving = [
                    group.create_task(self.stock.reserve(number, sku, quantity), name=f"reserve {sku} for {number}")
                    for sku, quantity in basket.items()
                ]
                paying = group.create_task(self.payments.authorise(customer), name=f"pay for {number}")
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return sum(task.result() for task in reserving), paying.result()

    async def _write_down(self, number: int, reference: str, customer: str, total: int, receipt: str) -> None:
        async with self.pool.acquire() as connection:
            entered("self.pool.acquire()")
            try:
                async with transaction(connection):
                    entered("transaction(connection)")
                    await connection.execute(
                        "INSERT INTO orders VALUES (?, ?, ?, ?, ?)", (number, reference, customer, total, receipt)
                    )
                    await connection.execute("DELETE FROM reservations WHERE number = ?", (number,))
            except sqlite3.IntegrityError:
                raise DuplicateOrder(f"{reference} was ordered before") from None

    async def find(self, number: int) -> dict[str, object] | None:
        async with self.pool.acquire() as connection:
            entered("self.pool.acquire()")
            rows = await connection.execute_fetchall(
                "SELECT reference, customer, total FROM orders WHERE number = ?", (number,)
            )
        return (
            {"number": number, **dict(zip(("reference", "customer", "total"), rows[0], strict=True))} if rows else None
        )
