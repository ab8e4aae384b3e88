"""One live diagram: read and drawn once for all the clients that look at it, sent to each as operations."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable

import msgspec

from tenure import wire
from tenure_server.diagram import difference
from tenure_server.diagram.steps import Step
from tenure_server.errors import NotFound, StoreError
from tenure_server.hub import Hub, Mailbox
from tenure_server.limits import FRAME_S, FRAME_STRETCH, GROWTH, MAX_WAKE_UPS, POLL_S
from tenure_server.live import messages
from tenure_server.live.lens_filter import affects
from tenure_server.model.diagram_input import DiagramInput
from tenure_server.model.lens import Lens
from tenure_server.model.records import OPEN_PHASES
from tenure_server.store import Store
from tenure_server.store.load_diagram import draw_input, off_the_loop

log = logging.getLogger("tenure.server")

WireMessage = str  # a message as it goes over the WebSocket


def encode(message: messages.ServerMessage) -> WireMessage:
    return msgspec.json.encode(message).decode()


class Drawn(msgspec.Struct, frozen=True):
    """A state of the picture. ``token`` is made from what it was drawn from, so that it holds over a restart."""

    token: str
    steps: list[Step]
    earlier: int
    has_open: bool


_NOTHING = Drawn("", [], 0, has_open=False)


class LiveDiagram:
    """Follows the store for one lens. ``run`` draws; clients come and go by ``join`` and ``leave``."""

    def __init__(self, lens: Lens, limit: int, store: Store, hub: Hub, clock: Callable[[], int]) -> None:
        self.lens = lens
        self.limit = limit
        self.users = 0  # those who are looking, and those who wait to
        self._store = store
        self._hub = hub
        self._clock = clock
        self._clients: set[Mailbox[WireMessage]] = set()
        self._drawn = _NOTHING
        self._shown: list[str] = []  # lifecycles, by id
        self._failure: Exception | None = None
        self._ready = asyncio.Event()

    async def join(self, mailbox: Mailbox[WireMessage], resume: str | None) -> None:
        """Give the client the picture as it stands, and from now on what changes.

        Raises:
            NotFound: the lens's subject is not in the store.
        """
        await self._ready.wait()
        if self._failure:
            raise self._failure
        if resume == self._drawn.token:
            mailbox.put(encode(messages.Current(self._drawn.token, self._clock())))
        else:
            mailbox.put(self.page())
        self._clients.add(mailbox)

    def disconnect(self, mailbox: Mailbox[WireMessage]) -> None:
        self._clients.discard(mailbox)

    def page(self) -> WireMessage:
        drawn = self._drawn
        return encode(messages.Page(drawn.token, self.lens, self._clock(), drawn.steps, drawn.earlier))

    async def run(self) -> None:
        """Draw when something has changed, at most twenty times a second, and less often where drawing takes long."""
        wakes = self._hub.subscribe(MAX_WAKE_UPS)
        loop = asyncio.get_running_loop()
        try:
            while True:
                started = loop.time()
                await self._redraw()
                next_at = started + max(FRAME_S, FRAME_STRETCH * (loop.time() - started))
                await self._wait_for_change(wakes)
                await asyncio.sleep(next_at - loop.time())
        finally:
            self._hub.unsubscribe(wakes)

    async def _wait_for_change(self, wakes: Mailbox[wire.Batch]) -> None:
        """Return when a batch touches the lens; or soon, where it failed or something is open."""
        while True:
            try:
                async with asyncio.timeout(POLL_S if self._drawn.has_open or self._failure else None):
                    batches, missed = await wakes.take()
            except TimeoutError:
                return
            if missed or any(affects(self.lens, batch) for batch in batches):
                return

    async def _redraw(self) -> None:
        try:
            keep = self._shown if len(self._shown) < GROWTH * self.limit else ()
            scene = await self._store.diagram_input(self.lens, self.limit, keep)
            now_ns = self._clock()
            drawn, frame = await off_the_loop(len(scene.lifecycles), lambda: self._draw(scene, now_ns))
        except (NotFound, StoreError) as error:
            self._tell_failure(error)
            return
        except Exception as error:
            log.exception("a live diagram could not be drawn")
            self._tell_failure(error)
            return
        self._failure = None
        self._shown = [lifecycle.id for lifecycle in scene.lifecycles]
        self._drawn = drawn
        self._ready.set()
        if frame is not None:
            for mailbox in self._clients:
                mailbox.put(frame)

    def _draw(self, scene: DiagramInput, now_ns: int) -> tuple[Drawn, WireMessage | None]:
        """The new state, and what leads to it from the one before: None where nothing has changed."""
        before = self._drawn
        token = _token(self.lens, scene)
        if token == before.token:
            return before, None
        steps = draw_input(scene, self.lens, now_ns)
        has_open = any(lifecycle.phase in OPEN_PHASES for lifecycle in scene.lifecycles)
        drawn = Drawn(token, steps, scene.earlier, has_open)
        operations = difference(before.steps, steps)
        return drawn, encode(messages.Operations(token, now_ns, operations, scene.earlier))

    def _tell_failure(self, error: Exception) -> None:
        """To those who wait for the first page, by ``join``; to those who have one, by a message."""
        self._failure = error
        self._ready.set()
        frame = encode(messages.Problem(str(error)))
        for mailbox in self._clients:
            mailbox.put(frame)


def _token(lens: Lens, scene: DiagramInput) -> str:
    told = msgspec.msgpack.encode((lens, scene))
    return hashlib.blake2b(told, digest_size=12).hexdigest()
