"""From the store to a picture: what the API, the live feed and the export share."""

from __future__ import annotations

import asyncio

from tenure_server.diagram import draw
from tenure_server.diagram.steps import Diagram, Lens, Step
from tenure_server.store import Scene, Store


async def picture(store: Store, lens: Lens, limit: int, now_ns: int) -> Diagram:
    """Read and draw, off the event loop.

    Raises:
        NotFound: the lens's subject is not in the store.
        StoreFailed: the store cannot be read.
    """
    scene = await store.scene(lens, limit)
    steps = await asyncio.to_thread(draw_scene, scene, lens, now_ns)
    return Diagram(steps, scene.earlier)


def draw_scene(scene: Scene, lens: Lens, now_ns: int) -> list[Step]:
    return draw(scene.lifecycles, scene.tasks, lens, now_ns, scene.context)
