"""From the store to a diagram: what the API, the live feed and the export share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenure_server.background.lanes import Lane
from tenure_server.diagram import draw
from tenure_server.diagram.steps import Diagram, Step
from tenure_server.limits import DEFAULT_DIAGRAM
from tenure_server.model.diagram_input import DiagramInput
from tenure_server.model.lens import Lens
from tenure_server.store import Store

T = TypeVar("T")

_USUAL, _LARGE = Lane("draw", 1), Lane("draw-large", 1)  # one thread each: they share one interpreter


async def load_diagram(store: Store, lens: Lens, limit: int, now_ns: int) -> Diagram:
    """Read and draw, off the event loop.

    Raises:
        NotFound: the lens's subject is not in the store.
        StoreError: the store cannot be read, or the read took too long.
    """
    source = await store.diagram_input(lens, limit)
    steps = await off_the_loop(len(source.lifecycles), lambda: draw_input(source, lens, now_ns))
    return Diagram(steps, source.earlier, source.internal)


async def off_the_loop(size: int, work: Callable[[], T]) -> T:
    """Call ``work``, which handles a diagram of ``size`` lifecycles, in a thread. Large diagrams do not delay others.

    Raises:
        ReadsBusy, ReadTooLong: see ``Lane.run``.
    """
    lane = _USUAL if size <= DEFAULT_DIAGRAM else _LARGE
    return await lane.run(lambda _: work())


def draw_input(source: DiagramInput, lens: Lens, now_ns: int) -> list[Step]:
    return draw(source.lifecycles, source.tasks, lens, now_ns, source.context)
