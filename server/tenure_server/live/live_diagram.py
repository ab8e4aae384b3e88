"""One live diagram with its overview: read and drawn once for all its clients, and sent to each as operations."""

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
from tenure_server.export.status import Exporter
from tenure_server.hub import Hub, Mailbox
from tenure_server.limits import (
    MAX_GROWTH,
    MAX_WAKE_UPS,
    OVERVIEW_LIMIT,
    OVERVIEW_S,
    POLL_S,
    REDRAW_S,
    REDRAW_STRETCH,
)
from tenure_server.live import messages
from tenure_server.live.lens_filter import affects
from tenure_server.live.messages import WireMessage, encode
from tenure_server.live.overview import ExportersStatus, digest_of
from tenure_server.model.diagram_input import DiagramInput, LiveInput, OpenCounts
from tenure_server.model.lens import Lens
from tenure_server.store import Store
from tenure_server.store.load_diagram import draw_input, off_the_loop

log = logging.getLogger("tenure.server")


class DiagramState(msgspec.Struct, frozen=True):
    """What the clients show at one time. ``token`` is a hash of the diagram's input, so a restart keeps it valid."""

    token: str
    steps: list[Step]
    earlier: int
    open: OpenCounts
    overview: messages.Overview
    overview_digest: bytes
    internal: int = 0

    @property
    def goes_on(self) -> bool:
        """Whether it can change without a batch: durations grow, and a process may die."""
        return self.open.drawn > 0 or any(process.alive for process in self.overview.processes)


_NOTHING = DiagramState("", [], 0, OpenCounts(), messages.Overview(0, [], [], []), b"")


class LiveDiagram:
    """Follows the store for one lens. ``run`` draws; clients come and go by ``join`` and ``disconnect``.

    The diagram and the overview beside it are always of one state of the store.
    """

    def __init__(
        self, lens: Lens, limit: int, store: Store, hub: Hub, clock: Callable[[], int], *, exporters: ExportersStatus
    ) -> None:
        self.lens = lens
        self.limit = limit
        self.clients = 0  # that watch it or wait for its first page
        self._store = store
        self._hub = hub
        self._clock = clock
        self._exporters = exporters
        self._mailboxes: set[Mailbox[WireMessage]] = set()
        self._state = _NOTHING
        self._shown: list[str] = []  # lifecycles, by id
        self._failure: Exception | None = None
        self._ready = asyncio.Event()

    async def join(self, mailbox: Mailbox[WireMessage], resume: str | None) -> None:
        """Send the client the current diagram and overview, and from now on their changes.

        Raises:
            NotFound: the lens's subject is not in the store.
        """
        await self._ready.wait()
        if self._failure:
            raise self._failure
        for message in self.page(resume):
            mailbox.put(message)
        self._mailboxes.add(mailbox)

    def disconnect(self, mailbox: Mailbox[WireMessage]) -> None:
        self._mailboxes.discard(mailbox)

    def page(self, resume: str | None = None) -> list[WireMessage]:
        """The overview and the whole diagram; only the overview for a client that has the diagram."""
        state, now_ns = self._state, self._clock()
        overview = encode(msgspec.structs.replace(state.overview, now_ns=now_ns))
        if resume == state.token:
            return [overview, encode(messages.Current(state.token, now_ns))]
        page = messages.Page(state.token, self.lens, now_ns, state.steps, state.earlier, state.open, state.internal)
        return [overview, encode(page)]

    async def run(self) -> None:
        """Draw after changes: at most twenty times a second, and less often where drawing takes long."""
        batches_mailbox = self._hub.subscribe(MAX_WAKE_UPS)
        loop = asyncio.get_running_loop()
        try:
            while True:
                started = loop.time()
                await self._redraw()
                next_at = started + max(REDRAW_S, REDRAW_STRETCH * (loop.time() - started))
                await self._wait_for_change(batches_mailbox, loop.time() + OVERVIEW_S)
                await asyncio.sleep(next_at - loop.time())
        finally:
            self._hub.unsubscribe(batches_mailbox)

    async def _wait_for_change(self, batches_mailbox: Mailbox[wire.Batch], overview_at: float) -> None:
        """Return when a batch affects the lens; at ``overview_at`` or later if one affects the overview alone.

        Without a batch, return after POLL_S if the last drawing failed or something goes on.
        """
        poll_at = asyncio.get_running_loop().time() + POLL_S if self._state.goes_on or self._failure else None
        while True:
            try:
                async with asyncio.timeout_at(poll_at):
                    batches, missed = await batches_mailbox.take()
            except TimeoutError:
                return
            if missed or any(affects(self.lens, batch) for batch in batches):
                return
            poll_at = overview_at if poll_at is None else min(poll_at, overview_at)

    async def _redraw(self) -> None:
        try:
            keep = self._shown if len(self._shown) < MAX_GROWTH * self.limit else ()
            source = await self._store.live_input(self.lens, self.limit, keep, OVERVIEW_LIMIT)
            exporters = self._exporters()
            size = len(source.diagram.lifecycles)
            state, changes = await off_the_loop(size, lambda: self._draw(source, exporters))
        except (NotFound, StoreError) as error:
            self._send_failure(error)
            return
        except Exception as error:
            log.exception("a live diagram could not be drawn")
            self._send_failure(error)
            return
        self._failure = None
        self._shown = [lifecycle.id for lifecycle in source.diagram.lifecycles]
        self._state = state
        self._ready.set()
        for mailbox in self._mailboxes:
            for message in changes:
                mailbox.put(message)

    def _draw(self, source: LiveInput, exporters: list[Exporter]) -> tuple[DiagramState, list[WireMessage]]:
        """The new state, and the messages that lead to it from the previous one; empty where nothing has changed."""
        previous, scene, now_ns = self._state, source.diagram, source.now_ns
        overview = messages.Overview(
            now_ns,
            source.processes,
            source.traces,
            source.resources,
            exporters,
            with_diagram=True,
            in_use=source.in_use,
        )
        digest = digest_of(overview)
        token = _token(self.lens, scene)
        is_redrawn = token != previous.token
        steps = draw_input(scene, self.lens, now_ns) if is_redrawn else previous.steps
        state = DiagramState(token, steps, scene.earlier, scene.open, overview, digest, scene.internal)
        if not is_redrawn and digest == previous.overview_digest:
            return state, []
        operations = difference(previous.steps, steps) if is_redrawn else []
        changes = [encode(messages.Operations(token, now_ns, operations, scene.earlier, scene.open, scene.internal))]
        if digest != previous.overview_digest:
            changes.insert(0, encode(overview))
        return state, changes

    def _send_failure(self, error: Exception) -> None:
        """Report the error: ``join`` raises it to clients that wait for a first page, the others get a message."""
        self._failure = error
        self._ready.set()
        message = encode(messages.Problem(str(error)))
        for mailbox in self._mailboxes:
            mailbox.put(message)


def _token(lens: Lens, scene: DiagramInput) -> str:
    processes = [(process.name, process.alive) for process in scene.processes.values()]  # no more of them is drawn
    encoded = msgspec.msgpack.encode((lens, msgspec.structs.replace(scene, processes={}), processes))
    return hashlib.blake2b(encoded, digest_size=12).hexdigest()
