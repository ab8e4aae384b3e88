"""A collector for one test: on a free port of 127.0.0.1, with a clock that the test moves."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from tests.server.support.batches import at

from tenure import wire
from tenure_server.app import Server, create_app
from tenure_server.http.app_keys import STORE
from tenure_server.live.subscriptions import FEED, Feed
from tenure_server.settings import Settings
from tenure_server.store import Store
from tenure_server.store.sqlite import SqliteStore


class Clock:
    """Wall time in ns that stands still until it is moved."""

    def __init__(self, ms: float = 1_000) -> None:
        self.now_ns = at(ms)

    def __call__(self) -> int:
        return self.now_ns

    def set(self, ms: float) -> None:
        self.now_ns = at(ms)


class Collector:
    """A running collector, with what a test asks of it."""

    def __init__(self, url: str, session: aiohttp.ClientSession, app: web.Application, clock: Clock) -> None:
        self.url = url
        self.session = session
        self.store: Store = app[STORE]
        self.feed: Feed = app[FEED]
        self.clock = clock

    async def post(self, batch: wire.Batch) -> Any:
        status, answer = await self.send(wire.encode(batch))
        assert status == 200, answer
        return answer

    async def send(self, body: bytes, **headers: str) -> tuple[int, Any]:
        """POST anything; header names with _ for -."""
        named = {"Content-Type": wire.CONTENT_TYPE} | {
            name.replace("_", "-"): value for name, value in headers.items() if value
        }
        async with self.session.post(f"{self.url}/v1/lifecycles", data=io.BytesIO(body), headers=named) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.get(f"{self.url}{path}", headers=named, allow_redirects=False) as answer:
            if "json" in answer.content_type:
                return answer.status, await answer.json(content_type=None)
            return answer.status, await answer.text()

    async def answer(self, path: str) -> Any:
        status, answer = await self.get(path)
        assert status == 200, answer
        return answer


@asynccontextmanager
async def collecting(
    settings: Settings | None = None, store: Store | None = None, clock: Clock | None = None
) -> AsyncIterator[Collector]:
    """A running collector, in memory unless a store is given."""
    clock = clock or Clock()
    store = store or SqliteStore(None, clock)
    app = create_app(settings or Settings(port=0), store, clock)
    server = Server(app)
    url = await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield Collector(url, session, app, clock)
    finally:
        await server.stop()
