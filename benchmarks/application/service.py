"""A service with five managers a request: the request, a semaphore, a lock, a pool's connection and a transaction.

    DATABASE=postgres://... uvicorn benchmarks.application.service:app

``GET /cpu`` answers the seconds of processor time that the process has used.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Request

payments = asyncio.Semaphore(8)
stock = asyncio.Lock()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The pool is open as long as the service."""
    async with asyncpg.create_pool(os.environ["DATABASE"], min_size=4, max_size=4) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/orders/{number}")
async def read_order(number: int, request: Request) -> dict[str, int]:
    """One order, as a real service would look it up."""
    async with payments:
        async with stock:
            pass
        async with request.app.state.pool.acquire() as connection, connection.transaction():
            paid = await connection.fetchval("SELECT $1::int + 1", number)
    return {"number": number, "paid": paid}


@app.get("/cpu")
async def read_cpu() -> float:
    """Seconds."""
    return time.process_time()
