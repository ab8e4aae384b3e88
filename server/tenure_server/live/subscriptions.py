"""Who watches what: clients share pictures, and what nobody watches is not drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec
from aiohttp import WSCloseCode, web

from tenure_server.background.supervisor import supervise
from tenure_server.errors import NotFound, StoreError
from tenure_server.hub import Hub, Mailbox
from tenure_server.limits import MAX_FRAMES_QUEUED
from tenure_server.live import messages
from tenure_server.live.live_diagram import LiveDiagram, WireMessage, encode
from tenure_server.live.overview import ExportersStatus, OverviewLoop
from tenure_server.model.lens import Lens
from tenure_server.store import Store


class Client:
    """One connection: its mailbox, and the picture that it looks at."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.mailbox: Mailbox[WireMessage] = Mailbox(MAX_FRAMES_QUEUED)
        self.picture: LiveDiagram | None = None


class Feed:
    """All live pictures and the clients that look at them."""

    def __init__(self, store: Store, hub: Hub, clock: Callable[[], int], exporters: ExportersStatus) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._exporters = exporters
        self._pictures: dict[bytes, tuple[LiveDiagram, asyncio.Task[None]]] = {}
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

    async def subscribe(self, client: Client, wanted: messages.Subscribe) -> None:
        """Let the client look at another picture. Where there is none it is told why."""
        self._unsubscribe(client)
        picture = self._picture(wanted.lens, wanted.limit)
        picture.users += 1
        client.picture = picture
        try:
            await picture.join(client.mailbox, wanted.resume)
        except (NotFound, StoreError) as error:
            self._unsubscribe(client)
            client.mailbox.put(encode(messages.Problem(str(error))))
        except BaseException:
            self._unsubscribe(client)
            raise

    def _picture(self, lens: Lens, limit: int) -> LiveDiagram:
        key = msgspec.json.encode((lens, limit))
        if key not in self._pictures:
            picture = LiveDiagram(lens, limit, self._store, self._hub, self._clock)
            self._pictures[key] = picture, supervise("a live diagram", picture.run)
        return self._pictures[key][0]

    def _unsubscribe(self, client: Client) -> None:
        picture, client.picture = client.picture, None
        if picture is None:
            return
        picture.disconnect(client.mailbox)
        picture.users -= 1
        if not picture.users:
            _, task = self._pictures.pop(msgspec.json.encode((picture.lens, picture.limit)))
            task.cancel()

    def catch_up(self, client: Client, missed: int) -> list[WireMessage]:
        """What to send to a client that was too slow: what it missed, as a whole."""
        frames = [encode(messages.Gap(missed))]
        if client.picture is not None:
            frames.append(client.picture.page())
        if self._overview.latest is not None:
            frames.append(self._overview.latest)
        return frames

    async def close(self) -> None:
        """Say goodbye to all clients, and stop drawing."""
        for client in list(self._clients):
            with suppress(ConnectionError):
                await client.socket.close(code=WSCloseCode.GOING_AWAY, message=b"the collector is stopping")
        tasks = [task for _, task in self._pictures.values()]
        if self._overview_task:
            tasks.append(self._overview_task)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


FEED: web.AppKey[Feed] = web.AppKey("FEED")
