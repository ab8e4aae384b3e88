"""Which client watches which diagram: clients share live diagrams, and a diagram without clients is not drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
from aiohttp import WSCloseCode, web

from tenure_server.background.supervisor import supervise
from tenure_server.errors import NotFound, StoreError
from tenure_server.hub import Hub, Mailbox
from tenure_server.limits import MAX_MESSAGES_QUEUED
from tenure_server.live import messages
from tenure_server.live.live_diagram import LiveDiagram
from tenure_server.live.messages import WireMessage, encode
from tenure_server.live.overview import ExportersStatus, OverviewLoop
from tenure_server.model.lens import Lens
from tenure_server.store import Store


class Client:
    """One connection: its mailbox, and the live diagram that it watches."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.mailbox: Mailbox[WireMessage] = Mailbox(MAX_MESSAGES_QUEUED)
        self.live_diagram: LiveDiagram | None = None


class Feed:
    """All live diagrams and their clients."""

    def __init__(self, store: Store, hub: Hub, clock: Callable[[], int], exporters: ExportersStatus) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._exporters = exporters
        self._live_diagrams: dict[bytes, tuple[LiveDiagram, asyncio.Task[None]]] = {}
        self._overview = OverviewLoop(store, hub, clock, exporters)
        self._overview_task: asyncio.Task[None] | None = None
        self._clients: set[Client] = set()

    @property
    def clients(self) -> int:
        return len(self._clients)

    def connect(self, client: Client) -> None:
        self._clients.add(client)
        if self._overview_task is None:
            self._overview_task = supervise("the live overview", self._overview.run)
        self._overview.join(client.mailbox)

    def disconnect(self, client: Client) -> None:
        self._clients.discard(client)
        self._overview.disconnect(client.mailbox)
        self._unsubscribe(client)
        if not self._clients and self._overview_task:
            self._overview_task.cancel()
            self._overview_task = None
            self._overview = OverviewLoop(self._store, self._hub, self._clock, self._exporters)

    async def subscribe(self, client: Client, subscription: messages.Subscribe) -> None:
        """Let the client watch another diagram; where that fails, send it a Problem."""
        self._unsubscribe(client)
        self._overview.disconnect(client.mailbox)  # the live diagram sends it
        live_diagram = self._live_diagram(subscription.lens, subscription.limit)
        live_diagram.clients += 1
        client.live_diagram = live_diagram
        try:
            await live_diagram.join(client.mailbox, subscription.resume)
        except (NotFound, StoreError) as error:
            self._leave(client)
            client.mailbox.put(encode(messages.Problem(str(error))))
        except BaseException:
            self._leave(client)
            raise

    def _leave(self, client: Client) -> None:
        """The client watches no diagram, and gets the overview without one."""
        self._unsubscribe(client)
        if client in self._clients:
            self._overview.join(client.mailbox)

    def _live_diagram(self, lens: Lens, limit: int) -> LiveDiagram:
        key = msgspec.json.encode((lens, limit))
        if key not in self._live_diagrams:
            live_diagram = LiveDiagram(lens, limit, self._store, self._hub, self._clock, exporters=self._exporters)
            self._live_diagrams[key] = live_diagram, supervise("a live diagram", live_diagram.run)
        return self._live_diagrams[key][0]

    def _unsubscribe(self, client: Client) -> None:
        live_diagram, client.live_diagram = client.live_diagram, None
        if live_diagram is None:
            return
        live_diagram.disconnect(client.mailbox)
        live_diagram.clients -= 1
        if not live_diagram.clients:
            _, task = self._live_diagrams.pop(msgspec.json.encode((live_diagram.lens, live_diagram.limit)))
            task.cancel()

    def catch_up(self, client: Client, missed: int) -> list[WireMessage]:
        """The messages for a client that was too slow: a Gap, then the whole diagram and overview."""
        messages_to_send = [encode(messages.Gap(missed))]
        if client.live_diagram is not None:
            messages_to_send += client.live_diagram.page()
        elif self._overview.latest is not None:
            messages_to_send.append(self._overview.latest)
        return messages_to_send

    async def close(self) -> None:
        """Close all connections, and stop drawing."""
        for client in list(self._clients):
            with suppress(ConnectionError):
                await client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"the collector is stopping")
        tasks = [task for _, task in self._live_diagrams.values()]
        if self._overview_task:
            tasks.append(self._overview_task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


FEED: web.AppKey[Feed] = web.AppKey("FEED")
