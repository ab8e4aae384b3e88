"""From the store to a picture: what the API, the live feed and the export share."""

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

_USUAL, _LARGE = Lane("draw", 1), Lane("draw-large", 1)  # of the whole process: they share one interpreter


async def picture(store: Store, lens: Lens, limit: int, now_ns: int) -> Diagram:
    """Read and draw, off the event loop.

    Raises:
        NotFound: the lens's subject is not in the store.
        StoreError: the store cannot be read, or not in the time that a read has.
    """
    scene = await store.scene(lens, limit)
    steps = await off_the_loop(len(scene.lifecycles), lambda: draw_scene(scene, lens, now_ns))
    return Diagram(steps, scene.earlier)


async def off_the_loop(size: int, work: Callable[[], T]) -> T:
    """Work on a picture of so many lifecycles. Large ones wait for each other, and usual ones never for them.

    Raises:
        ReadsBusy, ReadTooLong: see ``Lane.run``.
    """
    lane = _USUAL if size <= DEFAULT_DIAGRAM else _LARGE
    return await lane.run(lambda _: work())


def draw_scene(scene: DiagramInput, lens: Lens, now_ns: int) -> list[Step]:
    return draw(scene.lifecycles, scene.tasks, lens, now_ns, scene.context)
