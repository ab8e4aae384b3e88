"""A client of the live feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from tests.server.support.collector import Collector

from tenure_server.diagram import apply
from tenure_server.diagram.steps import Step
from tenure_server.live import messages
from tenure_server.model.diagram_input import OpenCounts
from tenure_server.model.lens import Lens

_decoder = msgspec.json.Decoder(messages.ServerMessage)


class Client:
    """A client as the browser is: it applies the messages to its diagram."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.steps: list[Step] = []
        self.token = ""
        self.earlier = 0
        self.open = OpenCounts()
        self.overviews: list[messages.Overview] = []
        self.shown_overview: messages.Overview | None = None  # beside the diagram

    async def subscribe(self, lens: Lens | None = None, **more: Any) -> None:
        await self._socket.send_str(msgspec.json.encode(messages.Subscribe(lens or Lens(), **more)).decode())

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def receive(self) -> messages.ServerMessage:
        """The next message that is no overview; the diagram follows it, and overviews are kept."""
        async with asyncio.timeout(5):
            while True:
                message = _decoder.decode(await self._socket.receive_str())
                if not isinstance(message, messages.Overview):
                    break
                self.overviews.append(message)
        if self.overviews:
            self.shown_overview = self.overviews[-1]
        if isinstance(message, messages.Page | messages.Operations):
            self.open = message.open
        if isinstance(message, messages.Page):
            self.steps, self.token, self.earlier = message.steps, message.token, message.earlier
        elif isinstance(message, messages.Operations):
            self.steps = apply(self.steps, message.operations)
            self.token, self.earlier = message.token, message.earlier
        return message

    async def overview(self) -> messages.Overview:
        async with asyncio.timeout(5):
            while not self.overviews:
                message = _decoder.decode(await self._socket.receive_str())
                assert isinstance(message, messages.Overview)
                self.overviews.append(message)
        return self.overviews.pop(0)

    async def until(self, collector: Collector, lens: Lens | None = None) -> None:
        """Receive until the diagram is what the API draws."""
        query = "&".join(
            f"{name}={value}" for name in ("trace", "task", "resource") if (value := getattr(lens or Lens(), name))
        )
        expected = (await collector.answer(f"/api/diagram?{query}"))["steps"]
        while still(self.steps) != still(expected):
            await self.receive()


def still(steps: Any) -> Any:
    """The steps without what changes as time passes."""
    plain = msgspec.json.decode(msgspec.json.encode(steps))
    return [{**step, "text": None, "at_ns": None} if step.get("since_ns") else step for step in plain]


@asynccontextmanager
async def watching(collector: Collector) -> AsyncIterator[Client]:
    async with collector.session.ws_connect(f"{collector.url}/api/live", max_msg_size=0) as socket:
        yield Client(socket)
