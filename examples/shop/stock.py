import asyncio

from .database import transaction
from .pool import Pool
from .tally import entered

TO_THE_SHELF = 0.025  # seconds to fetch one product of one order
UNLOADING = 0.8  # seconds in which a delivery holds the stock lock


class OutOfStock(Exception):
    """The order asks for more pieces than there are."""


class Stock:
    """The goods in stock; ``stock_lock`` allows one change at a time."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.stock_lock = asyncio.Lock()

    async def products(self) -> list[dict[str, object]]:
        async with self.pool.acquire() as connection:
            entered("self.pool.acquire()")
            rows = await connection.execute_fetchall("SELECT sku, price, stock FROM products ORDER BY sku")
        return [{"sku": sku, "price": price, "stock": stock} for sku, price, stock in rows]

    async def reserve(self, number: int, sku: str, quantity: int) -> int:
        """Reserve goods for an order; returns their price in cents."""
        async with self.pool.acquire() as connection:
            entered("self.pool.acquire()")
            async with self.stock_lock:
                entered("self.stock_lock")
                await asyncio.sleep(TO_THE_SHELF)
                async with transaction(connection):
                    entered("transaction(connection)")
                    rows = await connection.execute_fetchall(
                        "UPDATE products SET stock = stock - ? WHERE sku = ? AND stock >= ? RETURNING price",
                        (quantity, sku, quantity),
                    )
                    if not rows:
                        raise OutOfStock(f"fewer than {quantity} of {sku} left")
                    await connection.execute("INSERT INTO reservations VALUES (?, ?, ?)", (number, sku, quantity))
        return rows[0][0] * quantity

    async def give_back(self, number: int) -> None:
        """Return the goods that were reserved for an order."""
        async with self.pool.acquire() as connection:
            entered("self.pool.acquire()")
            async with self.stock_lock:
                entered("self.stock_lock")
                async with transaction(connection):
                    entered("transaction(connection)")
                    await connection.execute(
                        "UPDATE products SET stock = stock + quantity FROM reservations "
                        "WHERE reservations.sku = products.sku AND number = ?",
                        (number,),
                    )
                    await connection.execute("DELETE FROM reservations WHERE number = ?", (number,))

    async def deliver(self, every: float) -> None:
        """Restock at intervals, until cancelled."""
        while True:
            await asyncio.sleep(every)
            async with self.pool.acquire() as connection:
                entered("self.pool.acquire()")
                async with self.stock_lock:
                    entered("self.stock_lock")
                    await asyncio.sleep(UNLOADING)
                    await connection.execute("UPDATE products SET stock = stock + 40 WHERE stock < 25")
