"""One live diagram: read and drawn once for all its clients, and sent to each as operations."""

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
from tenure_server.limits import MAX_GROWTH, MAX_WAKE_UPS, POLL_S, REDRAW_S, REDRAW_STRETCH
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


class DiagramState(msgspec.Struct, frozen=True):
    """The diagram at one time. ``token`` is a hash of its input, so it is still valid after a restart."""

    token: str
    steps: list[Step]
    earlier: int
    has_open: bool
    internal: int = 0


_NOTHING = DiagramState("", [], 0, has_open=False)


class LiveDiagram:
    """Follows the store for one lens. ``run`` draws; clients come and go by ``join`` and ``leave``."""

    def __init__(self, lens: Lens, limit: int, store: Store, hub: Hub, clock: Callable[[], int]) -> None:
        self.lens = lens
        self.limit = limit
        self.clients = 0  # that watch it or wait for its first page
        self._store = store
        self._hub = hub
        self._clock = clock
        self._mailboxes: set[Mailbox[WireMessage]] = set()
        self._state = _NOTHING
        self._shown: list[str] = []  # lifecycles, by id
        self._failure: Exception | None = None
        self._ready = asyncio.Event()

    async def join(self, mailbox: Mailbox[WireMessage], resume: str | None) -> None:
        """Send the client the current diagram, and from now on its changes.

        Raises:
            NotFound: the lens's subject is not in the store.
        """
        await self._ready.wait()
        if self._failure:
            raise self._failure
        if resume == self._state.token:
            mailbox.put(encode(messages.Current(self._state.token, self._clock())))
        else:
            mailbox.put(self.page())
        self._mailboxes.add(mailbox)

    def disconnect(self, mailbox: Mailbox[WireMessage]) -> None:
        self._mailboxes.discard(mailbox)

    def page(self) -> WireMessage:
        state = self._state
        return encode(messages.Page(state.token, self.lens, self._clock(), state.steps, state.earlier, state.internal))

    async def run(self) -> None:
        """Draw after changes: at most twenty times a second, and less often where drawing takes long."""
        batches_mailbox = self._hub.subscribe(MAX_WAKE_UPS)
        loop = asyncio.get_running_loop()
        try:
            while True:
                started = loop.time()
                await self._redraw()
                next_at = started + max(REDRAW_S, REDRAW_STRETCH * (loop.time() - started))
                await self._wait_for_change(batches_mailbox)
                await asyncio.sleep(next_at - loop.time())
        finally:
            self._hub.unsubscribe(batches_mailbox)

    async def _wait_for_change(self, batches_mailbox: Mailbox[wire.Batch]) -> None:
        """Return when a batch affects the lens, or after POLL_S if the last drawing failed or a lifecycle is open."""
        while True:
            try:
                async with asyncio.timeout(POLL_S if self._state.has_open or self._failure else None):
                    batches, missed = await batches_mailbox.take()
            except TimeoutError:
                return
            if missed or any(affects(self.lens, batch) for batch in batches):
                return

    async def _redraw(self) -> None:
        try:
            keep = self._shown if len(self._shown) < MAX_GROWTH * self.limit else ()
            scene = await self._store.diagram_input(self.lens, self.limit, keep)
            now_ns = self._clock()
            state, message = await off_the_loop(len(scene.lifecycles), lambda: self._draw(scene, now_ns))
        except (NotFound, StoreError) as error:
            self._send_failure(error)
            return
        except Exception as error:
            log.exception("a live diagram could not be drawn")
            self._send_failure(error)
            return
        self._failure = None
        self._shown = [lifecycle.id for lifecycle in scene.lifecycles]
        self._state = state
        self._ready.set()
        if message is not None:
            for mailbox in self._mailboxes:
                mailbox.put(message)

    def _draw(self, scene: DiagramInput, now_ns: int) -> tuple[DiagramState, WireMessage | None]:
        """The new state, and the message that leads to it from the previous one; None where nothing has changed."""
        previous = self._state
        token = _token(self.lens, scene)
        if token == previous.token:
            return previous, None
        steps = draw_input(scene, self.lens, now_ns)
        has_open = any(lifecycle.phase in OPEN_PHASES for lifecycle in scene.lifecycles)
        state = DiagramState(token, steps, scene.earlier, has_open, scene.internal)
        operations = difference(previous.steps, steps)
        return state, encode(messages.Operations(token, now_ns, operations, scene.earlier, scene.internal))

    def _send_failure(self, error: Exception) -> None:
        """Report the error: ``join`` raises it to clients that wait for a first page, the others get a message."""
        self._failure = error
        self._ready.set()
        message = encode(messages.Problem(str(error)))
        for mailbox in self._mailboxes:
            mailbox.put(message)


def _token(lens: Lens, scene: DiagramInput) -> str:
    encoded = msgspec.msgpack.encode((lens, scene))
    return hashlib.blake2b(encoded, digest_size=12).hexdigest()
