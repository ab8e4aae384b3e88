from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    price INTEGER NOT NULL,
    stock INTEGER NOT NULL CHECK (stock >= 0)
);
CREATE TABLE reservations (
    number INTEGER NOT NULL,
    sku TEXT NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (number, sku)
);
CREATE TABLE orders (
    number INTEGER PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    customer TEXT NOT NULL,
    total INTEGER NOT NULL,
    receipt TEXT NOT NULL
);
INSERT INTO products VALUES ('tea', 450, 60), ('coffee', 790, 60), ('cocoa', 520, 40), ('honey', 630, 25);
"""


@asynccontextmanager
async def transaction(connection: aiosqlite.Connection) -> AsyncIterator[None]:
    """Commit all statements of the block, or none of them."""
    try:
        await connection.execute("BEGIN IMMEDIATE")
        yield
    except BaseException:
        await connection.rollback()
        raise
    await connection.commit()
